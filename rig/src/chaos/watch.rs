//! Watches the leads: shows how far they are, ends the blows, and waits until all have ended.

use super::chronicle::Chronicle;
use super::faults::Fired;
use super::plan::Plan;
use super::sender::Sender;
use super::stage::Stage;
use crate::Show;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Blows end when so many of the leads have ended: the rest waits for its retries.
const ALL_BUT: f64 = 0.95;

pub(super) struct Watch<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    sender: &'a Sender<'a>,
    chronicle: &'a Chronicle,
}

/// What was seen.
pub(super) struct Watched {
    pub(super) fired: Vec<Fired>,
    /// Leads that had ended when it was calm again, and after how long.
    pub(super) ended_under_blows: u64,
    pub(super) blows: Duration,
    /// How long it took from the first lead to the last end.
    pub(super) took: Duration,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        stage: &'a Stage,
        sender: &'a Sender<'a>,
        chronicle: &'a Chronicle,
    ) -> Self {
        Self {
            plan,
            stage,
            sender,
            chronicle,
        }
    }

    /// Returns when every lead has ended, or will not.
    pub(super) async fn until_drained(
        &self,
        began: Instant,
        calm: &CancellationToken,
        show: &mut Show<'_>,
    ) -> anyhow::Result<Watched> {
        let ended_under_blows = self.until_enough(began, calm, show).await;
        calm.cancel();
        let blows = began.elapsed();
        let fired = self.drain(show).await;
        Ok(Watched {
            fired,
            ended_under_blows,
            blows,
            took: began.elapsed(),
        })
    }

    /// Waits for the ends. The CRM behaves again as soon as it has misbehaved in every way, which on
    /// a slow machine may be after the blows.
    async fn drain(&self, show: &mut Show<'_>) -> Vec<Fired> {
        let deadline = Instant::now() + self.plan.drain_within;
        let mut fired = self.stage.fired(self.plan);
        let mut is_calm = false;
        loop {
            if !is_calm {
                fired = self.stage.fired(self.plan);
                is_calm = fired.iter().all(|fired| fired.times > 0);
            }
            if is_calm {
                self.stage.calm();
            }
            let ended = self.look(show).await;
            let all = self.sender.is_done() && ended >= self.sender.accepted();
            if all || Instant::now() > deadline {
                return fired;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Until all leads are in, the blows have fallen for long enough and most leads have ended.
    async fn until_enough(
        &self,
        began: Instant,
        calm: &CancellationToken,
        show: &mut Show<'_>,
    ) -> u64 {
        let mut sent = None::<Instant>;
        loop {
            let ended = self.look(show).await;
            if self.sender.is_done() {
                let since = sent.get_or_insert_with(Instant::now);
                let most = self.sender.accepted() as f64 * ALL_BUT;
                let enough = ended as f64 >= most || since.elapsed() > self.plan.patience;
                if enough && began.elapsed() >= self.plan.strike_at_least {
                    return ended;
                }
            }
            if calm.is_cancelled() {
                return ended;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How many have ended. A database that is away is asked again at the next look.
    async fn look(&self, show: &mut Show<'_>) -> u64 {
        let counted = sqlx::query_scalar!(
            r#"
            select count(*) as "count!" from leadrail.run
            where workflow = 'push_lead' and state in ('completed', 'dead', 'cancelled')
            "#
        )
        .fetch_one(self.stage.rig.engine.pool())
        .await;
        let counted = counted.ok().and_then(|ended| u64::try_from(ended).ok());
        if let Some(ended) = counted {
            self.sender.note_ended(ended);
            let words = format!(
                "{} accepted, {}",
                self.sender.accepted(),
                self.chronicle.words()
            );
            show(ended, &words);
        }
        counted.unwrap_or_default()
    }
}
