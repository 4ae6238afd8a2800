//! A worker's session with the simulated database, and everything that a network does to it.

use super::database::{Refused, Statement, Written};
use super::world::World;
use super::{Flaw, dice};
use crate::ids::{RunId, WorkerId};
use crate::journal::{Aftermath, Answer, Broken, Entry, Ledger, Receipt, Refusal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) struct SimulatedLedger {
    world: World,
    worker: WorkerId,
    session: Session,
    broken: Vec<Session>,
}

/// The server's side of a session: what it was asked goes on when the client is gone.
#[derive(Clone, Default)]
struct Session {
    ended: Arc<AtomicBool>,
}

/// What becomes of a statement on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Good,
    /// The session breaks before the server has it.
    Lost,
    /// Committed, and the session breaks.
    AnswerLost,
    /// The session breaks, and the server commits it later, unless its process is ended.
    Late,
}

impl SimulatedLedger {
    pub(super) fn new(world: World, worker: WorkerId) -> Self {
        Self {
            world,
            worker,
            session: Session::default(),
            broken: Vec::new(),
        }
    }

    fn way(&self) -> Way {
        if !self.world.breaks(12) {
            return Way::Good;
        }
        let (way, what) = match dice::pick(3) {
            0 => (Way::Lost, "statement lost"),
            1 => (Way::AnswerLost, "answer lost"),
            _ => (Way::Late, "statement late"),
        };
        dice::note(what, || self.worker.to_string());
        way
    }
}

impl Ledger for SimulatedLedger {
    async fn connect(&mut self, given_up: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            () = given_up.cancelled() => return false,
            () = self.world.reach_database() => {}
        }
        self.broken.push(std::mem::take(&mut self.session));
        true
    }

    async fn write(&mut self, batch: &[Entry], want: usize) -> Answer {
        if self.world.breaks(3) {
            dice::note("locked", || self.worker.to_string());
            return Answer::Refused(Refusal::Locked);
        }
        let statement = Statement {
            worker: self.worker,
            entries: batch.iter().map(as_sent).collect(),
            want,
        };
        let (answer, answered) = oneshot::channel();
        let (world, session) = (self.world.clone(), self.session.clone());
        tokio::spawn(serve(world, session, statement, self.way(), answer));
        match answered.await {
            Ok(Ok(receipt)) => Answer::Written(receipt),
            Ok(Err(Refused::TakenOver)) => Answer::TakenOver,
            Ok(Err(Refused::Entry(refusal))) => Answer::Refused(refusal),
            Err(_) if dice::percent(50) => Answer::Late,
            Err(_) => Answer::Unknown,
        }
    }

    async fn locked(&mut self, batch: &[Entry]) -> Vec<RunId> {
        dice::a_while(4).await;
        let locked = batch.iter().filter(|_| self.world.breaks(50));
        locked.map(|entry| entry.run).collect()
    }

    async fn clear_up(
        &mut self,
        first: Option<(RunId, i32)>,
        held: Option<&[Uuid]>,
    ) -> Result<Aftermath, Broken> {
        dice::a_while(4).await;
        if self.world.database().is_away() || self.world.breaks(10) {
            return Err(Broken);
        }
        if !self.world.has(Flaw::LateStatements) {
            for session in self.broken.drain(..) {
                session.ended.store(true, Ordering::Relaxed);
            }
        }
        let mut database = self.world.database();
        let ours = database.workers.contains_key(&self.worker);
        if !ours && !self.world.has(Flaw::TrustedLine) {
            return Ok(Aftermath::TakenOver);
        }
        if let Some(held) = held {
            database.release_unknown(self.worker, held);
        }
        let written = first.is_some_and(|(run, seq)| database.head(run).history.contains_key(&seq));
        Ok(match written {
            true => Aftermath::Committed,
            false => Aftermath::NotCommitted,
        })
    }
}

fn as_sent(entry: &Entry) -> Written {
    Written {
        run: entry.run,
        rows: entry.rows.clone(),
        transition: entry.transition.clone(),
        locks: entry.locks.clone(),
    }
}

type Replied = Result<Receipt, Refused>;

/// The server's part. An answer that is dropped is a broken session.
async fn serve(
    world: World,
    session: Session,
    statement: Statement,
    way: Way,
    answer: oneshot::Sender<Replied>,
) {
    dice::a_while(4).await;
    let mut answer = Some(answer);
    match way {
        Way::Lost => return,
        Way::Late => {
            answer = None;
            dice::a_while(300).await;
        }
        Way::Good | Way::AnswerLost => {}
    }
    if session.ended.load(Ordering::Relaxed) {
        dice::note("late statement ended", || statement.worker.to_string());
        return;
    }
    let outcome = {
        let mut database = world.database();
        if database.is_away() {
            return;
        }
        database.execute(&statement)
    };
    dice::a_while(4).await;
    if let (Some(answer), Way::Good) = (answer, way) {
        // A worker that was killed meanwhile hears nothing.
        let _ = answer.send(outcome);
    }
}
