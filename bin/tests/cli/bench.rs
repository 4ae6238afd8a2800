use crate::kit::Cli;
use leadrail_postgres::testing::TestDatabase;
use serde_json::Value;

/// Every number in it is one, and more than nothing.
fn is_more_than_nothing(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::Array(values) => !values.is_empty() && values.iter().all(is_more_than_nothing),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_processes_share_the_work_and_none_is_left() {
    let database = TestDatabase::fresh().await;
    let cli = Cli::new();
    let on = ["bench", "workers", "--on", database.url(), "--json"];
    let little = [
        "--processes",
        "1,2",
        "--workflows",
        "300",
        "--inflight",
        "64",
    ];
    let measured = cli.run(&[&on[..], &little].concat()).well().json();
    for (row, processes) in measured.as_array().expect("rows").iter().zip([1_u64, 2]) {
        assert_eq!(row["processes"], processes);
        assert!(is_more_than_nothing(&row["wf_s"]), "{row}");
        assert!(is_more_than_nothing(&row["rss_mib"]), "{row}");
        let memory = row["rss_mib"].as_array().expect("one a process");
        assert_eq!(memory.len() as u64, processes);
    }
    let left: i64 = sqlx::query_scalar("select count(*) from leadrail.worker")
        .fetch_one(
            &sqlx::PgPool::connect(database.url())
                .await
                .expect("connects"),
        )
        .await
        .expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_go_all_their_way_and_no_process_is_left() {
    let database = TestDatabase::fresh().await;
    let cli = Cli::new();
    let on = ["bench", "leads", "--on", database.url(), "--json"];
    for crm in [
        "gohighlevel",
        "housecall_pro",
        "hubspot",
        "jobber",
        "pipedrive",
        "servicetitan",
        "workiz",
    ] {
        let little = ["--crm", crm, "--leads", "40", "--inflight", "8"];
        let report = cli.run(&[&on[..], &little].concat()).well().json();
        let figures = report.as_object().expect("a report");
        assert_eq!(figures.len(), 8, "{report}");
        let rates = ["leads_s", "noop_wf_s", "ratio", "commits_per_lead"];
        for rate in rates.into_iter().chain(["wal_bytes_per_lead"]) {
            assert!(is_more_than_nothing(&report[rate]), "{rate}: {report}");
        }
    }
    let wrong = cli.run(&[&on[..], &["--crm", "acme"]].concat());
    assert!(
        wrong
            .err
            .contains("gohighlevel, housecall_pro, hubspot, jobber"),
        "{}",
        wrong.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_prints_a_row_for_each_depth() {
    let database = TestDatabase::fresh().await;
    let cli = Cli::new();
    let on = ["bench", "scheduled", "--on", database.url()];
    let little = ["--depths", "0,50", "--workflows", "100", "--inflight", "20"];
    let printed = cli.run(&[&on[..], &little].concat()).well().out;
    assert!(
        printed.contains("wf_s") && printed.contains("50"),
        "{printed}"
    );
    let measured = cli.run(&[&on[..], &little, &["--json"]].concat());
    for row in measured.well().json().as_array().expect("rows") {
        assert!(is_more_than_nothing(&row["wf_s"]), "{row}");
    }
}
