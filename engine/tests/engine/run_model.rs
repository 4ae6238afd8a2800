//! The SQL against the reference model of a run's life: it refuses exactly what the model refuses,
//! and a refused write changes nothing.

// The pure part and the SQL part use each their own of these.
#[allow(dead_code)]
#[path = "../../src/simulation/model.rs"]
mod model;
#[allow(dead_code)]
#[path = "../../src/simulation/moves.rs"]
mod moves;

use crate::kit::Bench;
use leadrail_engine::{HistoryKind, RunId, RunState};
use model::{Model, STEPS, Write};
use moves::Move;
use proptest::test_runner::{Config, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Postgres};
use std::sync::atomic::Ordering;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// One run on the database; its id is also its key, its lane and the name of its workflow.
struct Real {
    /// One session, so that a worker is suspected for its lease only.
    session: PoolConnection<Postgres>,
    run: RunId,
    workers: Vec<Uuid>,
}

#[test]
fn the_database_refuses_exactly_what_the_model_refuses() {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::new());
    let shrink = Config::default().max_shrink_iters;
    if let Err(failed) = hold_against(&runtime, &bench, 48, shrink) {
        panic!("{failed}");
    }
}

/// Without these the test above could be green because it looks at nothing.
#[test]
fn a_journal_without_a_fence_or_an_owner_is_noticed() {
    let runtime = Runtime::new().unwrap();
    for (part, instead) in [
        ("if not found then", "if false then"),
        ("and r.worker_id is not distinct from t.holder", ""),
        ("and r.state = t.held", ""),
    ] {
        let bench = runtime.block_on(Bench::new());
        runtime.block_on(spoil(&bench, part, instead));
        // It ends with the first life that notices, which may be long in coming.
        let noticed = hold_against(&runtime, &bench, 2_000, 1).is_err();
        assert!(noticed, "nobody noticed a journal without `{part}`");
    }
}

/// Replaces a part of the SQL function `leadrail.journal` in this database.
async fn spoil(bench: &Bench, part: &str, instead: &str) {
    let definition: String = sqlx::query_scalar(
        "select pg_get_functiondef(p.oid) from pg_proc p
         where p.proname = 'journal' and p.pronamespace = 'leadrail'::regnamespace
         order by p.pronargs desc limit 1",
    )
    .fetch_one(bench.engine.pool())
    .await
    .unwrap();
    assert!(definition.contains(part), "the journal has no `{part}`");
    let spoiled = definition.replace(part, instead);
    sqlx::raw_sql(sqlx::AssertSqlSafe(spoiled))
        .execute(bench.engine.pool())
        .await
        .unwrap();
}

