//! Follows runs until they have ended.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::{RunId, RunState};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How many runs stand where. As text: `12 completed, 3 retrying`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing(BTreeMap<&'static str, u64>);

impl Standing {
    /// How many are in this state.
    #[must_use]
    pub fn of(&self, state: RunState) -> u64 {
        self.0.get(state.as_str()).copied().unwrap_or_default()
    }

    /// How many have ended, well or not.
    #[must_use]
    pub fn ended(&self) -> u64 {
        let ends = RunState::ALL
            .into_iter()
            .filter(|state| state.is_terminal());
        ends.map(|state| self.of(state)).sum()
    }

    /// How many there are. A run that was named twice is one, and one that is gone is none.
    fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|(state, runs)| format!("{runs} {state}"));
        f.write_str(&each.collect::<Vec<_>>().join(", "))
    }
}

impl Desk {
    /// Where these runs stand now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn standing(&self, runs: &[RunId]) -> DeskResult<Standing> {
        let counted = self.engine().standing(runs).await?.into_iter();
        let each =
            counted.map(|(state, runs)| (state.as_str(), u64::try_from(runs).unwrap_or_default()));
        Ok(Standing(each.collect()))
    }

    /// Waits until all of these that are kept have ended; how they ended. Every look is told to `each`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn until_ended(
        &self,
        runs: &[RunId],
        mut each: impl FnMut(&Standing),
    ) -> DeskResult<Standing> {
        loop {
            let standing = self.standing(runs).await?;
            each(&standing);
            if standing.ended() == standing.total() {
                return Ok(standing);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
