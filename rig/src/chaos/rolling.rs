//! Deploys as rolling restarts: every worker in turn is asked to end, ends by itself, and is replaced
//! by the next build.

use super::chronicle::{Chronicle, Outage};
use super::crew::Crew;
use super::nemesis::Next;
use super::plan::WORKERS;
use super::timetable::Beat;
use chrono::{DateTime, Utc};
use std::time::Instant;

/// The rounds, and how far the one is that is underway.
pub(super) struct Rolling<'a> {
    chronicle: &'a Chronicle,
    next: Next,
    round: Option<Round>,
}

struct Round {
    since: DateTime<Utc>,
    /// Whose turn it is, and whether it was asked.
    turn: usize,
    asked: bool,
}

impl<'a> Rolling<'a> {
    pub(super) fn new(beat: Option<Beat>, began: Instant, chronicle: &'a Chronicle) -> Self {
        Self {
            chronicle,
            next: Next::of(beat, began),
            round: None,
        }
    }

    pub(super) fn is_underway(&self) -> bool {
        self.round.is_some()
    }

    /// Begins a round when its time has come.
    pub(super) fn begin(&mut self, crew: &mut Crew<'_>) {
        if self.round.is_none() && self.next.falls() {
            crew.deploy();
            self.round = Some(Round {
                since: self.chronicle.now(),
                turn: 0,
                asked: false,
            });
        }
    }

    /// Asks the next one as soon as the one before is back at work.
    pub(super) async fn go_on(&mut self, crew: &mut Crew<'_>) {
        let Some(round) = self.round.as_mut() else {
            return;
        };
        if !round.asked {
            round.asked = crew.ask_to_end(round.turn).await;
            return;
        }
        if crew.is_ending(round.turn).await {
            return;
        }
        round.turn += 1;
        round.asked = false;
        if round.turn == WORKERS {
            let (from, until) = (round.since, self.chronicle.now());
            self.chronicle.events().rounds.push(Outage { from, until });
            self.round = None;
        }
    }
}
