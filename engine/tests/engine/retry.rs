//! Failures: the exact waits of the schedule, resuming where it stopped, and the end of patience.

use crate::kit::{Act, Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{ActivityOptions, FailureKind, HistoryKind, RetrySchedule, RunState};
use std::time::Duration;

const DOWN: Act = Act::Fail(FailureKind::NotDone, "http_503");

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stays_down_gets_six_attempts_at_the_schedules_waits_and_then_the_run_is_dead()
 {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("create", &[DOWN, DOWN, DOWN, DOWN, DOWN, DOWN]);
    let run = bench.enqueue(&["look", "create"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());

    for (failures, wait) in RetrySchedule::default().waits().iter().enumerate() {
        let parked = |view: &leadrail_engine::RunView| {
            view.state == RunState::Retrying
                && view.attempt == Some(i16::try_from(failures).unwrap() + 1)
        };
        let view = bench.until_that(run, parked, "retrying").await;
        let in_database = (view.due_at.unwrap() - view.changed_at).to_std().unwrap();
        assert!(
            in_database >= wait.delay - wait.jitter && in_database <= wait.delay + wait.jitter,
            "after failure {} the wait is {in_database:?}, not {wait}",
            failures + 1
        );
        bench
            .engine
            .shift_clock(wait.delay + wait.jitter + Duration::from_secs(1))
            .await
            .unwrap();
    }
    let dead = bench.until(run, RunState::Dead).await;
    worker.stop().await;

    assert_eq!(dead.reason.as_deref(), Some("http_503"));
    assert_eq!(
        world.executions("look"),
        1,
        "the activity that had completed is not run again"
    );
    assert_eq!(world.executions("create"), 6);
    let evidence: Vec<_> = bench
        .engine
        .history(run)
        .await
        .unwrap()
        .into_iter()
        .filter(|event| event.kind == HistoryKind::ActivityFailed)
        .map(|event| {
            (
                event.attempt,
                event.payload.unwrap()["evidence"][0]["step"].clone(),
            )
        })
        .collect();
    let expected: Vec<_> = (1..=6)
        .map(|n| (Some(n), serde_json::json!("create")))
        .collect();
    assert_eq!(evidence, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_resumes_at_the_activity_that_failed() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("b", &[DOWN]);
    let run = bench.enqueue(&["a", "b", "c"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.pass_first_retry(run).await;
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    assert_eq!(*world.executed.lock().unwrap(), ["a", "b", "b", "c"]);
    assert_eq!(*world.books.lock().unwrap(), ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_dead_at_once_and_listed_as_a_dead_letter() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("create", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    let run = bench.enqueue(&["create", "never"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until(run, RunState::Dead).await;
    worker.stop().await;
    let reason: String =
        sqlx::query_scalar("select reason from leadrail.dead_letter where run_id = $1")
            .bind(run)
            .fetch_one(bench.engine.pool())
            .await
            .unwrap();
    assert_eq!(reason, "http_422");
    assert_eq!(world.executions("never"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_asked_for_is_kept_and_uses_up_no_attempt() {
    let bench = Bench::new().await;
    let world = World::new();
    let busy = Act::Fail(
        FailureKind::Throttled {
            after: Some(Duration::from_secs(90)),
        },
        "http_429",
    );
    world.script("create", &[busy.clone(), busy, DOWN]);
    let run = bench.enqueue(&["create"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    for starts in 1..=2 {
        let parked = |view: &leadrail_engine::RunView| {
            view.state == RunState::Retrying && view.starts == starts
        };
        let view = bench.until_that(run, parked, "pausing").await;
        let wait = (view.due_at.unwrap() - view.changed_at).num_seconds();
        assert!((90..=101).contains(&wait), "{wait}");
        assert_eq!(view.attempt, Some(1), "still the first attempt");
        bench.pass(102).await;
    }
    bench
        .until_that(
            run,
            |view| view.reason.as_deref() == Some("http_503"),
            "retrying",
        )
        .await;
    bench.pass(41).await;
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_a_hang_are_failures_like_any_other() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("a", &[Act::Panic]);
    world.script("b", &[Act::Hang]);
    let run = bench.enqueue(&["a", "b"]).await;
    let impatient = ActivityOptions {
        timeout: Duration::from_millis(300),
        ..quick()
    };
    let worker = Working::start(&bench, registry(&world, impatient), quick_config());
    for reason in ["panic", "timeout"] {
        bench
            .until_that(run, |view| view.reason.as_deref() == Some(reason), reason)
            .await;
        bench.pass(200).await;
    }
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_run_waits_for_its_gate_and_goes_on_when_it_opens() {
    let bench = Bench::new().await;
    let world = World::new();
    let closed = Act::Fail(FailureKind::Blocked { gate: "crm".into() }, "needs_reauth");
    world.script("a", &[closed]);
    let run = bench.enqueue(&["a"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    let view = bench.until(run, RunState::Waiting).await;
    assert_eq!(view.reason.as_deref(), Some("needs_reauth"));
    assert_eq!(
        bench
            .engine
            .open_gate("another", Duration::ZERO)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        bench.engine.open_gate("crm", Duration::ZERO).await.unwrap(),
        1
    );
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_that_are_opened_together_share_one_pace() {
    let bench = Bench::new().await;
    let world = World::new();
    let mut runs = Vec::new();
    for (step, gate) in [("a", "north"), ("b", "south"), ("c", "north")] {
        let gate = gate.to_owned();
        world.script(step, &[Act::Fail(FailureKind::Blocked { gate }, "closed")]);
        runs.push(bench.enqueue(&[step]).await);
    }
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    for run in &runs {
        bench.until(*run, RunState::Waiting).await;
    }
    worker.stop().await;
    let gates = ["north".to_owned(), "south".to_owned()];
    let apart = Duration::from_secs(6);
    assert_eq!(bench.engine.open_gates(&gates, apart).await.unwrap(), 3);
    let mut due = Vec::new();
    for run in runs {
        due.push(bench.until(run, RunState::Queued).await.due_at.unwrap());
    }
    due.sort_unstable();
    let waits: Vec<i64> = due
        .windows(2)
        // Each row asks the clock anew, so the waits differ by what the statement took.
        .map(|pair| ((pair[1] - pair[0]).num_milliseconds() + 500) / 1_000)
        .collect();
    assert_eq!(waits, [6, 6]);
    assert_eq!(bench.engine.open_gates(&[], apart).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_urgent_run_goes_first() {
    let bench = Bench::new().await;
    let world = World::new();
    let mut runs = Vec::new();
    for (step, priority) in [("late", 5), ("soon", 2), ("now", 0)] {
        let mut run =
            leadrail_engine::NewRun::of::<crate::kit::Story>(&vec![step.to_owned()]).unwrap();
        run.priority = priority;
        runs.push(bench.engine.enqueue(&[run]).await.unwrap()[0].run_id);
    }
    let config = leadrail_engine::WorkerConfig {
        concurrency: 1,
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    for run in runs {
        bench.until(run, RunState::Completed).await;
    }
    worker.stop().await;
    assert_eq!(*world.books.lock().unwrap(), ["now", "soon", "late"]);
}
