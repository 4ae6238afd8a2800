//! Schedules: every time fires once, whoever fires it and whoever dies over it.

use crate::kit::{Bench, Working, quick_config};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use leadrail_engine::{
    CatchUp, CronError, Ctx, Engine, NewCron, NewRun, Overlap, PutCron, Registry, RunFilter,
    RunState, RunView, Workflow, WorkflowResult, fire_time, run_worker,
};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3_600);

/// Set for a process of this test's own that is a worker and nothing else.
const CHILD_URL: &str = "CRON_TEST_WORKER_URL";

/// Tells for which time it runs.
struct Tick;

impl Workflow for Tick {
    const NAME: &'static str = "tick";
    type Input = String;
    type Output = Option<DateTime<Utc>>;

    async fn run(&self, ctx: Ctx, _: String) -> WorkflowResult<Self::Output> {
        Ok(ctx.key().and_then(fire_time))
    }
}

/// Lives for a month.
struct Long;

impl Workflow for Long {
    const NAME: &'static str = "long";
    type Input = String;
    type Output = ();

    async fn run(&self, ctx: Ctx, _: String) -> WorkflowResult<()> {
        ctx.sleep(HOUR * 24 * 30).await
    }
}

fn registry() -> Registry {
    Registry::new().with(Tick).with(Long)
}

fn working(bench: &Bench) -> Working {
    Working::start(bench, registry(), quick_config())
}

fn tick(name: &str, expression: &str) -> NewCron {
    let run = NewRun::of::<Tick>(&name.to_owned()).unwrap();
    NewCron::new(name, expression, "UTC", run)
}

/// Hourly, half an hour away from now in both directions.
async fn half_past(bench: &Bench) -> String {
    let now: DateTime<Utc> = sqlx::query_scalar("select leadrail.now()")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap();
    format!("{} * * * *", (now + TimeDelta::minutes(30)).minute())
}

/// The runs of a schedule, by the time for which they are.
async fn runs_of(bench: &Bench, name: &str) -> Vec<(DateTime<Utc>, RunView)> {
    let filter = RunFilter::default();
    let runs = bench
        .engine
        .runs_after(&filter, None, 1_000)
        .await
        .unwrap()
        .runs;
    let prefix = format!("schedule:{name}:");
    let mut runs: Vec<_> = runs
        .into_iter()
        .filter(|run| run.key.as_ref().is_some_and(|key| key.starts_with(&prefix)))
        .map(|run| (fire_time(run.key.as_ref().unwrap()).unwrap(), run))
        .collect();
    runs.sort_by_key(|(time, _)| *time);
    runs
}

