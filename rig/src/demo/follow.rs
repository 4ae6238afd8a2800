//! Follows the leads to their ends.

use super::cast::{Cast, End, Role};
use super::stage::Stage;
use crate::Show;
use leadrail_engine::{RunId, RunState};
use leadrail_lead::EventId;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Everything but the number of leads has ended long before this.
const PATIENCE: Duration = Duration::from_secs(45);
/// No machine is slower than this.
const A_LEAD: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where a lead stands.
pub(super) struct Standing {
    pub(super) run: RunId,
    pub(super) state: RunState,
    pub(super) reason: Option<String>,
}

/// Where every lead stands in the end.
pub(super) struct Followed(HashMap<EventId, Standing>);

impl Followed {
    /// Waits until every lead has ended. On the way it connects the account again whose key was
    /// revoked, once all its leads have met that.
    ///
    /// After a while it gives up: then some have not ended, and the report says which.
    pub(super) async fn until_ended(
        stage: &Stage,
        (cast, runs): (&Cast, &[RunId]),
        show: &mut Show<'_>,
    ) -> anyhow::Result<Self> {
        let deadline = Instant::now() + PATIENCE + A_LEAD * u32::try_from(cast.len())?;
        let mut connected_again = false;
        loop {
            let followed = Self::now(stage, runs).await?;
            let ended = followed.count(RunState::is_terminal);
            show(ended, &followed.words());
            if ended == cast.len() || Instant::now() > deadline {
                return Ok(followed);
            }
            if !connected_again && followed.all_refused(cast) {
                stage.connect_again(&cast.accounts).await?;
                connected_again = true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(super) fn of(&self, role: &Role) -> Option<&Standing> {
        self.0.get(&role.event_id)
    }

    pub(super) fn count(&self, which: impl Fn(RunState) -> bool) -> u64 {
        let standing = self.0.values();
        standing.filter(|standing| which(standing.state)).count() as u64
    }

    pub(super) fn runs(&self) -> Vec<RunId> {
        self.0.values().map(|standing| standing.run).collect()
    }

    async fn now(stage: &Stage, runs: &[RunId]) -> anyhow::Result<Self> {
        let heads = stage.rig.engine.heads(runs).await?;
        let each = heads.into_iter().filter_map(|head| {
            let standing = Standing {
                run: head.id,
                state: head.state,
                reason: head.reason,
            };
            Some((head.key?.parse().ok()?, standing))
        });
        Ok(Self(each.collect()))
    }

    /// Every lead of the revoked key waits.
    fn all_refused(&self, cast: &Cast) -> bool {
        let mut states = cast
            .roles()
            .filter(|role| role.end == End::DeliveredOnceConnected)
            .map(|role| self.of(role).map(|standing| standing.state))
            .peekable();
        states.peek().is_some() && states.all(|state| state == Some(RunState::Waiting))
    }

    fn words(&self) -> String {
        let mut sums = BTreeMap::new();
        for standing in self.0.values() {
            *sums.entry(standing.state.as_str()).or_insert(0) += 1;
        }
        let each = sums.iter().map(|(state, leads)| format!("{leads} {state}"));
        each.collect::<Vec<_>>().join(", ")
    }
}
