//! Which runs in flight this build could not continue, asked before a deploy.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::VaultKey;
use leadrail_engine::{Fit, Rehearsed};
use leadrail_outbound::{Guard, Outbound};

/// How many runs are rehearsed between two words of progress.
const PAGE: u32 = 500;

/// A rehearsal opens no credential, so any key will do.
const NO_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

impl Desk {
    /// Goes through the histories of all runs in flight with this build's workflows; `each` is told how
    /// many were looked at so far. How many there are, and those that do not fit. Nothing is called and
    /// nothing is written.
    ///
    /// # Errors
    /// When the database cannot be read, or no HTTP client can be made.
    pub async fn rehearse(&self, mut each: impl FnMut(u64)) -> DeskResult<(u64, Vec<Rehearsed>)> {
        let any = VaultKey::parse(NO_KEY).expect("a key of 32 bytes");
        // Nor does it call anybody.
        let http = Outbound::new(Guard::public_only())?;
        let registry = self.clone().with_vault(any, http).registry()?;
        let (mut checked, mut unfit, mut after) = (0, Vec::new(), None);
        loop {
            let page = self.engine().rehearse(&registry, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok((checked, unfit));
            };
            after = Some(last.run_id);
            checked += page.len() as u64;
            unfit.extend(page.into_iter().filter(|run| run.fit != Fit::Continues));
            each(checked);
        }
    }
}
