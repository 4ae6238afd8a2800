//! Strikes the workers: `kill -9` and freezes, aimed at random.

use super::crew::Crew;
use super::plan::{Beat, FREEZE, Plan};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// So many workers are left to take the others' leads over.
const AWAKE_AT_LEAST: usize = 2;
/// How often it is seen to that all workers are there.
const MUSTER_EVERY: Duration = Duration::from_millis(500);

/// When the next blow of a kind falls.
pub(super) struct Next {
    at: Option<Instant>,
    every: Duration,
}

impl Next {
    pub(super) fn of(beat: Option<Beat>, began: Instant) -> Self {
        Self {
            at: beat.map(|beat| began + beat.first),
            every: beat.map_or(Duration::ZERO, |beat| beat.every),
        }
    }

    /// Whether it falls now; the one after it then has its time.
    pub(super) fn falls(&mut self) -> bool {
        let now = Instant::now();
        match self.at.filter(|at| *at <= now) {
            Some(at) => {
                // What was missed while another blow fell is not made up for.
                self.at = Some((at + self.every).max(now + self.every / 2));
                true
            }
            None => false,
        }
    }

    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }
}

/// Strikes until all is to be calm, and lets the frozen go on in the end.
pub(super) async fn strike(plan: &Plan, crew: &mut Crew<'_>, calm: &CancellationToken) {
    if let Err(error) = blows(plan, crew, calm).await {
        tracing::error!(error = %error, "The workers cannot be struck any more");
        calm.cancel();
    }
    crew.thaw_all().await;
}

async fn blows(plan: &Plan, crew: &mut Crew<'_>, calm: &CancellationToken) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut aim = StdRng::seed_from_u64(plan.seed);
    let mut kill = Next::of(plan.timetable.kill, began);
    let mut freeze = Next::of(plan.timetable.freeze, began);
    while !calm.is_cancelled() {
        crew.thaw(Instant::now());
        crew.muster()?;
        if freeze.falls()
            && crew.frozen() < super::plan::WORKERS - AWAKE_AT_LEAST
            && let Some(target) = pick(&mut aim, &crew.at_hand())
        {
            crew.freeze(target, FREEZE).await;
        }
        if kill.falls()
            && let Some(target) = pick(&mut aim, &crew.at_hand())
        {
            crew.kill(target).await?;
        }
        let times = [kill.at(), freeze.at(), crew.next_thaw()];
        let next = times.into_iter().flatten().min().unwrap_or(began);
        let wake = next.min(Instant::now() + MUSTER_EVERY);
        tokio::select! {
            () = tokio::time::sleep_until(wake.into()) => {}
            () = calm.cancelled() => {}
        }
    }
    Ok(())
}

fn pick(aim: &mut StdRng, targets: &[usize]) -> Option<usize> {
    if targets.is_empty() {
        return None;
    }
    Some(targets[aim.random_range(0..targets.len())])
}
