//! Lanes: equal shares, pauses, limits that hold over all workers.

use crate::kit::{Act, Bench, Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Budget, Ctx, FailureKind, LaneLimits, NewRun, Registry,
    RunState, WorkerConfig, Workflow, WorkflowResult,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Runs of one step each in this lane.
async fn enqueue(bench: &Bench, lane: &str, priority: i16, runs: usize) {
    let new = NewRun {
        lane: lane.to_owned(),
        priority,
        ..NewRun::of::<Story>(&vec![lane.to_owned()]).unwrap()
    };
    let many = vec![new; runs];
    for some in many.chunks(1_000) {
        bench.engine.enqueue(some).await.unwrap();
    }
}

/// What one claim of so many takes from each lane.
async fn claim(bench: &Bench, want: i32) -> HashMap<String, usize> {
    let lanes: Vec<String> = sqlx::query_scalar(
        "select lane from leadrail.claim_runs(gen_random_uuid(), $1, array['story']) where run_id is not null",
    )
    .bind(want)
    .fetch_all(bench.engine.pool())
    .await
    .unwrap();
    let mut taken = HashMap::new();
    for lane in lanes {
        *taken.entry(lane).or_default() += 1;
    }
    taken
}

#[tokio::test]
async fn a_flood_leaves_small_lanes_their_share_of_every_claim() {
    let bench = Bench::new().await;
    enqueue(&bench, "flood", 2, 5_000).await;
    for small in 0..20 {
        enqueue(&bench, &format!("small-{small}"), 2, 5).await;
    }
    let taken = claim(&bench, 256).await;
    for small in 0..20 {
        assert_eq!(taken[&format!("small-{small}")], 5, "{taken:?}");
    }
    assert_eq!(
        taken["flood"], 156,
        "what the small leave goes to the flood"
    );
}

#[tokio::test]
async fn an_emergency_goes_before_any_backlog_of_any_lane() {
    let bench = Bench::new().await;
    enqueue(&bench, "flood", 2, 5_000).await;
    enqueue(&bench, "other", 0, 1).await;
    enqueue(&bench, "flood", 0, 1).await;
    let taken = claim(&bench, 2).await;
    assert_eq!(
        taken,
        HashMap::from([("flood".to_owned(), 1), ("other".to_owned(), 1)])
    );
}

#[tokio::test]
async fn interrupted_runs_go_on_before_any_lane_has_its_turn() {
    let bench = Bench::new().await;
    for lane in ["first", "second"] {
        enqueue(&bench, lane, 2, 1).await;
    }
    assert_eq!(claim(&bench, 2).await.len(), 2);
    for lane in 0..100 {
        enqueue(&bench, &format!("waiting-{lane}"), 2, 3).await;
    }
    for lane in ["first", "second"] {
        enqueue(&bench, lane, 2, 3).await;
    }
    let lost: i32 = sqlx::query_scalar(
        "select leadrail.requeue(array(
             select id from leadrail.workflow_run where state = 'running'), 'run_lost')",
    )
    .fetch_one(bench.engine.pool())
    .await
    .unwrap();
    assert_eq!(lost, 2);
    let both = HashMap::from([("first".to_owned(), 1), ("second".to_owned(), 1)]);
    assert_eq!(claim(&bench, 2).await, both);
}

#[tokio::test]
async fn a_paused_lane_stays_queued_and_lets_the_others_by() {
    let bench = Bench::new().await;
    let world = World::new();
    assert!(bench.engine.pause_lane("stopped").await.unwrap());
    assert!(!bench.engine.pause_lane("stopped").await.unwrap());
    enqueue(&bench, "stopped", 0, 50).await;
    enqueue(&bench, "free", 2, 50).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until_completed(50).await;
    assert_eq!((world.effects("free"), world.effects("stopped")), (50, 0));
    let lanes = bench.engine.lanes().await.unwrap();
    let stopped = lanes.iter().find(|lane| lane.lane == "stopped").unwrap();
    assert!(
        stopped.paused_at.is_some() && stopped.queued == 50,
        "{stopped:?}"
    );
    assert!(bench.engine.resume_lane("stopped").await.unwrap());
    assert!(!bench.engine.resume_lane("stopped").await.unwrap());
    bench.until_completed(100).await;
    worker.stop().await;
}

/// Counts how many of it run at the same time.
struct Counted {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    order: Arc<Mutex<Vec<String>>>,
}

impl Activity for Counted {
    const NAME: &'static str = "counted";
    type Input = String;
    type Output = ();

