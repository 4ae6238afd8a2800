//! Timers and side values: both survive restarts as they were.

use crate::kit::{Bench, Working, quick_config};
use chrono::{DateTime, Utc};
use leadrail_engine::{
    Activity, ActivityError, ActivityResult, Attempt, Ctx, HistoryKind, NewRun, Registry, RunState,
    Workflow, WorkflowResult,
};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use uuid::Uuid;

struct FailsOnce(AtomicU32);

impl Activity for FailsOnce {
    const NAME: &'static str = "fails_once";
    type Input = ();
    type Output = ();

    async fn run(&self, _: &Attempt, (): &()) -> ActivityResult<()> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Err(ActivityError::not_done("first", "the first try fails")),
            _ => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Seen {
    now: DateTime<Utc>,
    random: u64,
    ids: [Uuid; 2],
}

/// Takes side values, sleeps, fails once, and tells what it saw on its last pass.
struct Sleeper(FailsOnce);

impl Workflow for Sleeper {
    const NAME: &'static str = "sleeper";
    type Input = u64;
    type Output = Seen;

    async fn run(&self, ctx: Ctx, seconds: u64) -> WorkflowResult<Seen> {
        let seen = Seen {
            now: ctx.now()?,
            random: ctx.random()?,
            ids: [ctx.uuid()?, ctx.uuid()?],
        };
        ctx.sleep(Duration::from_secs(seconds)).await?;
        ctx.activity(&self.0, &()).await?;
        ctx.sleep(Duration::ZERO).await?;
        Ok(seen)
    }
}

fn sleeper() -> Registry {
    Registry::new().with(Sleeper(FailsOnce(AtomicU32::new(0))))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeping_run_wakes_at_its_time_however_often_its_worker_changes() {
    let bench = Bench::new().await;
    let run = NewRun::of::<Sleeper>(&3_600).unwrap();
    let run = bench.engine.enqueue(&[run]).await.unwrap()[0].run_id;
    let first = Working::start(&bench, sleeper(), quick_config());
    let asleep = bench.until(run, RunState::Waiting).await;
    first.stop().await;
    let due = asleep.due_at.unwrap();
    let wait = (due - asleep.changed_at).num_milliseconds();
    assert!((3_599_000..=3_600_100).contains(&wait), "{wait} ms");
    assert_eq!(asleep.reason.as_deref(), Some("timer"));

    // Made due early by somebody else: it goes back to sleep until the same time.
    let second = Working::start(&bench, sleeper(), quick_config());
    sqlx::query(
        "update leadrail.workflow_run set state = 'queued', due_at = leadrail.now() where id = $1",
    )
    .bind(run)
    .execute(bench.engine.pool())
    .await
    .unwrap();
    let again = bench
        .until_that(
            run,
            |view| view.starts == 2 && view.state == RunState::Waiting,
            "asleep",
        )
        .await;
    let drift = (again.due_at.unwrap() - due).num_milliseconds().abs();
    assert!(drift <= 200, "it sleeps {drift} ms longer or shorter");
    bench.pass(3_601).await;
    bench.pass_first_retry(run).await;
    bench.until(run, RunState::Completed).await;
    second.stop().await;
    let timers = bench
        .kinds(run)
        .await
        .into_iter()
        .filter(|kind| *kind == HistoryKind::TimerStarted);
    assert_eq!(timers.count(), 2, "each timer is started once");
}

#[tokio::test(flavor = "multi_thread")]
async fn side_values_are_the_same_on_every_pass() {
    let bench = Bench::new().await;
    let run = NewRun::of::<Sleeper>(&0).unwrap();
    let run = bench.engine.enqueue(&[run]).await.unwrap()[0].run_id;
    let worker = Working::start(&bench, sleeper(), quick_config());
    bench.pass_first_retry(run).await;
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    let history = bench.engine.history(run).await.unwrap();
    let kept: Vec<_> = history
        .iter()
        .filter(|event| event.kind == HistoryKind::SideValue)
        .map(|event| event.payload.clone().unwrap()["value"].clone())
        .collect();
    let output = history.last().unwrap().payload.clone().unwrap()["output"].clone();
    let seen: Seen = serde_json::from_value(output).unwrap();
    assert_eq!(kept.len(), 4, "recorded on the first pass only");
    assert_eq!(kept[1], serde_json::json!(seen.random));
    assert_eq!(kept[2], serde_json::json!(seen.ids[0]));
    assert_ne!(seen.ids[0], seen.ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_without_end_is_a_sleep_and_not_a_failure() {
    let bench = Bench::new().await;
    let run = NewRun::of::<Sleeper>(&u64::MAX).unwrap();
    let run = bench.engine.enqueue(&[run]).await.unwrap()[0].run_id;
    let worker = Working::start(&bench, sleeper(), quick_config());
    let asleep = bench.until(run, RunState::Waiting).await;
    worker.stop().await;
    assert_eq!(asleep.due_at.unwrap().format("%Y").to_string(), "9999");
}
