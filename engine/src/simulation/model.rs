//! The reference model: one run, the workers that fight for it, and its history.
//!
//! It knows nothing of how the engine does it; the rules are written down a second time here.

use super::moves::{Failure, Move};
use super::{HistoryKind, RunState};

/// The steps of the story.
pub(crate) const STEPS: [&str; 2] = ["first", "second"];
/// Attempts of a step; the last failure is final.
pub(crate) const ATTEMPTS: u32 = 6;
/// Pauses of a step that use up no attempt.
pub(crate) const PAUSES: u32 = 3;

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The worker's row is gone.
    TakenOver,
    /// The run is not this worker's, or does not run.
    NotHeld,
    /// History has a line there.
    PlaceTaken,
    /// No run may go from there to there.
    Illegal,
}

impl Refusal {
    /// The SQL state that says the same.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TakenOver => "LR002",
            Self::NotHeld => "LR003",
            Self::PlaceTaken => "23505",
            Self::Illegal => "LR001",
        }
    }
}

/// A line of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) kind: HistoryKind,
    pub(crate) step: Option<usize>,
    pub(crate) payload: String,
}

/// What a worker hands to the journal.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) worker: usize,
    /// The place of the first row.
    pub(crate) at: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) to: Option<RunState>,
}

/// What is known of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) done: bool,
    pub(crate) failures: u32,
    pub(crate) pauses: u32,
    pub(crate) open: bool,
    pub(crate) refused: bool,
}

/// Everything that is true of the run.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) state: RunState,
    pub(crate) holder: Option<usize>,
    /// Whether each incarnation still has its row.
    pub(crate) workers: Vec<bool>,
    pub(crate) rows: Vec<Row>,
    pub(crate) known: [Known; STEPS.len()],
    /// Deaths of its workers in a row without progress.
    pub(crate) deaths: u32,
    /// It was resumed with an intent whose outcome nobody knew.
    pub(crate) in_doubt: bool,
    /// What the last thing tried came to.
    pub(crate) answer: Result<(), Refusal>,
}

impl Model {
    pub(crate) fn enqueued() -> Self {
        Self {
            state: RunState::Queued,
            holder: None,
            workers: vec![true],
            rows: Vec::new(),
            known: Default::default(),
            deaths: 0,
            in_doubt: false,
            answer: Ok(()),
        }
    }

    /// The holder, else the youngest worker.
    pub(crate) fn likely_worker(&self) -> usize {
        let holder = self.holder.filter(|_| self.state == RunState::Running);
        holder.unwrap_or(self.workers.len() - 1)
    }

    /// The first step without a result.
    pub(crate) fn likely_step(&self) -> usize {
        let open = self.known.iter().position(|known| !known.done);
        open.unwrap_or(0)
    }

    pub(crate) fn holds(&self, worker: usize) -> bool {
        self.workers[worker] && self.holder == Some(worker) && self.state == RunState::Running
    }

    /// What a program without a bug can try: a worker in order begins what has no result, and ends
    /// what it began. A worker that was cut off may try anything.
    pub(crate) fn can_be_tried(&self, tried: Move) -> bool {
        let cut_off = |worker: usize| worker < self.workers.len() && !self.workers[worker];
        match tried {
            Move::Begin { worker, step } => {
                cut_off(worker)
                    || (self.has(worker) && self.holds(worker) && !self.known[step].done)
            }
            Move::Finish { worker, step } => {
                cut_off(worker) || (self.has(worker) && self.holds(worker) && self.known[step].open)
            }
            Move::Fail { worker, step, .. } => {
                self.has(worker) && (!self.holds(worker) || self.known[step].open)
            }
            Move::Repeat { worker } => self.has(worker) && !self.rows.is_empty(),
            Move::Force { to } => to != self.state,
            Move::Claim { worker }
            | Move::End { worker, .. }
            | Move::Overreach { worker }
            | Move::TakeOver { worker, .. }
            | Move::Retire { worker } => self.has(worker),
            Move::Register | Move::Revive | Move::EnqueueAgain { .. } => true,
        }
    }

    fn has(&self, worker: usize) -> bool {
        worker < self.workers.len()
    }

    /// Does it, or says why nothing was changed.
    pub(crate) fn attempt(&mut self, tried: Move) -> Result<(), Refusal> {
        if let Some(write) = self.write_of(tried) {
            self.judge(&write)?;
            self.take(tried, write);
            return Ok(());
        }
        match tried {
            Move::Register => self.workers.push(true),
            Move::Claim { worker } => return self.claim(worker),
            Move::TakeOver { worker, lease_over } if lease_over => {
                self.lose(worker, HistoryKind::RunLost);
            }
            Move::Retire { worker } => self.lose(worker, HistoryKind::RunReleased),
            Move::Revive => self.revive(),
            Move::Force { to } if !legal(self.state, to) => return Err(Refusal::Illegal),
            _ => {}
        }
        Ok(())
    }