    async fn run(&self, _: &Attempt, lane: &String) -> ActivityResult<()> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.order.lock().unwrap().push(lane.clone());
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_runs_of_a_lane_than_its_limit_run_at_a_time_over_all_workers() {
    let bench = Bench::new().await;
    let limits = LaneLimits {
        max_running: Some(3),
        ..LaneLimits::default()
    };
    bench.engine.limit_lane("narrow", &limits).await.unwrap();
    let (now, most, order) = (Arc::default(), Arc::default(), Arc::default());
    let counted = Arc::new(Counted {
        now,
        most: Arc::clone(&most),
        order,
    });
    let registry = Registry::new().with(crate::kit::told(move |ctx, input| {
        let counted = counted.clone();
        async move {
            ctx.activity(&*counted, &input.to_string()).await?;
            Ok(Value::Null)
        }
    }));
    let new = NewRun {
        workflow: "told".to_owned(),
        lane: "narrow".to_owned(),
        ..NewRun::of::<Story>(&vec![]).unwrap()
    };
    bench.engine.enqueue(&vec![new; 60]).await.unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| Working::start(&bench, registry.clone(), quick_config()))
        .collect();
    bench.until_completed(60).await;
    assert_eq!(
        most.load(Ordering::SeqCst),
        3,
        "the limit is used and never passed"
    );
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test]
async fn a_rate_lets_a_burst_by_and_then_one_a_gap() {
    let bench = Bench::new().await;
    let limits = LaneLimits {
        gap: Some(Duration::from_secs(6)),
        burst: 4,
        ..LaneLimits::default()
    };
    bench.engine.limit_lane("paced", &limits).await.unwrap();
    enqueue(&bench, "paced", 2, 100).await;
    let took = |taken: HashMap<String, usize>| taken.get("paced").copied().unwrap_or(0);
    assert_eq!(took(claim(&bench, 50).await), 4);
    assert_eq!(took(claim(&bench, 50).await), 0);
    bench.pass(7).await;
    assert_eq!(took(claim(&bench, 50).await), 1);
    bench.pass(60).await;
    assert_eq!(
        took(claim(&bench, 50).await),
        4,
        "a quiet time saves up one burst and no more"
    );
    bench
        .engine
        .limit_lane("paced", &LaneLimits::default())
        .await
        .unwrap();
    assert_eq!(took(claim(&bench, 50).await), 50);
}

#[tokio::test]
async fn a_lane_whose_limits_are_taken_away_is_forgotten_unless_it_is_stopped() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let limits = LaneLimits {
        max_running: Some(3),
        ..LaneLimits::default()
    };
    for lane in ["free", "stopped"] {
        engine.limit_lane(lane, &limits).await.unwrap();
    }
    assert!(engine.pause_lane("stopped").await.unwrap());
    assert_eq!(engine.lanes().await.unwrap().len(), 2);
    for lane in ["free", "stopped"] {
        engine
            .limit_lane(lane, &LaneLimits::default())
            .await
            .unwrap();
    }
    let left = engine.lanes().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].lane.as_str(), left[0].max_running),
        ("stopped", None)
    );
    assert!(left[0].paused_at.is_some());
}

#[tokio::test]
async fn only_a_limit_of_runs_keeps_count_of_them_and_it_counts_those_that_run_already() {
    let bench = Bench::new().await;
    let paced = LaneLimits {
        gap: Some(Duration::from_millis(1)),
        burst: 100,
        ..LaneLimits::default()
    };
    bench.engine.limit_lane("narrow", &paced).await.unwrap();
    enqueue(&bench, "narrow", 2, 20).await;
    let worker = uuid_of_a_worker(&bench).await;
    assert_eq!(claim_as(&bench, worker, 4).await, 4);
    assert_eq!(places(&bench).await, 0, "nobody asks for them");
    let narrow = LaneLimits {
        max_running: Some(5),
        ..LaneLimits::default()
    };
    bench.engine.limit_lane("narrow", &narrow).await.unwrap();
    assert_eq!(places(&bench).await, 4);
    assert_eq!(claim_as(&bench, worker, 50).await, 1);
    bench.engine.limit_lane("narrow", &paced).await.unwrap();
    assert_eq!(places(&bench).await, 0);
}

async fn places(bench: &Bench) -> i64 {
    sqlx::query_scalar("select count(*) from leadrail.lane_slot")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap()
}

