use super::*;
use crate::engine::{Engine, NewRun};
use crate::history::HistoryKind;
use crate::journal::LockMoves;
use crate::journal::{HistoryRow, Transition};
use crate::state::RunState;
use crate::store::workers;
use futures::FutureExt;
use leadrail_postgres::testing::TestDatabase;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A registered worker's ledger on a database of its own.
struct Bench {
    ledger: PostgresLedger,
    engine: Engine,
    _database: TestDatabase,
}

impl Bench {
    async fn new() -> Self {
        let database = TestDatabase::fresh().await;
        let engine = Engine::connect(database.url()).await.unwrap();
        engine.migrate().await.unwrap();
        let connector = Connector::new(engine.pool().clone(), Duration::from_secs(15));
        let mut session = connector.connect().await.unwrap();
        let worker = workers::register(&mut session, "tests", Duration::from_secs(3_600)).await;
        let mut ledger = PostgresLedger::new(worker.unwrap(), vec!["story".into()], connector);
        assert!(ledger.connect(&CancellationToken::new()).await);
        Self {
            ledger,
            engine,
            _database: database,
        }
    }

    async fn enqueue(&self, delay: Duration) -> RunId {
        let run = NewRun {
            workflow: "story".to_owned(),
            scope: String::new(),
            key: None,
            fingerprint: String::new(),
            lane: String::new(),
            priority: 2,
            delay,
            input: "null".to_owned(),
        };
        self.engine.enqueue(&[run]).await.unwrap()[0].run_id
    }

    /// What the next claim brings.
    async fn claim(&mut self) -> (Vec<RunId>, Option<Duration>) {
        match self.ledger.write(&[], 8).await {
            Answer::Written(Receipt { runs, next_due, .. }) => {
                (runs.into_iter().map(|run| run.id).collect(), next_due)
            }
            _ => panic!("the claim was not written"),
        }
    }

    /// A run that this worker holds.
    async fn claimed(&mut self) -> RunId {
        let run = self.enqueue(Duration::ZERO).await;
        assert_eq!(self.claim().await.0, [run]);
        run
    }

    async fn execute(&self, order: &'static str) {
        sqlx::query(order)
            .execute(self.engine.pool())
            .await
            .unwrap();
    }

    /// Gives locks back and takes one, each as (run, given back, taken): who could not take it.
    async fn move_locks(&mut self, moves: &[(RunId, &[&str], Option<&str>)]) -> Vec<RunId> {
        let entry = |(run, gives, takes): &(RunId, &[&str], Option<&str>)| Entry {
            run: *run,
            rows: Vec::new(),
            transition: None,
            locks: LockMoves {
                gives: gives.iter().map(|name| (*name).to_owned()).collect(),
                takes: takes.map(str::to_owned),
            },
            done: oneshot::channel().0,
        };
        let batch: Vec<_> = moves.iter().map(entry).collect();
        match self.ledger.write(&batch, 0).await {
            Answer::Written(receipt) => {
                let locked = receipt.locked.into_iter();
                locked
                    .map(|locked| {
                        assert!((500..=1_000).contains(&locked.wait.as_millis()));
                        locked.run
                    })
                    .collect()
            }
            _ => panic!("the locks were not moved"),
        }
    }

    /// After a broken session: what became of this line.
    async fn clear_up(
        &mut self,
        line: Option<(RunId, i32)>,
        held: Option<&[Uuid]>,
    ) -> Result<Aftermath, Broken> {
        assert!(self.ledger.connect(&CancellationToken::new()).await);
        self.ledger.clear_up(line, held).await
    }

    async fn state(&self, run: RunId) -> RunState {
        self.engine.run(run).await.unwrap().unwrap().state
    }
}

/// A completion as the run hands it in, in the line after its start.
fn completion(run: RunId, payload: &str) -> [Entry; 1] {
    let row = HistoryRow {
        seq: 1,
        kind: HistoryKind::RunCompleted,
        attempt: None,
        activity: None,
        payload: Some(payload.to_owned()),
    };
    [Entry {
        run,
        rows: vec![row],
        transition: Some(Transition::to(RunState::Completed)),
        locks: LockMoves::default(),
        done: oneshot::channel().0,
    }]
}