    /// What the worker hands to the journal for it, if it is a matter of the journal.
    pub(crate) fn write_of(&self, tried: Move) -> Option<Write> {
        let at = self.rows.len();
        let (worker, at, rows, to) = match tried {
            Move::Begin { worker, step } => {
                let row = line(HistoryKind::ActivityStarted, Some(step), "{}");
                (worker, at, vec![row], None)
            }
            Move::Finish { worker, step } => {
                let row = line(
                    HistoryKind::ActivityCompleted,
                    Some(step),
                    r#"{"output":1}"#,
                );
                (worker, at, vec![row], None)
            }
            Move::Fail { worker, step, how } => {
                let to = self.after(step, how);
                (
                    worker,
                    at,
                    failure_rows(step, how, to, self.uses_up(step, how)),
                    Some(to),
                )
            }
            Move::End { worker, well: true } => {
                let row = line(HistoryKind::RunCompleted, None, "{}");
                (worker, at, vec![row], Some(RunState::Completed))
            }
            Move::End {
                worker,
                well: false,
            } => {
                let row = line(HistoryKind::RunCancelled, None, "{}");
                (worker, at, vec![row], Some(RunState::Cancelled))
            }
            Move::Repeat { worker } => {
                let row = line(HistoryKind::ActivityStarted, Some(0), "{}");
                (worker, at.checked_sub(1)?, vec![row], None)
            }
            Move::Overreach { worker } => (worker, at, Vec::new(), Some(RunState::Replaying)),
            _ => return None,
        };
        Some(Write {
            worker,
            at,
            rows,
            to,
        })
    }

    /// Whether this failure uses up an attempt.
    pub(crate) fn uses_up(&self, step: usize, how: Failure) -> bool {
        match how {
            Failure::Blocked => false,
            Failure::Throttled => self.known[step].pauses >= PAUSES,
            Failure::NotDone | Failure::Ambiguous | Failure::Rejected => true,
        }
    }

    /// Where the run goes from this failure.
    pub(crate) fn after(&self, step: usize, how: Failure) -> RunState {
        let last = self.known[step].failures + 1 >= ATTEMPTS;
        match how {
            Failure::Rejected => RunState::Dead,
            Failure::Blocked => RunState::Waiting,
            _ if self.uses_up(step, how) && last => RunState::Dead,
            _ => RunState::Retrying,
        }
    }

    fn judge(&self, write: &Write) -> Result<(), Refusal> {
        if !self.workers[write.worker] {
            return Err(Refusal::TakenOver);
        }
        if !write.rows.is_empty() && write.at < self.rows.len() {
            return Err(Refusal::PlaceTaken);
        }
        match write.to {
            Some(_) if !self.holds(write.worker) => Err(Refusal::NotHeld),
            Some(to) if !legal(self.state, to) => Err(Refusal::Illegal),
            _ => Ok(()),
        }
    }

    fn take(&mut self, tried: Move, write: Write) {
        self.rows.extend(write.rows);
        self.state = write.to.unwrap_or(self.state);
        match tried {
            Move::Begin { step, .. } => self.known[step].open = true,
            Move::Finish { step, .. } => {
                let known = &mut self.known[step];
                (known.done, known.open, known.pauses) = (true, false, 0);
                self.deaths = 0;
            }
            Move::Fail { step, how, .. } => {
                let used_up = self.uses_up(step, how);
                let known = &mut self.known[step];
                known.failures += u32::from(used_up);
                known.pauses += u32::from(!used_up);
                known.open = how == Failure::Ambiguous;
                known.refused = self.state == RunState::Dead;
                self.deaths = 0;
            }
            _ => self.deaths = 0,
        }
    }

    fn claim(&mut self, worker: usize) -> Result<(), Refusal> {
        if !self.workers[worker] {
            return Err(Refusal::TakenOver);
        }
        let parked = [
            RunState::Queued,
            RunState::Retrying,
            RunState::Waiting,
            RunState::Replaying,
        ];
        if parked.contains(&self.state) {
            self.state = RunState::Running;
            self.holder = Some(worker);
            self.rows.push(line(HistoryKind::RunStarted, None, "{}"));
            self.in_doubt |= self.known.iter().any(|known| known.open);
        }
        Ok(())
    }

    fn lose(&mut self, worker: usize, kind: HistoryKind) {
        let held = self.holds(worker);
        self.workers[worker] = false;
        if held {
            self.state = RunState::Queued;
            self.rows.push(line(kind, None, "{}"));
            let died = kind == HistoryKind::RunLost;
            self.deaths = if died { self.deaths + 1 } else { 0 };
        }
    }

    fn revive(&mut self) {
        if self.state != RunState::Dead {
            return;
        }
        self.state = RunState::Replaying;
        self.rows.push(line(HistoryKind::RunRevived, None, "{}"));
        self.deaths = 0;
        for known in self.known.iter_mut().filter(|known| known.refused) {
            (known.refused, known.failures, known.pauses) = (false, 0, 0);
        }
    }
}

/// The legal moves, written down once more.
fn legal(was: RunState, becomes: RunState) -> bool {
    let next: &[&str] = match was.as_str() {
        "queued" => &["running", "cancelled"],
        "running" => &[
            "queued",
            "retrying",
            "waiting",
            "completed",
            "dead",
            "cancelled",
        ],
        "retrying" | "waiting" => &["running", "queued", "cancelled"],
        "replaying" => &["running", "queued", "dead", "cancelled"],
        "dead" => &["replaying", "cancelled"],
        _ => &[],
    };
    next.contains(&becomes.as_str())
}

fn failure_rows(step: usize, how: Failure, to: RunState, used_up: bool) -> Vec<Row> {
    let last = to == RunState::Dead;
    let keeps_intent = how == Failure::Ambiguous;
    let payload = format!(
        r#"{{"reason":"scripted","message":"scripted","final":{last},"keeps_intent":{keeps_intent}}}"#
    );
    let kind = match used_up {
        true => HistoryKind::ActivityFailed,
        false => HistoryKind::ActivityThrottled,
    };
    let mut rows = vec![line(kind, Some(step), &payload)];
    if last {
        rows.push(line(HistoryKind::RunDead, None, "{}"));
    }
    rows
}

fn line(kind: HistoryKind, step: Option<usize>, payload: &str) -> Row {
    let payload = payload.to_owned();
    Row {
        kind,
        step,
        payload,
    }
}
