//! The benchmarks measure what they say, and harm no database that is in use.

use leadrail_bench::{
    EngineOptions, EnqueueOptions, FairOptions, Heard, ListsOptions, Others, SoakOptions, backlog,
    engine, enqueue, fair, idle, lists, pickup, refuse_if_in_use, single, soak,
};
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

#[tokio::test]
async fn a_database_with_an_account_connected_is_refused_and_left_alone() {
    let database = TestDatabase::fresh().await;
    let pool = sqlx::PgPool::connect(database.url())
        .await
        .expect("connect");
    leadrail_connections::migrate(&pool).await.expect("migrate");
    refuse_if_in_use(database.url())
        .await
        .expect("the product's tables are empty");
    let connected = "
        insert into leadrail.connection
            (id, account, crm, auth_method, vault_key_id, sealed_data_key, sealed_secret)
        values (gen_random_uuid(), 'a', 'jobber', 'm', 'k', decode(repeat('00', 73), 'hex'),
                decode(repeat('00', 42), 'hex'))";
    sqlx::query(connected).execute(&pool).await.expect("stored");
    let refused = refuse_if_in_use(database.url()).await.expect_err("in use");
    assert!(refused.to_string().contains("a database of its own"));
    let kept: i64 = sqlx::query_scalar("select count(*) from leadrail.connection")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(kept, 1);
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
    assert!(are_figures(&figures), "{report:?}");
    let depths = backlog(database.url(), Others::Retrying, &[100], 200, 50, |_| ())
        .await
        .expect("a depth");
    assert_eq!(depths[0].runs, 100);
    for heard in [Heard::Directly, Heard::Notified] {
        let picked = pickup(database.url(), heard, 10).await.expect("samples");
        assert!(picked.waits.p50_ms > 0.0 && picked.waits.p99_ms >= picked.waits.p50_ms);
    }
    let single = single(database.url(), 200, 50, 1, |_| ())
        .await
        .expect("a rate");
    assert!(are_figures(&[
        single.wf_s,
        single.commits_per_wf,
        single.wal_bytes_per_wf
    ]));
    assert!(single.rss_mib > 1.0, "{single:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn small_lanes_and_emergencies_pass_a_long_queue() {
    let database = TestDatabase::fresh().await;
    let options = FairOptions {
        big: 400,
        lanes: 3,
        small: 5,
        backlog: 200,
        emergencies: 3,
        work: Duration::from_millis(20),
        inflight: 8,
    };
    let report = fair(database.url(), &options, |_| ())
        .await
        .expect("a report");
    assert!(report.small_p99_ms >= report.small_p50_ms, "{report:?}");
    assert!(
        report.emergency_p99_ms >= report.emergency_p50_ms,
        "{report:?}"
    );
    assert!(are_figures(&[report.small_p50_ms, report.emergency_p50_ms]));
    // At most one run takes 20 ms in each of 8 places: no machine makes more than 400 a second.
    assert!(report.runs_s > 0.0 && report.runs_s <= 400.0, "{report:?}");
    // First come, first served would take about a second.
    assert!(report.big_rest_s * 1e3 > report.small_p50_ms, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_keeps_what_it_is_given() {
    let database = TestDatabase::fresh().await;
    let options = EnqueueOptions {
        leads: 50,
        clients: 4,
        batch: 20,
    };
    let report = enqueue(database.url(), &options, |_| ())
        .await
        .expect("a report");
    let rates = [
        report.http_single_s,
        report.http_batch_s,
        report.sql_single_s,
        report.sql_batch_s,
        report.bare_single_s,
        report.bare_batch_s,
        report.http_single_ratio,
        report.http_batch_ratio,
        report.sql_single_ratio,
        report.sql_batch_ratio,
        report.engine_batch_runs_s,
        report.http_single_p50_ms,
        report.sql_single_p50_ms,
    ];
    assert!(are_figures(&rates), "{report:?}");
    assert!(report.http_single_p99_ms >= report.http_single_p50_ms);
    refuse_if_in_use(database.url())
        .await
        .expect("it leaves nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_is_watched() {
    let database = TestDatabase::fresh().await;
    let (settle, watch) = (Duration::from_millis(500), Duration::from_secs(4));
    let report = idle(database.url(), settle, watch, |_| ())
        .await
        .expect("a report");
    // In its first minute it asks about once a second.
    assert!(report.seconds >= 4.0 && report.commits >= 1, "{report:?}");
    assert!(report.transactions_per_s < 50.0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn soaking_samples_and_loses_nothing() {
    let database = TestDatabase::fresh().await;
    let options = SoakOptions {
        lasts: Duration::from_secs(3),
        sample_every: Duration::from_millis(700),
        rate: Some(50.0),
        workflows: 100,
        inflight: 50,
        keep: Duration::from_secs(3_600),
    };
    let report = soak(database.url(), &options, |_| ())
        .await
        .expect("a report");
    assert!(report.samples.len() >= 2, "{report:?}");
    let last = &report.samples[report.samples.len() - 1];
    assert!(last.ended > 0 && last.rss_mib > 1.0, "{report:?}");
    assert!(report.growth.table >= 1.0, "{report:?}");
    assert!(
        report.done_wf_s > 0.0 && report.done_wf_s <= 55.0,
        "{report:?}"
    );
}

fn are_figures(figures: &[f64]) -> bool {
    figures
        .iter()
        .all(|figure| figure.is_finite() && *figure > 0.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_leads_are_full_where_there_are_leads() {
    let database = TestDatabase::fresh().await;
    let options = ListsOptions {
        rows: 20_000,
        samples: 3,
    };
    let report = lists(database.url(), &options, |_| ())
        .await
        .expect("a report");
    let shortest = |list: &str| {
        let figure = report.lists.iter().find(|figure| figure.list == list);
        figure.expect(list).shortest
    };
    for list in [
        "all",
        "big account",
        "small account",
        "connection of big",
        "completed of big",
    ] {
        assert_eq!(shortest(list), 50, "{list}");
    }
    assert_eq!((shortest("event id"), shortest("dead")), (1, 20));
    assert!(shortest("phone") >= 1 && shortest("any account") >= 1);
    assert!(shortest("waiting") >= 1);
}
