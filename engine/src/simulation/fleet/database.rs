//! The simulated database: heads, history and worker rows under the rules of the journal's SQL.

use super::Flaw;
use super::dice;
use crate::claim::ClaimedRun;
use crate::history::{Event, HistoryKind};
use crate::ids::{RunId, WorkerId};
use crate::journal::{HistoryRow, LockMoves, Locked, Receipt, Refusal, Transition};
use crate::state::RunState;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// One run: its head and its history by number.
pub(super) struct Head {
    pub(super) id: RunId,
    pub(super) state: RunState,
    pub(super) holder: Option<WorkerId>,
    pub(super) history: BTreeMap<i32, Event>,
    pub(super) reason: Option<String>,
    starts: i32,
    due: Option<Duration>,
}

/// What one run hands in, as it travels to the database.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) run: RunId,
    pub(super) rows: Vec<HistoryRow>,
    pub(super) transition: Option<Transition>,
    pub(super) locks: LockMoves,
}

/// The journal's statement.
pub(super) struct Statement {
    pub(super) worker: WorkerId,
    pub(super) entries: Vec<Written>,
    pub(super) want: usize,
}

/// Why a statement was not committed.
pub(super) enum Refused {
    TakenOver,
    Entry(Refusal),
}

#[derive(Default)]
pub(super) struct Database {
    pub(super) heads: Vec<Head>,
    /// When each worker was last heard of.
    pub(super) workers: BTreeMap<WorkerId, Duration>,
    /// What no database that keeps its rules would have let happen.
    pub(super) wrong: Vec<String>,
    pub(super) away_until: Duration,
    /// Which run has each named lock.
    locks: BTreeMap<String, RunId>,
    flaw: Option<Flaw>,
    registered: u128,
    /// Workers taken over so far.
    deaths: u64,
}

