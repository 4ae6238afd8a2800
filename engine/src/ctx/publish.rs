//! What a run shows of its state to whoever asks ([`crate::Engine::query`]).

use super::Ctx;
use crate::history::HistoryKind;
use crate::names::published_label;
use crate::size;
use crate::workflow::{WorkflowResult, unreadable};
use serde::Serialize;

/// The payload of `state_published`.
#[derive(Serialize)]
struct Published<'a, T> {
    value: &'a T,
}

impl Ctx {
    /// Shows a value under a name from now on; a later one under the same name takes its place. It
    /// is committed together with whatever the run writes next, at the latest when it waits.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn publish<T: Serialize>(&self, name: &str, value: &T) -> WorkflowResult<()> {
        let label = self.label(published_label(name));
        if self.progress().past.take_published(&label) {
            return Ok(());
        }
        let payload = serde_json::to_string(&Published { value })
            .map_err(|error| unreadable("published value", &error))?;
        size::check("published value", &payload)?;
        self.add_row(
            HistoryKind::StatePublished,
            Some(label),
            None,
            Some(payload),
        );
        Ok(())
    }
}
