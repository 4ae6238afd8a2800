//! A large worker's journal has several writers, each with a session of its own.

use crate::kit::{Bench, Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{NewRun, WorkerConfig};
use std::collections::HashSet;
use std::time::Duration;

const RUNS: usize = 2_000;

async fn enqueue_all(bench: &Bench) {
    let steps = |run| ["a", "b", "c"].map(|step| format!("{run}-{step}")).to_vec();
    let runs: Vec<NewRun> = (0..RUNS)
        .map(|run| NewRun::of::<Story>(&steps(run)).unwrap())
        .collect();
    bench.engine.enqueue(&runs).await.unwrap();
}

/// Ends the writers' sessions, however many are at work.
async fn cut(bench: &Bench) {
    let ended = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query like '%leadrail.journal(%'
           and pid <> pg_backend_pid()",
    )
    .execute(bench.engine.pool())
    .await;
    ended.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_whose_sessions_end_write_everything_once() {
    let bench = Bench::new().await;
    let world = World::new();
    enqueue_all(&bench).await;
    let config = WorkerConfig {
        concurrency: 4_096,
        lease: Duration::from_secs(60),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    for part in 1..6 {
        bench.until_completed(RUNS * part / 6).await;
        cut(&bench).await;
    }
    bench.until_completed(RUNS).await;
    worker.stop().await;
    for what in [&world.executed, &world.books] {
        let what = what.lock().unwrap();
        let distinct: HashSet<&String> = what.iter().collect();
        assert_eq!((what.len(), distinct.len()), (RUNS * 3, RUNS * 3));
    }
    // A claim whose answer was lost is given back and made again.
    let (claims_kept, lines): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where kind = 'run_started')
                    - count(*) filter (where kind = 'run_released'),
                count(*) filter (where kind not in ('run_started', 'run_released'))
         from leadrail.history",
    )
    .fetch_one(bench.engine.pool())
    .await
    .unwrap();
    let runs = i64::try_from(RUNS).unwrap();
    assert_eq!((claims_kept, lines), (runs, runs * (2 * 3 + 1)));
}