/// Lives many lives on the database and in the model.
fn hold_against(
    runtime: &Runtime,
    bench: &Bench,
    cases: u32,
    max_shrink_iters: u32,
) -> Result<(), String> {
    let config = Config {
        cases,
        max_shrink_iters,
        failure_persistence: None,
        ..Config::default()
    };
    let lives = Model::sequential_strategy(1..40);
    let lived = TestRunner::new(config).run(&lives, |(model, moves, seen)| {
        let seen = || {
            if let Some(seen) = &seen {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        };
        runtime.block_on(live(bench, model, moves, seen));
        Ok(())
    });
    lived.map_err(|failed| failed.to_string())
}

async fn live(bench: &Bench, mut model: Model, moves: Vec<Move>, seen: impl Fn()) {
    let mut real = Real::enqueued(bench).await;
    for tried in moves {
        seen();
        let answer = real.attempt(&model, tried).await;
        model = Model::apply(model, &tried);
        let expected = model.answer.map_err(|refusal| refusal.code().to_owned());
        assert_eq!(answer, expected, "{tried:?} led to {model:?}");
        real.is_where(&model).await;
    }
}

impl Real {
    async fn enqueued(bench: &Bench) -> Self {
        let session = bench.engine.pool().acquire().await.unwrap();
        let (run, workers) = (RunId::new(), Vec::new());
        let mut real = Self {
            session,
            run,
            workers,
        };
        real.attempt(&Model::enqueued(), Move::Register)
            .await
            .unwrap();
        assert_eq!(real.enqueue(run, "body").await, "created");
        real
    }

    /// Does it on the database; what is refused comes back with its SQL state.
    async fn attempt(&mut self, model: &Model, tried: Move) -> Result<(), String> {
        if let Some(write) = model.write_of(tried) {
            return self.write(&write).await;
        }
        match tried {
            Move::EnqueueAgain { same_body } => self.enqueue_again(same_body).await,
            Move::Register => self.register().await,
            Move::Claim { worker } => return self.claim(worker).await,
            Move::TakeOver { worker, lease_over } => self.take_over(worker, lease_over).await,
            Move::Retire { worker } => {
                let worker = self.workers[worker];
                self.run_on("select leadrail.retire_worker($1)", worker)
                    .await;
            }
            Move::Revive => {
                let run = self.run.0;
                self.run_on("select leadrail.revive_run($1, 'a person')", run)
                    .await;
            }
            Move::Force { to } => return self.force(to).await,
            _ => unreachable!("a matter of the journal"),
        }
        Ok(())
    }

    async fn run_on(&mut self, statement: &'static str, id: Uuid) {
        let done = sqlx::query(statement).bind(id).execute(&mut *self.session);
        done.await.unwrap();
    }

    async fn register(&mut self) {
        let registered = sqlx::query_scalar(
            "select leadrail.register_worker('model', 1, 'model', interval '1 hour')",
        );
        let worker = registered.fetch_one(&mut *self.session).await.unwrap();
        self.workers.push(worker);
    }

    async fn enqueue(&mut self, id: RunId, body: &str) -> String {
        let name = self.run.0.to_string();
        sqlx::query_scalar(
            "select outcome from leadrail.enqueue_runs(array[$1], array[$2], array[''], array[$2],
                array[$3], array[$2], array[2]::smallint[], array[0]::bigint[], array['{}'])",
        )
        .bind(id.0)
        .bind(name)
        .bind(body)
        .fetch_one(&mut *self.session)
        .await
        .unwrap()
    }

    async fn enqueue_again(&mut self, same_body: bool) {
        let (body, outcome) = match same_body {
            true => ("body", "duplicate"),
            false => ("other", "conflict"),
        };
        assert_eq!(self.enqueue(RunId::new(), body).await, outcome);
    }

    async fn take_over(&mut self, worker: usize, lease_over: bool) {
        let worker = self.workers[worker];
        if lease_over {
            let expire =
                "update leadrail.worker set seen_at = seen_at - interval '1 day' where id = $1";
            self.run_on(expire, worker).await;
        }
        self.run_on("select leadrail.take_over(array[$1])", worker)
            .await;
    }

    async fn claim(&mut self, worker: usize) -> Result<(), String> {
        let nothing = Write {
            worker,
            at: 0,
            rows: Vec::new(),
            to: None,
        };
        self.journal(&nothing, 1).await
    }

    async fn write(&mut self, write: &Write) -> Result<(), String> {
        self.journal(write, 0).await
    }

    async fn journal(&mut self, write: &Write, want: i32) -> Result<(), String> {
        let (run, count) = (self.run.0, write.rows.len());
        let at = i32::try_from(write.at).unwrap();
        let seqs: Vec<i32> = (at..).take(count).collect();
        let kinds: Vec<HistoryKind> = write.rows.iter().map(|row| row.kind).collect();
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let steps: Vec<Option<&str>> = write
            .rows
            .iter()
            .map(|row| row.step.map(|step| STEPS[step]))
            .collect();
        let payloads: Vec<&str> = write.rows.iter().map(|row| row.payload.as_str()).collect();
        let moved = Vec::from_iter(write.to.map(|_| run));
        let to = Vec::from_iter(write.to.map(RunState::as_str));
        let delays = Vec::from_iter(write.to.map(|to| parks(to).then_some(0i64)));
        sqlx::query(
            "select run_id from leadrail.journal(
                $1, $2, $3, $4::text[]::leadrail.history_kind[], $5, $6, $7,
                $8, $9::text[]::leadrail.run_state[], $10, $11, $12, $12,
                '{}', '{}', '{}', '{}', '{}', '{}', '{}', $13, $14
            )",
        )
        .bind(self.workers[write.worker])
        .bind(vec![run; count])
        .bind(seqs)
        .bind(kinds)
        .bind(vec![None::<i16>; count])
        .bind(steps)
        .bind(payloads)
        .bind(&moved)
        .bind(to)
        .bind(delays)
        .bind(vec![None::<i16>; moved.len()])
        .bind(vec![None::<String>; moved.len()])
        .bind(want)
        .bind(vec![run.to_string()])
        .execute(&mut *self.session)
        .await
        .map_or_else(|error| Err(sql_state(&error)), |_| Ok(()))
    }

    /// A bare update, undone whether it was refused or not.
    async fn force(&mut self, to: RunState) -> Result<(), String> {
        let mut undone = self.session.begin().await.unwrap();
        let forced = sqlx::query(
            "update leadrail.workflow_run
             set state = $2, due_at = case when $3 then leadrail.now() end where id = $1",
        )
        .bind(self.run)
        .bind(to)
        .bind(parks(to))
        .execute(&mut *undone)
        .await;
        undone.rollback().await.unwrap();
        forced.map_or_else(|error| Err(sql_state(&error)), |_| Ok(()))
    }

    async fn is_where(&mut self, model: &Model) {
        let (state, holder, buried): (RunState, Option<Uuid>, bool) = sqlx::query_as(
            "select r.state, r.worker_id, exists (select from leadrail.dead_letter d where d.run_id = r.id)
             from leadrail.workflow_run r where r.id = $1",
        )
        .bind(self.run)
        .fetch_one(&mut *self.session)
        .await
        .unwrap();
        assert_eq!(state, model.state, "{model:?}");
        assert_eq!(holder, model.holder.map(|worker| self.workers[worker]));
        assert_eq!(buried, state == RunState::Dead, "{model:?}");
        let lines: Vec<(i32, HistoryKind)> =
            sqlx::query_as("select seq, kind from leadrail.history where run_id = $1 order by seq")
                .bind(self.run)
                .fetch_all(&mut *self.session)
                .await
                .unwrap();
        let expected: Vec<_> = (0..).zip(model.rows.iter().map(|row| row.kind)).collect();
        assert_eq!(lines, expected, "{model:?}");
    }
}

/// Whether a run in this state has a due time.
fn parks(state: RunState) -> bool {
    use RunState::{Queued, Replaying, Retrying, Waiting};
    matches!(state, Queued | Retrying | Waiting | Replaying)
}

fn sql_state(error: &sqlx::Error) -> String {
    let refused = error.as_database_error();
    let code = refused.and_then(sqlx::error::DatabaseError::code);
    code.unwrap_or_else(|| panic!("not the database's refusal: {error}"))
        .into_owned()
}
