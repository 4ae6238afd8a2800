//! Putting a run down: its place in the database is committed, its future is dropped.
//!
//! Calls may be driven side by side, so a call that must wait only says so. The run is put down when
//! all its calls have said so and none is at work; it is due again when the first of them is.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::state::RunState;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How the calls of a run stand.
#[derive(Default)]
pub(super) struct Parking {
    /// Nothing of this run counts any more.
    abandoned: AtomicBool,
    /// Calls that have begun and not ended, those that wait included.
    at_work: AtomicUsize,
    waiting: Mutex<Vec<(u64, Transition)>>,
}

/// A call that has begun and not ended; it may wait.
pub(super) struct AtWork<'a>(&'a Ctx);

/// A call that waits, for as long as its future lives.
struct Waiting<'a> {
    parking: &'a Parking,
    id: u64,
}

/// What the executor does with a run whose workflow does not go on by itself.
pub(crate) enum Parked {
    /// Commit its place.
    At(Transition),
    /// Let it go: it was taken over, or was only looked at.
    Abandoned,
}

impl Ctx {
    /// Says that a call has begun, until what is handed out is dropped.
    pub(super) fn at_work(&self) -> AtWork<'_> {
        self.run.parking.at_work.fetch_add(1, Ordering::AcqRel);
        self.branch.begin();
        AtWork(self)
    }

    /// Waits with this call until the run is resumed; never comes back in this life of the run.
    pub(super) async fn park<T>(&self, transition: Transition) -> T {
        let _waiting = self.run.parking.wait(transition);
        pending().await
    }

    /// Gives the run back, unharmed, because the worker shuts down.
    pub(crate) async fn release<T>(&self) -> T {
        self.park(Transition::to(RunState::Queued)).await
    }

    /// Never returns: the executor sees the mark and drops the future.
    pub(crate) async fn abandon<T>(&self) -> T {
        self.run.parking.abandoned.store(true, Ordering::Release);
        pending().await
    }

    /// Asked after the workflow's future had nothing more to do: is it to be put down?
    pub(crate) fn parked(&self) -> Option<Parked> {
        let parking = &self.run.parking;
        if parking.abandoned.load(Ordering::Acquire) {
            return Some(Parked::Abandoned);
        }
        let merged = {
            let waiting = parking.waiting();
            if waiting.len() < parking.at_work.load(Ordering::Acquire) {
                return None;
            }
            merge(&waiting)?
        };
        if merged.state == RunState::Queued {
            self.add_row(HistoryKind::RunReleased, None, None, None);
        }
        Some(Parked::At(merged))
    }

    /// The database refused what the run has to say: it dies with a reason that it will take.
    pub(crate) async fn give_up_unwritten(&self, why: &str) {
        let said: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
        let payload = serde_json::json!({ "reason": "not_storable", "message": said });
        self.add_row(HistoryKind::RunDead, None, None, Some(payload.to_string()));
        let mut transition = Transition::to(RunState::Dead);
        transition.reason = Some("not_storable".to_owned());
        if let Err(again) = self.commit_move(transition).await {
            tracing::error!(run.id = %self.run_id(), reason = again, "A run could not even be buried; it stays with this worker until a takeover");
        }
    }
}

impl Parking {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Transition)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, transition: Transition) -> Waiting<'_> {
        let mut waiting = self.waiting();
        let id = waiting.last().map_or(0, |(id, _)| id + 1);
        waiting.push((id, transition));
        Waiting { parking: self, id }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.parking.waiting().retain(|(id, _)| *id != self.id);
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.run.parking.at_work.fetch_sub(1, Ordering::AcqRel);
        self.0.branch.end();
    }
}

/// One place for all calls that wait: due when the first is, woken by the gates of all. A call that
/// gives the run back decides for all.
fn merge(waiting: &[(u64, Transition)]) -> Option<Transition> {
    let transitions = || waiting.iter().map(|(_, transition)| transition);
    if let Some(released) = transitions().find(|one| one.state == RunState::Queued) {
        return Some(released.clone());
    }
    let first = transitions().min_by_key(|one| (one.delay.is_none(), one.delay))?;
    let mut merged = first.clone();
    merged.gates = transitions().flat_map(|one| one.gates.clone()).collect();
    if !merged.gates.is_empty() {
        merged.state = RunState::Waiting;
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn wait(state: RunState, secs: Option<u64>, gate: Option<&str>) -> Transition {
        let mut transition = Transition::to(state);
        transition.delay = secs.map(Duration::from_secs);
        transition.gates = gate.map(str::to_owned).into_iter().collect();
        transition
    }

    fn merged(waiting: Vec<Transition>) -> Transition {
        let waiting: Vec<_> = (0..).zip(waiting).collect();
        merge(&waiting).expect("a place")
    }

    #[test]
    fn calls_side_by_side_are_due_when_the_first_is_and_woken_by_every_gate() {
        let place = merged(vec![
            wait(RunState::Waiting, None, Some("a")),
            wait(RunState::Retrying, Some(30), None),
            wait(RunState::Waiting, Some(90), Some("b")),
        ]);
        assert_eq!(place.delay, Some(Duration::from_secs(30)));
        assert_eq!(place.gates, ["a", "b"]);
        assert_eq!(place.state, RunState::Waiting, "gates wake only what waits");
    }

    #[test]
    fn a_call_that_waits_for_nothing_but_a_gate_has_no_due_time() {
        let place = merged(vec![wait(RunState::Waiting, None, Some("a"))]);
        assert_eq!(place.delay, None);
    }

    #[test]
    fn a_run_that_is_given_back_is_given_back_whole() {
        let place = merged(vec![
            wait(RunState::Retrying, Some(30), None),
            wait(RunState::Queued, None, None),
        ]);
        assert_eq!(place.state, RunState::Queued);
        assert!(place.gates.is_empty());
    }
}
