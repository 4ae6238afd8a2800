use crate::kit::Cli;
use std::net::TcpStream;

/// Configuration for another database must not get into the demo.
fn cli() -> Cli {
    Cli::new()
        .with("DATABASE_URL", "postgres://u@127.0.0.1:1/d")
        .with("LEADRAIL_WORKER_CONCURRENCY", "1")
        .with("LEADRAIL_WORKER_RETRY_SCHEDULE", "1d")
}

#[test]
fn the_demo_ends_every_lead_where_it_should_and_prints_its_sums() {
    let ran = cli().run(&["demo", "--leads", "80", "--json"]).well();
    let sums = ran.json();
    let keys: Vec<_> = sums
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    let mut expected = [
        "accepted",
        "completed",
        "dead",
        "waiting",
        "retried",
        "resumed",
        "reconciled",
        "lost",
        "duplicates_in_crm",
        "by_crm",
        "wall_s",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    let number = |key: &str| sums[key].as_u64().expect("a number");
    assert_eq!(number("accepted"), 80);
    assert_eq!(number("dead"), 1, "{}", ran.err);
    assert_eq!(number("completed"), 79);
    assert_eq!(
        (
            number("waiting"),
            number("lost"),
            number("duplicates_in_crm")
        ),
        (0, 0, 0)
    );
    let crms = sums["by_crm"].as_array().expect("a table");
    assert_eq!(crms.len(), 7, "{sums}");
    for crm in crms {
        assert!(crm["filed"].as_u64() > Some(0), "{crm}");
        assert_eq!((&crm["lost"], &crm["duplicates"]), (&0.into(), &0.into()));
    }
    assert!(
        number("resumed") >= 4 && number("reconciled") >= 11,
        "{sums}"
    );
    assert!(ran.err.contains("retry clock x300"), "{}", ran.err);
    assert!(
        ran.err.contains("every lead ended where it should"),
        "{}",
        ran.err
    );
}

#[test]
fn a_demo_that_is_stopped_takes_everything_down() {
    let cli = cli();
    let mut demo = cli.serve(&["demo"]);
    assert!(demo.ready.starts_with("PostgreSQL"), "{}", demo.ready);
    let address = demo.ready.trim_end().rsplit_once("http://");
    let address = address.expect("an address").1.to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    let stopped = demo.stop();
    assert_eq!(stopped.code, 1);
    assert!(TcpStream::connect(&address).is_err());
    assert!(
        stopped.err.contains("the demo was stopped"),
        "{}",
        stopped.err
    );
}