#[tokio::test]
async fn a_claim_brings_what_is_due_and_says_when_more_is() {
    let mut bench = Bench::new().await;
    let due = bench.enqueue(Duration::ZERO).await;
    bench.enqueue(Duration::from_secs(60)).await;
    let (runs, next_due) = bench.claim().await;
    assert_eq!(runs, [due]);
    let wait = next_due.unwrap();
    assert!((Duration::from_secs(30)..=Duration::from_secs(60)).contains(&wait));
}

#[tokio::test]
async fn nobody_connects_for_a_worker_that_was_given_up() {
    let mut bench = Bench::new().await;
    let given_up = CancellationToken::new();
    given_up.cancel();
    assert!(!bench.ledger.connect(&given_up).await);
}

#[tokio::test]
async fn a_worker_that_outlived_a_restore_gets_no_session() {
    let mut bench = Bench::new().await;
    bench.execute("select leadrail.declare_restored()").await;
    assert!(!bench.ledger.connect(&CancellationToken::new()).await);
}

#[tokio::test(start_paused = true)]
async fn sessions_in_which_nothing_is_written_are_opened_ever_more_slowly() {
    let pool = PgPool::connect_lazy("postgres://nowhere").unwrap();
    let worker = WorkerId(Uuid::nil());
    let mut ledger = PostgresLedger::new(
        worker,
        Vec::new(),
        Connector::new(pool, Duration::from_secs(15)),
    );
    let given_up = CancellationToken::new();
    let mut waits = Vec::new();
    for _ in 0..12 {
        let begun = Instant::now();
        assert!(ledger.rest(&given_up).await);
        waits.push(begun.elapsed());
    }
    assert_eq!(waits[0], Duration::ZERO);
    assert!(waits[1] >= Duration::from_millis(50), "{waits:?}");
    assert!(waits[11] >= Duration::from_secs(1), "{waits:?}");
    given_up.cancel();
    assert_eq!(ledger.rest(&given_up).now_or_never(), Some(false));
}

#[tokio::test]
async fn a_session_after_one_that_wrote_is_opened_at_once() {
    let mut bench = Bench::new().await;
    bench.claim().await;
    let rested = bench.ledger.rest(&CancellationToken::new()).now_or_never();
    assert_eq!(rested, Some(true));
}

#[tokio::test]
async fn a_worker_without_a_row_is_told_that_it_was_taken_over() {
    let mut bench = Bench::new().await;
    let run = bench.claimed().await;
    bench.execute("delete from leadrail.worker").await;
    let written = bench.ledger.write(&completion(run, "{}"), 0).await;
    assert!(matches!(written, Answer::TakenOver));
    assert_eq!(bench.state(run).await, RunState::Running);
}

#[tokio::test]
async fn a_run_that_is_anothers_is_told_from_data_that_cannot_be_stored() {
    let mut bench = Bench::new().await;
    let run = bench.claimed().await;
    let written = bench.ledger.write(&completion(run, "{"), 0).await;
    assert!(matches!(written, Answer::Refused(Refusal::Data(_))));
    let taken = "update leadrail.workflow_run set worker_id = gen_random_uuid()";
    bench.execute(taken).await;
    let written = bench.ledger.write(&completion(run, "{}"), 0).await;
    assert!(matches!(written, Answer::Refused(Refusal::NotOurs)));
    assert_eq!(bench.state(run).await, RunState::Running);
}

#[tokio::test]
async fn what_the_victim_of_a_deadlock_handed_in_may_be_written_again() {
    let mut bench = Bench::new().await;
    let run = bench.claimed().await;
    bench
        .execute(
            "create function refuse() returns trigger language plpgsql as
             $$ begin raise exception 'chosen' using errcode = 'deadlock_detected'; end $$",
        )
        .await;
    bench
        .execute(
            "create trigger refuse before insert on leadrail.history execute function refuse()",
        )
        .await;
    let written = bench.ledger.write(&completion(run, "{}"), 0).await;
    assert!(matches!(written, Answer::Unknown));
    bench
        .execute("drop trigger refuse on leadrail.history")
        .await;
    let aftermath = bench.clear_up(Some((run, 1)), None).await;
    assert_eq!(aftermath.unwrap(), Aftermath::NotCommitted);
    let written = bench.ledger.write(&completion(run, "{}"), 0).await;
    assert!(matches!(written, Answer::Written(..)));
    assert_eq!(bench.state(run).await, RunState::Completed);
}

