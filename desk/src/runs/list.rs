//! Runs page by page, the newest first.

use super::select::refuse_nul;
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::{Held, RunFilter, RunId, RunView};

/// A page of runs.
#[derive(Clone, Debug)]
pub struct RunList {
    /// The runs, the newest first, each with what keeps it from starting. Their inputs are null.
    pub runs: Vec<(RunView, Option<Held>)>,
    /// Before which run the next page begins; none after the last one. A page may be short, even empty,
    /// and not be the last.
    pub next: Option<RunId>,
}

impl Desk {
    /// Runs older than `before`, at most `limit` (1 to 10,000) of them.
    ///
    /// # Errors
    /// [`DeskError::Refused`](crate::DeskError::Refused) for a filter with NUL in it, or when the database
    /// cannot be read.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> DeskResult<RunList> {
        refuse_nul(filter)?;
        let page = self.engine().runs_before(filter, before, limit).await?;
        let line = self.engine().line(&page.runs).await?;
        let each = page.runs.into_iter().map(|run| {
            let held = line.held(&run);
            (run, held)
        });
        Ok(RunList {
            runs: each.collect(),
            next: page.next,
        })
    }
}