impl Database {
    pub(super) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            flaw,
            ..Self::default()
        }
    }

    pub(super) fn enqueue(&mut self, id: RunId) {
        self.heads.push(Head {
            id,
            state: RunState::Queued,
            holder: None,
            history: BTreeMap::new(),
            reason: None,
            starts: 0,
            due: Some(dice::now()),
        });
    }

    pub(super) fn register(&mut self) -> WorkerId {
        self.registered += 1;
        let id = WorkerId(Uuid::from_u128(self.registered));
        self.workers.insert(id, dice::now());
        id
    }

    /// False when the worker was taken over.
    pub(super) fn renew(&mut self, worker: WorkerId) -> bool {
        let seen = self.workers.get_mut(&worker);
        seen.map(|seen| *seen = dice::now()).is_some()
    }

    pub(super) fn is_away(&self) -> bool {
        dice::now() < self.away_until
    }

    pub(super) fn head(&mut self, run: RunId) -> &mut Head {
        let head = self.heads.iter_mut().find(|head| head.id == run);
        head.expect("a run that was enqueued")
    }

    /// All of it or nothing.
    pub(super) fn execute(&mut self, statement: &Statement) -> Result<Receipt, Refused> {
        let worker = statement.worker;
        if !self.workers.contains_key(&worker) {
            if self.flaw != Some(Flaw::NoFence) {
                dice::note("write fenced", || worker.to_string());
                return Err(Refused::TakenOver);
            }
            if !statement.entries.is_empty() {
                self.wrong
                    .push(format!("{worker} wrote after it was taken over"));
            }
        }
        for entry in &statement.entries {
            self.judge(worker, entry).map_err(Refused::Entry)?;
        }
        for entry in &statement.entries {
            self.apply(entry);
        }
        Ok(Receipt {
            locked: self.move_locks(&statement.entries),
            runs: self.claim(worker, statement.want),
            next_due: None,
        })
    }

    /// First what is given back, then what is taken; the locks that another run has.
    fn move_locks(&mut self, entries: &[Written]) -> Vec<Locked> {
        for entry in entries {
            let given = &entry.locks.gives;
            self.locks
                .retain(|name, run| *run != entry.run || !given.contains(name));
        }
        let takes = entries.iter().filter_map(|entry| {
            let name = entry.locks.takes.clone()?;
            Some((entry.run, name))
        });
        let refused = takes.filter(|(run, name)| !self.take_lock(*run, name));
        refused
            .map(|(run, name)| {
                dice::note("lock refused", || format!("{run} {name}"));
                let wait = Duration::from_millis(500);
                Locked { run, name, wait }
            })
            .collect()
    }

    fn take_lock(&mut self, run: RunId, name: &str) -> bool {
        let holder = self.locks.get(name).copied();
        if let Some(holder) = holder
            && !self.head(holder).state.is_terminal()
        {
            return holder == run;
        }
        self.locks.insert(name.to_owned(), run);
        true
    }

    fn judge(&mut self, worker: WorkerId, entry: &Written) -> Result<(), Refusal> {
        let head = self.head(entry.run);
        if entry
            .rows
            .iter()
            .any(|row| head.history.contains_key(&row.seq))
        {
            return Err(Refusal::Data("duplicate key".to_owned()));
        }
        let held = head.state == RunState::Running && head.holder == Some(worker);
        match &entry.transition {
            Some(_) if !held => Err(Refusal::NotOurs),
            Some(transition) if !head.state.may_become(transition.state) => {
                Err(Refusal::Data("no such move".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn apply(&mut self, entry: &Written) {
        let head = self.head(entry.run);
        for row in &entry.rows {
            head.add(row.seq, row.kind, row.activity.as_deref(), &row.payload);
        }
        if let Some(transition) = &entry.transition {
            head.state = transition.state;
            head.reason.clone_from(&transition.reason);
            head.due = transition.delay.map(|delay| dice::now() + delay);
            if transition.state == RunState::Queued {
                head.due = Some(dice::now());
            }
        }
    }

    fn claim(&mut self, worker: WorkerId, want: usize) -> Vec<ClaimedRun> {
        let now = dice::now();
        let mut claimed = Vec::new();
        let from = dice::pick(self.heads.len() + 1);
        let (late, early) = self.heads.split_at_mut(from);
        let due = |head: &&mut Head| {
            head.state != RunState::Running && head.due.is_some_and(|due| due <= now)
        };
        for head in early.iter_mut().chain(late).filter(due).take(want) {
            head.state = RunState::Running;
            head.holder = Some(worker);
            head.due = None;
            head.starts += 1;
            head.add_next(HistoryKind::RunStarted, None);
            claimed.push(head.claimed());
        }
        claimed
    }

    /// Back to the queue with everything that the worker holds and `held` does not name.
    pub(super) fn release_unknown(&mut self, worker: WorkerId, held: &[Uuid]) {
        for head in &mut self.heads {
            let runs = head.state == RunState::Running && head.holder == Some(worker);
            if runs && !held.contains(&head.id.0) {
                dice::note("unknown claim given back", || head.id.to_string());
                head.requeue(HistoryKind::RunReleased, None);
            }
        }
    }

    /// The worker's row goes, and its runs go back.
    pub(super) fn take_over(&mut self, worker: WorkerId) {
        if self.workers.remove(&worker).is_none() {
            return;
        }
        dice::note("worker taken over", || worker.to_string());
        self.deaths += 1;
        for head in &mut self.heads {
            if head.state == RunState::Running && head.holder == Some(worker) {
                head.requeue(HistoryKind::RunLost, Some(json!({ "deaths": self.deaths })));
            }
        }
    }
}

impl Head {
    fn add(
        &mut self,
        seq: i32,
        kind: HistoryKind,
        activity: Option<&str>,
        payload: &Option<String>,
    ) {
        let payload = payload
            .as_ref()
            .map(|text| serde_json::from_str::<Value>(text).expect("a payload is JSON"));
        let event = Event {
            run_id: self.id,
            seq,
            at: at(dice::now()),
            kind,
            activity: activity.map(str::to_owned),
            attempt: None,
            payload,
        };
        dice::note(kind.as_str(), || {
            let activity = event.activity.as_deref().unwrap_or_default();
            format!("{} {seq} {activity} {:?}", self.id, event.payload)
        });
        self.history.insert(seq, event);
    }

    fn add_next(&mut self, kind: HistoryKind, payload: Option<Value>) {
        let next = self.history.keys().last().map_or(0, |last| last + 1);
        self.add(
            next,
            kind,
            None,
            &payload.map(|payload| payload.to_string()),
        );
    }

    fn requeue(&mut self, kind: HistoryKind, payload: Option<Value>) {
        self.state = RunState::Queued;
        self.due = Some(dice::now());
        self.add_next(kind, payload);
    }

    fn claimed(&self) -> ClaimedRun {
        ClaimedRun {
            id: self.id,
            workflow: super::story::STORY.to_owned(),
            scope: String::new(),
            key: None,
            lane: String::new(),
            starts: self.starts,
            created_at: at(Duration::ZERO),
            claimed_at: at(dice::now()),
            input: "null".to_owned(),
            parent: None,
            cancel_why: None,
        }
    }
}

/// The database's clock.
pub(super) fn at(since: Duration) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + since
}