/// How many runs one claim takes for this worker.
async fn claim_as(bench: &Bench, worker: uuid::Uuid, want: i32) -> i64 {
    sqlx::query_scalar("select count(run_id) from leadrail.claim_runs($1, $2, array['story'])")
        .bind(worker)
        .bind(want)
        .fetch_one(bench.engine.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_places_of_a_dead_worker_are_free_after_its_takeover() {
    let bench = Bench::new().await;
    let limits = LaneLimits {
        max_running: Some(5),
        ..LaneLimits::default()
    };
    bench.engine.limit_lane("narrow", &limits).await.unwrap();
    enqueue(&bench, "narrow", 2, 20).await;
    let dead = uuid_of_a_worker(&bench).await;
    assert_eq!(claim_as(&bench, dead, 50).await, 5);
    assert_eq!(claim(&bench, 50).await, HashMap::new());
    bench.pass(60).await;
    let freed: i32 = sqlx::query_scalar("select leadrail.take_over(array[$1])")
        .bind(dead)
        .fetch_one(bench.engine.pool())
        .await
        .unwrap();
    assert_eq!(freed, 5);
    assert_eq!(claim(&bench, 50).await["narrow"], 5);
}

/// A worker whose session is gone as soon as it is registered.
async fn uuid_of_a_worker(bench: &Bench) -> uuid::Uuid {
    let mut session = bench.engine.pool().acquire().await.unwrap();
    let id = sqlx::query_scalar(
        "select leadrail.register_worker('dead', 1, 'test', interval '15 seconds')",
    )
    .fetch_one(&mut *session)
    .await
    .unwrap();
    session.close().await.unwrap();
    id
}

#[tokio::test]
async fn a_throttled_answer_holds_the_whole_lane_and_no_other() {
    let bench = Bench::new().await;
    let world = World::new();
    let after = Some(Duration::from_secs(600));
    world.script(
        "busy",
        &[Act::Fail(FailureKind::Throttled { after }, "http_429")],
    );
    enqueue(&bench, "busy", 2, 1).await;
    let config = WorkerConfig {
        concurrency: 1,
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    let run = bench.engine.lanes().await.unwrap();
    assert_eq!(run.len(), 1);
    let held = loop {
        let lanes = bench.engine.lanes().await.unwrap();
        if let Some(held) = lanes[0].held_until {
            break held;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    enqueue(&bench, "busy", 0, 10).await;
    enqueue(&bench, "calm", 2, 10).await;
    bench.until_completed(10).await;
    assert_eq!((world.effects("busy"), world.effects("calm")), (0, 10));
    assert!(held > bench_now(&bench).await);
    bench.pass(900).await;
    bench.until_completed(21).await;
    worker.stop().await;
}

/// Says after each call how many calls are left.
struct Budgeted(Arc<AtomicUsize>);

impl Activity for Budgeted {
    const NAME: &'static str = "budgeted";
    type Input = ();
    type Output = ();

    async fn run(&self, attempt: &Attempt, (): &()) -> ActivityResult<()> {
        let before = self.0.fetch_sub(1, Ordering::SeqCst);
        attempt.report_budget(Budget {
            left: u32::try_from(before - 1).unwrap(),
            resets_in: Duration::from_secs(600),
        });
        Ok(())
    }
}

struct Counting(Budgeted);

impl Workflow for Counting {
    const NAME: &'static str = "counting";
    type Input = ();
    type Output = ();

    async fn run(&self, ctx: Ctx, (): ()) -> WorkflowResult<()> {
        ctx.activity(&self.0, &()).await
    }
}

#[tokio::test]
async fn a_lane_starts_no_more_runs_than_the_other_side_has_calls_left() {
    let bench = Bench::new().await;
    let left = Arc::new(AtomicUsize::new(7));
    let run = |lane: &str| NewRun {
        lane: lane.to_owned(),
        ..NewRun::of::<Counting>(&()).unwrap()
    };
    bench.engine.enqueue(&[run("scarce")]).await.unwrap();
    let registry = Registry::new().with(Counting(Budgeted(left.clone())));
    let worker = Working::start(&bench, registry, quick_config());
    bench.until_completed(1).await;
    let many = vec![run("scarce"); 20];
    bench.engine.enqueue(&many).await.unwrap();
    bench.until_completed(7).await;
    let lanes = bench.engine.lanes().await.unwrap();
    assert_eq!((lanes[0].budget_left, lanes[0].queued), (Some(0), 14));
    assert_eq!(left.load(Ordering::SeqCst), 0, "nobody called in vain");

    left.store(1_000, Ordering::SeqCst);
    bench.pass(600).await;
    bench.until_completed(21).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_lane_whose_budget_is_spent_goes_on_when_a_person_says_so() {
    let bench = Bench::new().await;
    sqlx::query("select leadrail.budget_lane('spent', 2, 600000)")
        .execute(bench.engine.pool())
        .await
        .unwrap();
    enqueue(&bench, "spent", 2, 5).await;
    enqueue(&bench, "rich", 2, 5).await;
    let taken = claim(&bench, 50).await;
    assert_eq!((taken["spent"], taken["rich"]), (2, 5));
    assert_eq!(claim(&bench, 50).await, HashMap::new());
    assert!(bench.engine.resume_lane("spent").await.unwrap());
    assert_eq!(claim(&bench, 50).await["spent"], 3);
}

async fn bench_now(bench: &Bench) -> chrono::DateTime<chrono::Utc> {
    sqlx::query_scalar("select leadrail.now()")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn names_and_limits_that_make_no_sense_are_refused() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    assert!(engine.pause_lane("").await.is_err());
    assert!(engine.pause_lane(&"x".repeat(501)).await.is_err());
    let none_at_all = LaneLimits {
        max_running: Some(0),
        ..LaneLimits::default()
    };
    assert!(engine.limit_lane("a", &none_at_all).await.is_err());
    let at_once = LaneLimits {
        gap: Some(Duration::ZERO),
        ..LaneLimits::default()
    };
    assert!(engine.limit_lane("a", &at_once).await.is_err());
    assert!(
        engine
            .pause_lane("'; drop table leadrail.lane; --")
            .await
            .unwrap()
    );
    assert_eq!(engine.lanes().await.unwrap().len(), 1);
    assert_eq!(json!(engine.lanes().await.unwrap()[0].queued), json!(0));
    assert_eq!(
        bench
            .until(bench.enqueue(&["x"]).await, RunState::Queued)
            .await
            .lane,
        ""
    );
}
