//! Strikes the workers: `kill -9`, freezes at random and in the middle of a call, rolling restarts.

use super::crew::Crew;
use super::plan::{Plan, WORKERS};
use super::rolling::Rolling;
use super::timetable::Beat;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// So many workers are left to take the others' leads over.
const AWAKE_AT_LEAST: usize = 2;
/// A blow that hit nothing is tried again after so long.
const AGAIN_SOON: Duration = Duration::from_millis(200);
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

    /// It hit nothing, and falls again soon.
    pub(super) fn missed(&mut self) {
        self.at = Some(Instant::now() + AGAIN_SOON);
    }

    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }
}

/// Strikes until all is to be calm, and lets the frozen go on in the end.
///
/// # Errors
/// When workers cannot be struck or started again: what was not struck proves nothing.
pub(super) async fn strike(
    plan: &Plan,
    crew: &mut Crew<'_>,
    calm: &CancellationToken,
) -> anyhow::Result<()> {
    let mut nemesis = Nemesis::new(plan, crew);
    let struck = nemesis.blows(calm).await;
    if struck.is_err() {
        calm.cancel();
    }
    crew.thaw_all().await;
    struck
}

/// What falls on the workers, and when.
struct Nemesis<'a, 'b> {
    crew: &'a mut Crew<'b>,
    aim: StdRng,
    kill: Next,
    freeze: Next,
    freeze_in_call: Next,
    rolling: Rolling<'b>,
}

impl<'a, 'b> Nemesis<'a, 'b> {
    fn new(plan: &Plan, crew: &'a mut Crew<'b>) -> Self {
        let (began, table) = (Instant::now(), &plan.timetable);
        Self {
            aim: StdRng::seed_from_u64(plan.seed),
            kill: Next::of(table.kill, began),
            freeze: Next::of(table.freeze, began),
            freeze_in_call: Next::of(table.freeze_in_call, began),
            rolling: Rolling::new(table.roll, began, crew.chronicle()),
            crew,
        }
    }

    async fn blows(&mut self, calm: &CancellationToken) -> anyhow::Result<()> {
        while !calm.is_cancelled() {
            self.see_to_them().await?;
            self.rolling.begin(self.crew);
            self.strike_one().await?;
            tokio::select! {
                () = tokio::time::sleep_until(self.next().into()) => {}
                () = calm.cancelled() => {}
            }
        }
        // Nothing more is struck, but a round that began is ended.
        while self.rolling.is_underway() {
            self.see_to_them().await?;
            tokio::time::sleep(MUSTER_EVERY).await;
        }
        Ok(())
    }

    async fn see_to_them(&mut self) -> anyhow::Result<()> {
        self.crew.thaw().await;
        self.crew.muster().await?;
        self.rolling.go_on(self.crew).await;
        Ok(())
    }

    async fn strike_one(&mut self) -> anyhow::Result<()> {
        if self.freeze.falls()
            && self.crew.away() + AWAKE_AT_LEAST < WORKERS
            && let Some(target) = self.pick()
        {
            self.crew.freeze(target).await;
        }
        if self.kill.falls()
            && let Some(target) = self.pick()
        {
            self.crew.kill(target).await?;
        }
        if self.freeze_in_call.falls() && !self.freeze_in_call().await {
            self.freeze_in_call.missed();
        }
        Ok(())
    }

    /// Whether it hit one in the middle of a call; one worker is left awake at least.
    async fn freeze_in_call(&mut self) -> bool {
        match self.pick() {
            Some(target) if self.crew.away() + 1 < WORKERS => {
                self.crew.freeze_in_call(target).await
            }
            _ => false,
        }
    }

    fn pick(&mut self) -> Option<usize> {
        let targets = self.crew.at_hand();
        let last = targets.len().checked_sub(1)?;
        Some(targets[self.aim.random_range(0..=last)])
    }

    /// When the next blow falls, or it is to be seen to that all workers are there.
    fn next(&self) -> Instant {
        let blows = [&self.kill, &self.freeze, &self.freeze_in_call].map(Next::at);
        let times = blows.into_iter().chain([self.crew.next_thaw()]);
        let muster = Instant::now() + MUSTER_EVERY;
        times.flatten().fold(muster, Instant::min)
    }
}
