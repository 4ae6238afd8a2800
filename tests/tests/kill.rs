//! Workers killed with `kill -9` every second, PostgreSQL stopped and started: nothing lost, nothing double.

use chrono::{DateTime, Utc};
use leadrail_tests::{Process, Stage, sample_lead, stories, wait_for};
use rand::seq::IndexedRandom;
use serde_json::json;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leadrail-under-test");
const LEADS: u32 = 500;

/// A kill, and which worker incarnation died by it.
struct Kill {
    at: DateTime<Utc>,
    pid: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_leads_survive_killed_workers_and_a_database_that_goes_twice() {
    let stage = Stage::with_own_server(PROGRAM).await;
    stage.sim_post("latency", json!({ "ms": 200 })).await;
    let leads: Vec<_> = (0..LEADS).map(sample_lead).collect();
    stage.push(&leads);

    let mut workers: Vec<Process> = (0..3)
        .map(|n| stage.worker(&format!("w{n}"), &[]))
        .collect();
    let mut kills = Vec::new();
    let mut calm_since: DateTime<Utc> = Utc::now();
    let mut outages = Vec::new();
    for second in 1.. {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if stage.count(&["completed"]).await >= i64::from(LEADS) {
            break;
        }
        assert!(
            second < 240,
            "not done after four minutes: {} completed",
            stage.count(&["completed"]).await
        );
        if second == 6 || second == 14 {
            let down = Utc::now();
            stage.server().stop().await;
            stage.server().start().await;
            calm_since = Utc::now();
            outages.push((down, calm_since));
            continue;
        }
        let slots: Vec<usize> = (0..workers.len()).collect();
        let slot = *slots.choose(&mut rand::rng()).expect("three workers");
        kills.push(Kill {
            at: Utc::now(),
            pid: workers[slot].pid(),
        });
        workers[slot].kill();
        workers[slot] = stage.worker(&format!("w{slot}"), &[]);
    }
    assert!(
        kills.len() >= 8 && outages.len() == 2,
        "{} kills, {} outages: too calm to prove anything",
        kills.len(),
        outages.len()
    );
    let _ = calm_since;

    let books = stage.books().await;
    assert_eq!(books.doubles(), Vec::<String>::new(), "doubled leads");
    assert_eq!(
        books.doubled_customers(),
        Vec::<String>::new(),
        "doubled customers"
    );
    assert_eq!(books.leads(), LEADS as usize, "lost leads");

    let mut lost_runs = 0;
    for (run, story) in stories(&stage.pool).await {
        assert_eq!(story.completed_twice(), Vec::<String>::new(), "run {run}");
        assert_eq!(
            story.begun_after_completion(),
            Vec::<String>::new(),
            "run {run}"
        );
        lost_runs += story.of_kind("run_lost").count();
        pickup_is_quick(&story, &kills, &outages);
    }
    assert!(lost_runs > 0, "no kill ever hit a run");
    let healthy = stage.run(&["doctor"], "");
    assert!(
        healthy.status.success(),
        "{}",
        String::from_utf8_lossy(&healthy.stdout)
    );
}

/// After a kill (outside an outage of the database) the run is claimed again within two seconds.
fn pickup_is_quick(
    story: &leadrail_tests::RunStory,
    kills: &[Kill],
    outages: &[(DateTime<Utc>, DateTime<Utc>)],
) {
    for (index, line) in story.lines.iter().enumerate() {
        if line.kind != "run_lost" {
            continue;
        }
        let Some(kill) = kills.iter().rev().find(|kill| kill.at < line.at) else {
            continue;
        };
        let near_outage = outages.iter().any(|(down, up)| {
            line.at > *down - chrono::TimeDelta::seconds(3)
                && kill.at < *up + chrono::TimeDelta::seconds(3)
        });
        let Some(again) = story.lines[index..]
            .iter()
            .find(|line| line.kind == "run_started")
        else {
            panic!("never picked up after the kill of process {}", kill.pid);
        };
        let took = again.at - kill.at;
        assert!(
            near_outage || took.num_milliseconds() <= 2_000,
            "picked up {took} after the kill"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_leaves_nothing_to_wait_for() {
    let stage = Stage::new(PROGRAM).await;
    stage.sim_post("latency", json!({ "ms": 200 })).await;
    let leads: Vec<_> = (0..60).map(sample_lead).collect();
    stage.push(&leads);
    let first = stage.worker("first", &[]);
    wait_for("some progress", Duration::from_secs(20), || async {
        (stage.count(&["completed"]).await >= 5).then_some(())
    })
    .await;
    first.terminate();
    assert!(first.wait().await, "it drains and ends well");
    assert_eq!(
        stage.count(&["running"]).await,
        0,
        "nothing waits for a lease to end"
    );
    let _second = stage.worker("second", &[]);
    stage.until_completed(60, Duration::from_secs(60)).await;
    let books = stage.books().await;
    assert_eq!((books.leads(), books.doubles().len()), (60, 0));
}