#[tokio::test]
async fn after_a_broken_session_the_first_line_tells_unless_the_worker_was_taken_over() {
    let mut bench = Bench::new().await;
    let run = bench.claimed().await;
    let line = Some((run, 1));
    assert_eq!(
        bench.clear_up(line, None).await.unwrap(),
        Aftermath::NotCommitted
    );
    bench.ledger.write(&completion(run, "{}"), 0).await;
    assert_eq!(
        bench.clear_up(line, None).await.unwrap(),
        Aftermath::Committed
    );
    bench.execute("delete from leadrail.worker").await;
    assert_eq!(
        bench.clear_up(line, None).await.unwrap(),
        Aftermath::TakenOver
    );
}

#[tokio::test]
async fn nothing_is_said_while_a_broken_session_may_still_commit() {
    let mut bench = Bench::new().await;
    bench
        .execute(
            "create or replace function leadrail.end_session(
                 p_worker uuid, p_pid integer, p_started timestamptz
             )
             returns boolean language sql as 'select false'",
        )
        .await;
    assert!(bench.clear_up(None, None).await.is_err());
}

#[tokio::test]
async fn after_a_broken_session_only_what_nobody_here_holds_goes_back() {
    let mut bench = Bench::new().await;
    let (held, unknown) = (bench.claimed().await, bench.claimed().await);
    bench.clear_up(None, None).await.unwrap();
    assert_eq!(bench.state(unknown).await, RunState::Running);
    bench.clear_up(None, Some(&[held.0])).await.unwrap();
    assert_eq!(bench.state(held).await, RunState::Running);
    assert_eq!(bench.state(unknown).await, RunState::Queued);
}

#[tokio::test]
async fn a_lock_is_one_runs_at_a_time_within_a_batch_and_after_it() {
    let mut bench = Bench::new().await;
    let (first, second) = (bench.claimed().await, bench.claimed().await);
    let asking = |run| (run, &[][..], Some("phone"));
    let giving = |run| (run, &["phone", "never taken"][..], None);
    assert_eq!(
        bench.move_locks(&[asking(first), asking(second)]).await,
        [second]
    );
    // Who has it has it still, whoever asks before.
    assert_eq!(
        bench.move_locks(&[asking(second), asking(first)]).await,
        [second]
    );
    // What is not one's own cannot be given back.
    assert_eq!(
        bench.move_locks(&[giving(second), asking(second)]).await,
        [second]
    );
    assert_eq!(bench.move_locks(&[asking(second), giving(first)]).await, []);
    assert_eq!(bench.move_locks(&[asking(first)]).await, [first]);
    let both = (second, &["phone"][..], Some("phone"));
    assert_eq!(bench.move_locks(&[both]).await, []);
    // The lock of a run that has ended is free.
    bench.ledger.write(&completion(second, "{}"), 0).await;
    assert_eq!(bench.move_locks(&[asking(first)]).await, []);
}

#[tokio::test]
async fn a_worker_that_was_taken_over_neither_takes_a_lock_nor_gives_one_back() {
    let mut bench = Bench::new().await;
    let run = bench.claimed().await;
    let asking = (run, &[][..], Some("phone"));
    assert_eq!(bench.move_locks(&[asking]).await, []);
    bench.execute("delete from leadrail.worker").await;
    let giving = Entry {
        run,
        rows: Vec::new(),
        transition: None,
        locks: LockMoves {
            gives: vec!["phone".to_owned()],
            takes: None,
        },
        done: oneshot::channel().0,
    };
    assert!(matches!(
        bench.ledger.write(&[giving], 0).await,
        Answer::TakenOver
    ));
    let kept: i64 = sqlx::query_scalar("select count(*) from leadrail.run_lock")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap();
    assert_eq!(kept, 1);
}
