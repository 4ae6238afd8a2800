//! The simulated outside world: it keeps its own books, loses answers and acts late.

use super::world::World;
use super::{Flaw, dice};
use crate::activity::{ActivityError, ActivityResult, Attempt, FailureKind, Found};
use std::time::Duration;
use tokio::sync::oneshot;

/// From the intent to the answer of a call.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);
/// An effect shows at most so long after its call was sent.
pub(super) const SETTLES_WITHIN: Duration = Duration::from_secs(3);

/// Reasons for which a run may die: this world gave them.
pub(super) const REASONS: [&str; 7] = [
    "refused",
    "busy",
    "reset",
    "timeout",
    "too_late",
    "look_failed",
    "throttled",
];

/// The markers of everything that was created; the place is the record's id.
#[derive(Default)]
pub(super) struct Outside {
    records: Vec<String>,
}

impl Outside {
    /// The ids of the records with this marker.
    pub(super) fn with_marker(&self, marker: &str) -> Vec<usize> {
        let records = self.records.iter().enumerate();
        records
            .filter(|(_, has)| *has == marker)
            .map(|(id, _)| id)
            .collect()
    }

    fn create(&mut self, marker: String) -> usize {
        dice::note("effect", || marker.clone());
        self.records.push(marker);
        self.records.len() - 1
    }
}

type Answer = ActivityResult<usize>;

/// One call that creates a record.
pub(super) async fn create(world: &World, attempt: &Attempt, marker: &str) -> Answer {
    dice::a_while(100).await;
    if attempt.time_left().is_zero() {
        dice::note("too late to send", || marker.to_owned());
        return Err(ActivityError::not_done("too_late", "nothing was sent"));
    }
    let (answer, answered) = oneshot::channel();
    tokio::spawn(serve(world.clone(), marker.to_owned(), answer));
    answered.await.unwrap_or_else(|_| {
        let reset = "the connection was reset";
        Err(ActivityError::new(FailureKind::Ambiguous, "reset", reset))
    })
}

/// The other side's part. An answer that is dropped is a broken connection.
async fn serve(world: World, marker: String, answer: oneshot::Sender<Answer>) {
    dice::a_while(300).await;
    let luck = if world.breaks(40) { dice::pick(40) } else { 99 };
    let answered = match luck {
        0..6 => return,
        6..12 => Err(ActivityError::not_done("busy", "it is busy")),
        12..17 => {
            let after = Some(Duration::from_secs(1));
            let kind = FailureKind::Throttled { after };
            Err(ActivityError::new(kind, "throttled", "slowly, please"))
        }
        17 => Err(ActivityError::rejected("refused", "never")),
        18..26 => return late_effect(world, marker, answer).await,
        26..33 => {
            dice::note("effect without answer", || marker.clone());
            world.outside().create(marker);
            // The caller gives up long before.
            tokio::time::sleep(TIMEOUT * 10).await;
            return drop(answer);
        }
        33..40 => {
            dice::note("effect without answer", || marker.clone());
            world.outside().create(marker);
            return;
        }
        _ => Ok(world.outside().create(marker)),
    };
    dice::a_while(300).await;
    // A caller that was killed meanwhile hears nothing.
    let _ = answer.send(answered);
}

async fn late_effect(world: World, marker: String, answer: oneshot::Sender<Answer>) {
    drop(answer);
    let most = u64::try_from((SETTLES_WITHIN - Duration::from_millis(300)).as_millis());
    dice::a_while(most.expect("short")).await;
    dice::note("effect late", || marker.clone());
    world.outside().create(marker);
}

/// One call that looks for a record.
pub(super) async fn look(world: &World, marker: &str) -> ActivityResult<Found<usize>> {
    dice::a_while(50).await;
    if world.breaks(5) {
        return Err(ActivityError::not_done("look_failed", "it does not answer"));
    }
    if world.has(Flaw::NoLook) {
        return Ok(Found::No);
    }
    let found = world.outside().with_marker(marker);
    Ok(match found.first() {
        Some(id) => {
            dice::note("effect adopted", || marker.to_owned());
            Found::Yes(*id)
        }
        None => Found::No,
    })
}