async fn until_runs(bench: &Bench, name: &str, wanted: usize) -> Vec<(DateTime<Utc>, RunView)> {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let runs = runs_of(bench, name).await;
        if runs.len() >= wanted {
            return runs;
        }
        let there = runs.len();
        assert!(
            Instant::now() < patience,
            "{name}: {there} runs, not {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A schedule of every second left out none and made none twice.
fn assert_every_second(name: &str, runs: &[(DateTime<Utc>, RunView)]) {
    for pair in runs.windows(2) {
        let step = pair[1].0 - pair[0].0;
        assert_eq!(step, TimeDelta::seconds(1), "{name} after {}", pair[0].0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_fire_every_time_of_twelve_schedules_once() {
    let bench = Bench::new().await;
    let workers: Vec<_> = (0..4).map(|_| working(&bench)).collect();
    let names: Vec<_> = (0..12).map(|n| format!("every-second-{n}")).collect();
    for name in &names {
        let mut cron = tick(name, "* * * * * *");
        cron.catch_up = CatchUp::All { most: 100 };
        bench.engine.put_cron(&cron).await.unwrap();
    }
    for name in &names {
        let runs = until_runs(&bench, name, 4).await;
        assert_every_second(name, &runs);
        let (time, run) = &runs[0];
        bench.until(run.id, RunState::Completed).await;
        let history = bench.engine.history(run.id).await.unwrap();
        let output = history.last().unwrap().payload.clone().unwrap()["output"].clone();
        assert_eq!(
            output,
            serde_json::to_value(time).unwrap(),
            "it reads its time"
        );
    }
    for worker in workers {
        worker.stop().await;
    }
}

/// A worker in a process of its own, killed when dropped.
struct Killable(Child);

impl Killable {
    fn start(url: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "cron::killed_workers_leave_no_time_out_and_make_none_twice",
            ])
            .env(CHILD_URL, url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn work_until_killed(url: &str) {
    let engine = Engine::connect(url).await.unwrap();
    run_worker(
        &engine,
        registry(),
        quick_config(),
        CancellationToken::new(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_leave_no_time_out_and_make_none_twice() {
    if let Ok(url) = std::env::var(CHILD_URL) {
        return work_until_killed(&url).await;
    }
    let bench = Bench::new().await;
    let mut cron = tick("mortal", "* * * * * *");
    cron.catch_up = CatchUp::All { most: 100 };
    bench.engine.put_cron(&cron).await.unwrap();
    let mut fired = 0;
    for _ in 0..3 {
        let worker = Killable::start(bench.database.url());
        fired = until_runs(&bench, "mortal", fired + 2).await.len();
        worker.kill();
    }
    let survivor = working(&bench);
    let runs = until_runs(&bench, "mortal", fired + 2).await;
    assert_every_second("mortal", &runs);
    for (_, run) in &runs {
        bench.until(run.id, RunState::Completed).await;
    }
    survivor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fire_that_breaks_half_way_leaves_nothing_and_is_made_up_for() {
    let bench = Bench::new().await;
    let cron = tick("broken", &half_past(&bench).await);
    bench.engine.put_cron(&cron).await.unwrap();
    let due = bench.engine.cron("broken").await.unwrap().unwrap().next_at;
    for statement in [
        "create sequence public.tries",
        "create function public.refuse() returns trigger language plpgsql as
         $$ begin perform nextval('public.tries'); raise exception 'not now'; end $$",
        "create trigger refuse before insert on leadrail.workflow_run execute function public.refuse()",
    ] {
        sqlx::query(statement)
            .execute(bench.engine.pool())
            .await
            .unwrap();
    }
    bench.engine.shift_clock(HOUR).await.unwrap();
    let worker = working(&bench);
    let patience = Instant::now() + Duration::from_secs(30);
    while !sqlx::query_scalar::<_, bool>("select is_called from public.tries")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap()
    {
        assert!(Instant::now() < patience, "it was never tried");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let still = bench.engine.cron("broken").await.unwrap().unwrap();
    assert_eq!((still.next_at, still.last_key), (due, None));
    sqlx::query("drop trigger refuse on leadrail.workflow_run")
        .execute(bench.engine.pool())
        .await
        .unwrap();
    let runs = until_runs(&bench, "broken", 1).await;
    worker.stop().await;
    assert_eq!((runs.len(), Some(runs[0].0)), (1, due));
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_times_are_caught_up_with_as_the_policy_says() {
    let bench = Bench::new().await;
    let expression = half_past(&bench).await;
    let policies = [
        ("skip", CatchUp::Skip),
        ("latest", CatchUp::Latest),
        ("three", CatchUp::All { most: 3 }),
        ("all", CatchUp::All { most: 1_000 }),
    ];
    for (name, catch_up) in policies {
        let mut cron = tick(name, &expression);
        cron.catch_up = catch_up;
        bench.engine.put_cron(&cron).await.unwrap();
    }
    let mut brief = tick("brief", &expression);
    (brief.catch_up, brief.window) = (CatchUp::All { most: 1_000 }, HOUR * 2);
    bench.engine.put_cron(&brief).await.unwrap();
    bench.engine.shift_clock(HOUR * 5).await.unwrap();
    let worker = working(&bench);
    for (name, wanted) in [("latest", 1), ("three", 3), ("all", 5), ("brief", 2)] {
        let runs = until_runs(&bench, name, wanted).await;
        assert_eq!(runs.len(), wanted, "{name}");
        let last = runs.last().unwrap().0;
        let next = bench
            .engine
            .cron(name)
            .await
            .unwrap()
            .unwrap()
            .next_at
            .unwrap();
        assert_eq!(next - last, TimeDelta::hours(1), "{name}: the newest ones");
    }
    // Everything was due at once, and its next time says that `skip` was dealt with too.
    until_next_is_ahead(&bench, "skip").await;
    assert!(runs_of(&bench, "skip").await.is_empty());
    bench.engine.shift_clock(HOUR / 2).await.unwrap();
    until_runs(&bench, "skip", 1).await;
    worker.stop().await;
}

async fn until_next_is_ahead(bench: &Bench, name: &str) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !sqlx::query_scalar::<_, bool>(
        "select next_at > leadrail.now() from leadrail.cron where name = $1",
    )
    .bind(name)
    .fetch_one(bench.engine.pool())
    .await
    .unwrap()
    {
        assert!(Instant::now() < patience, "{name} does not move on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_schedule_fires_nothing_and_goes_on_with_its_next_time() {
    let bench = Bench::new().await;
    let expression = half_past(&bench).await;
    let engine = &bench.engine;
    for name in ["paused", "beside"] {
        engine.put_cron(&tick(name, &expression)).await.unwrap();
    }
    assert!(engine.pause_cron("paused").await.unwrap());
    assert!(!engine.pause_cron("paused").await.unwrap());
    let worker = working(&bench);
    engine.shift_clock(HOUR).await.unwrap();
    until_runs(&bench, "beside", 1).await;
    let replaced = engine.put_cron(&tick("paused", "0 0 * * *")).await.unwrap();
    assert_eq!(replaced, PutCron::Replaced);
    assert_eq!(
        engine.cron("paused").await.unwrap().unwrap().next_at,
        None,
        "a put wakes nothing"
    );
    engine.put_cron(&tick("paused", &expression)).await.unwrap();
    assert!(runs_of(&bench, "paused").await.is_empty());
    assert!(engine.resume_cron("paused").await.unwrap());
    assert!(!engine.resume_cron("paused").await.unwrap());
    engine.shift_clock(HOUR).await.unwrap();
    until_runs(&bench, "beside", 2).await;
    let runs = until_runs(&bench, "paused", 1).await;
    worker.stop().await;
    assert_eq!(runs.len(), 1, "what passed in the pause is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_a_due_schedule_fires_what_the_new_one_says() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let expression = half_past(&bench).await;
    for name in ["same-times", "other-times"] {
        engine.put_cron(&tick(name, &expression)).await.unwrap();
    }
    engine.shift_clock(HOUR).await.unwrap();
    let mut same = tick("same-times", &expression);
    same.run.input = "\"new\"".to_owned();
    assert_eq!(engine.put_cron(&same).await.unwrap(), PutCron::Replaced);
    assert_eq!(engine.put_cron(&same).await.unwrap(), PutCron::Unchanged);
    let other = tick(
        "other-times",
        &format!("{expression} ").replace("* * * *", "*/1 * * *"),
    );
    assert_eq!(engine.put_cron(&other).await.unwrap(), PutCron::Replaced);
    let worker = working(&bench);
    let runs = until_runs(&bench, "same-times", 1).await;
    assert_eq!(runs.len(), 1);
    let fired = engine.run(runs[0].1.id).await.unwrap().unwrap();
    assert_eq!(fired.input, "new");
    assert!(
        runs_of(&bench, "other-times").await.is_empty(),
        "its times count from the put"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_skips_overlaps_starts_nothing_while_its_run_lives() {
    let bench = Bench::new().await;
    let expression = half_past(&bench).await;
    for (name, overlap) in [("alone", Overlap::Skip), ("together", Overlap::Start)] {
        let run = NewRun::of::<Long>(&name.to_owned()).unwrap();
        let mut cron = NewCron::new(name, &expression, "UTC", run);
        (cron.overlap, cron.catch_up) = (overlap, CatchUp::All { most: 9 });
        bench.engine.put_cron(&cron).await.unwrap();
    }
    let worker = working(&bench);
    bench.engine.shift_clock(HOUR * 2).await.unwrap();
    until_runs(&bench, "together", 2).await;
    let alone = until_runs(&bench, "alone", 1).await;
    bench.until(alone[0].1.id, RunState::Waiting).await;
    bench.engine.shift_clock(HOUR).await.unwrap();
    until_runs(&bench, "together", 3).await;
    until_next_is_ahead(&bench, "alone").await;
    assert_eq!(runs_of(&bench, "alone").await.len(), 1);
    bench.engine.cancel(alone[0].1.id, "enough").await.unwrap();
    bench.until(alone[0].1.id, RunState::Cancelled).await;
    bench.engine.shift_clock(HOUR).await.unwrap();
    assert_eq!(until_runs(&bench, "alone", 2).await.len(), 2);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_can_be_listed_triggered_and_deleted_by_its_name() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    for name in ["b", "a"] {
        let put = engine.put_cron(&tick(name, "0 0 1 1 *")).await.unwrap();
        assert_eq!(put, PutCron::Created);
    }
    engine.pause_cron("b").await.unwrap();
    let crons = engine.crons().await.unwrap();
    let names: Vec<_> = crons.iter().map(|cron| cron.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let triggered = engine.trigger_cron("b").await.unwrap();
    let again = engine.trigger_cron("b").await.unwrap();
    assert_ne!(triggered, again);
    let worker = working(&bench);
    bench.until(triggered, RunState::Completed).await;
    bench.until(again, RunState::Completed).await;
    worker.stop().await;
    assert!(engine.delete_cron("b").await.unwrap());
    assert!(!engine.delete_cron("b").await.unwrap());
    assert!(engine.cron("b").await.unwrap().is_none());
    let unknown = engine.trigger_cron("b").await.unwrap_err();
    assert!(matches!(unknown, CronError::Unknown(name) if name == "b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_were_passed_over_count_as_passed() {
    let bench = Bench::new().await;
    let expression = half_past(&bench).await;
    let mut cron = tick("skipped", &expression);
    cron.catch_up = CatchUp::Skip;
    bench.engine.put_cron(&cron).await.unwrap();
    bench.engine.shift_clock(HOUR * 5).await.unwrap();
    let worker = working(&bench);
    until_next_is_ahead(&bench, "skipped").await;
    worker.stop().await;
    let skipped = bench.engine.cron("skipped").await.unwrap().unwrap();
    let passed = skipped.next_at.unwrap() - skipped.last_at.unwrap();
    assert_eq!(passed, TimeDelta::hours(1), "the last of the five");
}

/// Put by a build that knows more time zones than this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_cannot_be_read_holds_up_no_other() {
    let bench = Bench::new().await;
    for name in ["readable", "unreadable"] {
        let cron = tick(name, "* * * * * *");
        bench.engine.put_cron(&cron).await.unwrap();
    }
    sqlx::query(
        "update leadrail.cron set zone = 'Europe/Atlantis', next_at = leadrail.now() - interval '1 hour'
         where name = 'unreadable'",
    )
    .execute(bench.engine.pool())
    .await
    .unwrap();
    let worker = working(&bench);
    until_runs(&bench, "readable", 3).await;
    assert!(runs_of(&bench, "unreadable").await.is_empty());
    bench
        .engine
        .put_cron(&tick("unreadable", "* * * * * *"))
        .await
        .unwrap();
    until_runs(&bench, "unreadable", 1).await;
    worker.stop().await;
}

/// Makes one thing about a schedule wrong.
type Spoil = fn(&mut NewCron);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_and_nothing_is_stored() {
    let bench = Bench::new().await;
    let good = || tick("x", "0 0 * * *");
    let wrong: [(&str, Spoil); 11] = [
        ("never fires", |cron| {
            cron.expression = "0 0 31 2 *".to_owned()
        }),
        ("fields", |cron| cron.expression = "0 0".to_owned()),
        ("cannot be read", |cron| {
            cron.expression = "99 0 * * *".to_owned()
        }),
        ("IANA", |cron| cron.zone = "Europe/Atlantis".to_owned()),
        ("name", |cron| cron.name = "x".repeat(201)),
        ("name", |cron| cron.name = "a\0b".to_owned()),
        ("priority", |cron| cron.run.priority = 10),
        ("bytes", |cron| {
            cron.run.input = format!("\"{}\"", "x".repeat(1 << 20))
        }),
        ("no JSON", |cron| cron.run.input = "{".to_owned()),
        ("window", |cron| cron.window = HOUR * 24 * 32),
        ("missed times", |cron| {
            cron.catch_up = CatchUp::All { most: 1_001 }
        }),
    ];
    for (says, spoil) in wrong {
        let mut cron = good();
        spoil(&mut cron);
        let error = bench.engine.put_cron(&cron).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(bench.engine.crons().await.unwrap().is_empty());
}
