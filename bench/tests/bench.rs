//! The benchmarks measure what they say, and harm no database that is in use.

use leadrail_bench::{EngineOptions, Others, backlog, engine, pickup, refuse_if_in_use};
use leadrail_engine::{Engine, NewRun};
use leadrail_postgres::testing::TestDatabase;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_runs_of_its_own_is_refused_and_left_alone() {
    let database = TestDatabase::fresh().await;
    refuse_if_in_use(database.url())
        .await
        .expect("an empty one will do");
    let engine = Engine::connect(database.url()).await.expect("connect");
    let theirs = NewRun {
        workflow: "theirs".into(),
        scope: String::new(),
        key: None,
        fingerprint: String::new(),
        lane: String::new(),
        priority: 2,
        delay: Duration::ZERO,
        input: "null".into(),
    };
    let run = engine.enqueue(&[theirs]).await.expect("enqueue").remove(0);
    let refused = refuse_if_in_use(database.url())
        .await
        .expect_err("it is in use");
    assert!(refused.to_string().contains("a database of its own"));
    assert!(engine.run(run.run_id).await.expect("read").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_of_a_small_run_is_there() {
    let database = TestDatabase::fresh().await;
    let options = EngineOptions {
        workflows: 200,
        inflight: 50,
        rounds: 3,
    };
    let report = engine(database.url(), &options, |_| ())
        .await
        .expect("a report");
    let figures = [
        report.ours_wf_s,
        report.floor_a_wf_s,
        report.floor_b_wf_s,
        report.ratio_a,
        report.ratio_b,
        report.commits_per_wf,
        report.wal_bytes_per_wf,
        report.floor_b_wal_bytes_per_wf,
        report.rss_mib,
    ];
    assert!(
        figures
            .iter()
            .all(|figure| figure.is_finite() && *figure > 0.0),
        "{report:?}"
    );
    let depths = backlog(database.url(), Others::Retrying, &[100], 200, 50, |_| ())
        .await
        .expect("a depth");
    assert_eq!(depths[0].runs, 100);
    let picked = pickup(database.url(), 10).await.expect("samples");
    assert!(picked.p50_ms > 0.0 && picked.p99_ms >= picked.p50_ms);
}
