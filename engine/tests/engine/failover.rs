//! Several hosts: the one that takes writes is used, and a promoted standby takes its place.

use crate::kit::{Act, Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{DatabaseHosts, Engine, NewRun, RunId, RunState};
use leadrail_postgres::{Options, PrivateServer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A primary and a standby that streams from it.
struct Pair {
    primary: PrivateServer,
    standby: PrivateServer,
}

impl Pair {
    async fn start() -> Self {
        let primary = PrivateServer::start(Options::default()).await;
        let primary = primary.expect("a primary");
        primary.create_database("leadrail").await.expect("create");
        let engine = Engine::connect(&primary.url("leadrail")).await;
        engine.expect("connect").migrate().await.expect("migrate");
        let standby = primary.standby(&[]).await.expect("a standby");
        Self { primary, standby }
    }

    /// Both hosts, the standby first.
    fn url(&self) -> String {
        let own = format!("127.0.0.1:{}", self.primary.port());
        let both = format!("127.0.0.1:{},{own}", self.standby.port());
        self.primary.url("leadrail").replace(&own, &both)
    }

    /// Waits until the standby has replayed all that the primary has committed.
    async fn in_step(&self) {
        let in_step = self.standby.is_in_step_with(&self.primary).await;
        assert!(in_step.expect("both answer"), "it lags");
    }

    /// The primary dies and the standby takes its place.
    async fn fail_over(&self) {
        self.primary.kill().await.expect("killed");
        self.standby.promote().await.expect("promoted");
    }
}

/// Enqueues as soon as a database takes it.
async fn enqueue(engine: &Engine, key: &str, steps: &[&str]) -> RunId {
    let steps = steps.iter().map(|&step| step.to_owned()).collect();
    let run = NewRun::of::<Story>(&steps).expect("input");
    let run = [run.keyed("acme", key)];
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        match engine.enqueue(&run).await {
            Ok(answers) => return answers[0].run_id,
            Err(error) if tokio::time::Instant::now() > patience => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn until_executed(world: &World, step: &str) {
    let executed = async {
        while world.executions(step) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let executed = tokio::time::timeout(Duration::from_secs(30), executed).await;
    executed.unwrap_or_else(|_| panic!("{step} is not executed"));
}

async fn until(engine: &Engine, run: RunId, state: RunState) {
    let reached = async {
        loop {
            let view = engine.run(run).await.ok().flatten();
            if view.is_some_and(|view| view.state == state) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    reached.unwrap_or_else(|_| panic!("{run} is not {state:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writable_host_is_used_and_a_promoted_one_is_followed() {
    let pair = Pair::start().await;
    let engine = Engine::connect(&pair.url()).await.expect("connect");
    let worker = Working::of(&engine, registry(&World::new(), quick()), quick_config());
    let before = enqueue(&engine, "before", &["a"]).await;
    until(&engine, before, RunState::Completed).await;
    pair.in_step().await;

    pair.fail_over().await;
    let after = enqueue(&engine, "after", &["b"]).await;
    until(&engine, after, RunState::Completed).await;
    until(&engine, before, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_commits_doubles_nothing_outside() {
    let pair = Pair::start().await;
    let engine = Engine::connect(&pair.url()).await.expect("connect");
    let world = World::new();
    let worker = Working::of(&engine, registry(&world, quick()), quick_config());
    let first = enqueue(&engine, "first", &["first"]).await;
    until(&engine, first, RunState::Completed).await;
    worker.stop().await;
    let known = enqueue(&engine, "known", &["a", "b", "c"]).await;
    pair.in_step().await;

    // From here on the standby hears nothing.
    pair.standby.cut_off().await.expect("cut off");
    let worker = Working::of(&engine, registry(&world, quick()), quick_config());
    until(&engine, known, RunState::Completed).await;
    let lost = enqueue(&engine, "lost", &["d"]).await;
    until(&engine, lost, RunState::Completed).await;

    pair.fail_over().await;
    // The caller got an answer for it, but may send it again.
    let again = enqueue(&engine, "lost", &["d"]).await;
    assert_ne!(again, lost, "the standby must have missed it");
    until(&engine, again, RunState::Completed).await;
    until(&engine, known, RunState::Completed).await;
    for step in ["first", "a", "b", "c", "d"] {
        assert_eq!(world.effects(step), 1, "{step}");
    }
    let looked = engine.history(known).await.expect("history");
    let looked = looked.iter().filter(|event| {
        let payload = event.payload.as_ref();
        payload.is_some_and(|payload| payload["source"] == "reconciled")
    });
    assert_eq!(looked.count(), 3);
    let checks = engine.check_invariants().await.expect("the checks");
    let failover = checks.iter().find(|check| check.name == "doubt");
    let detail = &failover.expect("the check").detail;
    assert!(detail.contains(&known.to_string()), "{detail}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_outlives_a_failover_leaves_no_gap_in_a_history() {
    let pair = Pair::start().await;
    let engine = Engine::connect(&pair.url()).await.expect("connect");
    let world = World::new();
    let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    world.script("a", &[Act::When(first.clone())]);
    world.script("b", &[Act::When(second.clone()), Act::When(second.clone())]);
    let worker = Working::of(&engine, registry(&world, quick()), quick_config());
    let run = enqueue(&engine, "known", &["a", "b"]).await;
    until_executed(&world, "a").await;
    pair.in_step().await;

    // The standby knows of the claim, but neither that the first step was made nor that the next began.
    pair.standby.cut_off().await.expect("cut off");
    first.notify_one();
    until_executed(&world, "b").await;
    pair.fail_over().await;
    second.notify_one();
    until(&engine, run, RunState::Completed).await;

    assert_eq!((world.effects("a"), world.effects("b")), (1, 1));
    let history = engine.history(run).await.expect("history");
    let numbers = history.iter().map(|event| event.seq);
    assert!(numbers.eq(0..history.len() as i32), "{history:#?}");
    for check in engine.check_invariants().await.expect("the checks") {
        assert!(check.ok, "{}: {}", check.name, check.detail);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_comes_back_after_its_standby_was_promoted_is_not_used() {
    let pair = Pair::start().await;
    pair.in_step().await;
    pair.standby.promote().await.expect("promoted");
    // Both take writes now; the promoted one has the newer timeline.
    let hosts: DatabaseHosts = pair.url().parse().expect("a list");
    let writable = hosts.writable().await.expect("a primary");
    assert_eq!(writable.get_port(), pair.standby.port());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_standbys_only_says_so_of_each() {
    let pair = Pair::start().await;
    pair.primary.stop().await.expect("stopped");
    let hosts: DatabaseHosts = pair.url().parse().expect("a list");
    let refused = hosts.writable().await.expect_err("nobody").to_string();
    let standby = format!("127.0.0.1:{} is a standby", pair.standby.port());
    let away = format!("127.0.0.1:{}: ", pair.primary.port());
    assert!(
        refused.contains(&standby) && refused.contains(&away),
        "{refused}"
    );
}
