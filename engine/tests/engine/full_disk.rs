//! A disk without room: nothing is executed that could not be written down, nothing is lost, and all
//! goes on by itself when there is room again.

use crate::kit::{Story, Working, World, quick, quick_config, registry, telling, told};
use leadrail_engine::{ActivityOptions, Engine, HistoryKind, NewRun, Registry};
use leadrail_postgres::{Options, PrivateServer};
use serde_json::{Value, json};
use std::time::Duration;

const DATABASE: &str = "leadrail";
/// Runs that fill the history, and lines of each: enough to outgrow a file of the server's log, and so
/// short that no page has room for one of another kind.
const TALKERS: usize = 20;
const LINES: usize = 16_000;
const RUNS: usize = 40;
/// So often the server must have refused to grow before we believe that nothing gets through.
const REFUSALS: usize = 10;
/// Less than what that takes: intents that wait for room are too late in the end, which costs no attempt.
const TIMEOUT: Duration = Duration::from_secs(3);

struct Stage {
    server: PrivateServer,
    engine: Engine,
}

impl Stage {
    /// A database whose history is large enough that its disk can be full.
    async fn new() -> Self {
        let server = PrivateServer::start(Options::default()).await;
        let server = server.expect("a server");
        server.create_database(DATABASE).await.expect("create");
        let engine = Engine::connect(&server.url(DATABASE)).await;
        let engine = engine.expect("connect");
        engine.migrate().await.expect("migrate");
        let stage = Self { server, engine };
        stage.grow().await;
        stage
    }

    async fn grow(&self) {
        let talker = Registry::new().with(told(|ctx, _| async move {
            for _ in 0..LINES {
                ctx.side_value("noise", || 1)?;
            }
            Ok(json!("said"))
        }));
        let worker = Working::of(&self.engine, talker, quick_config());
        let runs = vec![telling(&Value::Null); TALKERS];
        self.engine.enqueue(&runs).await.expect("enqueue");
        self.until_completed(TALKERS).await;
        worker.stop().await;
    }

    async fn until_completed(&self, wanted: usize) {
        let completed = async {
            while sqlx::query_scalar::<_, i64>(
                "select count(*) from leadrail.run where state = 'completed'",
            )
            .fetch_one(self.engine.pool())
            .await
            .expect("count")
                < wanted as i64
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let completed = tokio::time::timeout(Duration::from_secs(60), completed).await;
        completed.expect("they complete");
    }

    /// Lines of history of one kind.
    async fn lines(&self, kind: HistoryKind) -> usize {
        let lines: i64 =
            sqlx::query_scalar("select count(*) from leadrail.history where kind::text = $1")
                .bind(kind.as_str())
                .fetch_one(self.engine.pool())
                .await
                .expect("count");
        usize::try_from(lines).expect("a count")
    }

    /// How often a file could not grow.
    fn refusals(&self) -> usize {
        let log = self.server.folder().join("server.log");
        let log = std::fs::read_to_string(log).expect("the log");
        log.matches("ERROR:  could not extend file").count()
    }

    async fn until_refused(&self, times: usize) {
        let refused = async {
            while self.refusals() < times {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let refused = tokio::time::timeout(Duration::from_secs(60), refused).await;
        refused.expect("the disk is full");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_executed_and_afterwards_everything_once() {
    let stage = Stage::new().await;
    let world = World::new();
    let steps = vec!["a".to_owned(), "b".to_owned()];
    let run = NewRun::of::<Story>(&steps).expect("input");
    let runs: Vec<_> = (0..RUNS)
        .map(|n| run.clone().keyed("acme", format!("{n}")))
        .collect();
    stage.engine.enqueue(&runs).await.expect("enqueue");
    let full = stage.server.fill_disk(0).await.expect("filled");
    assert!(full, "the history is too small");

    let options = ActivityOptions {
        timeout: TIMEOUT,
        ..quick()
    };
    let worker = Working::of(&stage.engine, registry(&world, options), quick_config());
    stage.until_refused(REFUSALS).await;
    // What found room in the last page may go on, and nothing else.
    let executed = world.executions("a");
    let intents = stage.lines(HistoryKind::ActivityStarted).await;
    assert!(
        executed < RUNS && executed <= intents,
        "{executed} of {intents}"
    );

    stage.server.free_disk().await.expect("freed");
    stage.until_completed(TALKERS + RUNS).await;
    for step in ["a", "b"] {
        assert_eq!(
            (world.effects(step), world.executions(step)),
            (RUNS, RUNS),
            "{step}"
        );
    }
    assert_eq!(stage.lines(HistoryKind::ActivityFailed).await, 0);
    for check in stage.engine.check_invariants().await.expect("the checks") {
        assert!(check.ok, "{}: {}", check.name, check.detail);
    }
    worker.stop().await;
    stage.server.close().await;
}
