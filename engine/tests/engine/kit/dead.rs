//! Runs that die, and what is asked of their letters.

use super::{Act, Bench, Story, World};
use leadrail_engine::{FailureKind, Letter, LetterFilter, NewRun, ReplayProgress, RunId, Standing};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// All letters.
pub fn all() -> LetterFilter {
    LetterFilter::default()
}

/// Those that stand there.
pub fn standing(standing: Standing) -> LetterFilter {
    LetterFilter {
        standing: Some(standing),
        ..all()
    }
}

/// A run that a worker is to make dead: its first step is done, its second refused.
pub fn doomed(lane: &str, priority: i16) -> NewRun {
    let mut run = NewRun::of::<Story>(&vec!["yes".to_owned(), "no".to_owned()]).expect("input");
    run.lane = lane.to_owned();
    run.priority = priority;
    run
}

/// A world that refuses the second step so often.
pub fn refusing(times: usize) -> Arc<World> {
    let world = World::new();
    let refused = vec![Act::Fail(FailureKind::Rejected, "http_422"); times];
    world.script("no", &refused);
    world
}

impl Bench {
    pub async fn enqueue_all(&self, runs: &[NewRun]) -> Vec<RunId> {
        let answers = self.engine.enqueue(runs).await.expect("enqueue");
        answers.into_iter().map(|answer| answer.run_id).collect()
    }

    /// Makes these runs dead as a worker's journal does, all in one statement.
    pub async fn bury(&self, runs: &[NewRun]) -> Vec<RunId> {
        let ids = self.enqueue_all(runs).await;
        self.bury_again(&ids).await;
        ids
    }

    /// The same for runs that are there and due.
    pub async fn bury_again(&self, runs: &[RunId]) {
        let mut session = self.engine.pool().begin().await.expect("begin");
        let worker: Uuid = sqlx::query_scalar(
            "select leadrail.register_worker('test', 0, '0', interval '1 hour')",
        )
        .fetch_one(&mut *session)
        .await
        .expect("register");
        let dead = "select leadrail.journal($1, '{}', '{}', '{}', '{}', '{}', '{}', $2,
                array_fill('dead'::leadrail.run_state, array[cardinality($2)]),
                array_fill(null::bigint, array[cardinality($2)]),
                array_fill(1::smallint, array[cardinality($2)]),
                array_fill('step'::text, array[cardinality($2)]),
                array_fill('http_500'::text, array[cardinality($2)]), '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0, '{}')";
        let claim =
            "update leadrail.workflow_run set state = 'running', due_at = null, worker_id = $1,
                starts = starts + 1 where id = any ($2)";
        for statement in [claim, dead] {
            let done = sqlx::query(statement).bind(worker).bind(runs);
            done.execute(&mut *session).await.expect(statement);
        }
        session.commit().await.expect("commit");
        sqlx::query("select leadrail.retire_worker($1)")
            .bind(worker)
            .execute(self.engine.pool())
            .await
            .expect("retire");
    }

    pub async fn all_letters(&self) -> Vec<Letter> {
        self.engine
            .letters(&all(), None, 1_000)
            .await
            .expect("letters")
    }

    /// The runs whose letters stand there.
    pub async fn stands(&self, of: Standing) -> HashSet<RunId> {
        let letters = self.engine.letters(&standing(of), None, 1_000).await;
        let letters = letters.expect("letters");
        letters.into_iter().map(|letter| letter.run_id).collect()
    }

    pub async fn progress(&self, replay: RunId) -> ReplayProgress {
        self.engine.replay_progress(replay).await.expect("progress")
    }

    /// The doctor finds nothing; a clock that a test has moved aside.
    pub async fn is_sound(&self) {
        let checks = self
            .engine
            .check_invariants()
            .await
            .expect("the checks run");
        let failed = checks
            .iter()
            .filter(|check| !check.ok && check.name != "clock_shift");
        let failed: Vec<_> = failed.collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}

/// The one letter of this run.
pub async fn letter(bench: &Bench, run: RunId) -> Letter {
    let letter = bench.engine.letter(run).await.expect("read");
    letter.expect("it is dead")
}
