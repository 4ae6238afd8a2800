//! Workers killed with `kill -9` every second, PostgreSQL stopped and started: nothing lost, nothing double.

use chrono::{DateTime, TimeDelta, Utc};
use leadrail_tests::{Process, RunStory, Stage, sample_lead, stories};
use serde_json::json;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leadrail-under-test");
const LEADS: u32 = 500;

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
    let mut outages = Vec::new();
    for second in 1.. {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if stage.count(&["completed"]).await >= i64::from(LEADS) {
            break;
        }
        if second >= 240 {
            panic!("not done after four minutes: {}", stage.unfinished().await);
        }
        if second == 6 || second == 14 {
            let down = stage.now().await;
            stage.server().stop().await;
            stage.server().start().await;
            outages.push((down, stage.now().await));
            continue;
        }
        let slot = rand::random_range(0..workers.len());
        kills.push(stage.now().await);
        workers[slot].kill().await.expect("it is killed");
        workers[slot] = stage.worker(&format!("w{slot}"), &[]);
    }
    assert!(
        kills.len() >= 8 && outages.len() == 2,
        "{} kills, {} outages: too calm to prove anything",
        kills.len(),
        outages.len()
    );

    let books = stage.books().await;
    assert_eq!(books.doubled_leads(), Vec::<&str>::new(), "doubled leads");
    assert_eq!(
        books.doubled_customers(),
        Vec::<&str>::new(),
        "doubled customers"
    );
    assert_eq!(books.leads(), u64::from(LEADS), "lost leads");

    let mut picked_up = Vec::new();
    for (run, story) in stories(&stage.pool).await {
        assert_eq!(story.completed_twice(), Vec::<String>::new(), "run {run}");
        assert_eq!(
            story.begun_after_completion(),
            Vec::<String>::new(),
            "run {run}"
        );
        picked_up.extend(pickups(&story, &kills, &outages));
    }
    assert_quick(picked_up);
    let healthy = stage.run(&["doctor"], "");
    assert!(
        healthy.status.success(),
        "{}",
        String::from_utf8_lossy(&healthy.stdout)
    );
}

/// How long after a kill (outside an outage of the database) its runs were claimed again.
fn pickups(
    story: &RunStory,
    kills: &[DateTime<Utc>],
    outages: &[(DateTime<Utc>, DateTime<Utc>)],
) -> Vec<TimeDelta> {
    let mut pickups = Vec::new();
    for (index, line) in story
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.kind == "run_lost")
    {
        let Some(kill) = kills.iter().rev().find(|kill| **kill < line.at) else {
            continue;
        };
        let again = story.lines[index..]
            .iter()
            .find(|line| line.kind == "run_started");
        let again = again.expect("a lost run is picked up again").at;
        let margin = TimeDelta::seconds(3);
        let near_outage = outages
            .iter()
            .any(|(down, up)| again > *down - margin && *kill < *up + margin);
        if !near_outage {
            pickups.push(again - *kill);
        }
    }
    pickups
}

/// Nine in ten within two seconds; all within the lease, whatever else the machine was doing.
fn assert_quick(mut pickups: Vec<TimeDelta>) {
    pickups.sort_unstable();
    let at = |tenths: usize| {
        pickups[(pickups.len() * tenths / 10).min(pickups.len() - 1)].num_milliseconds()
    };
    assert!(!pickups.is_empty(), "no kill ever hit a run");
    println!(
        "{} runs picked up after a kill: median {} ms, nine in ten within {} ms, all within {} ms",
        pickups.len(),
        at(5),
        at(9),
        at(10)
    );
    assert!(at(9) <= 2_000, "nine in ten took up to {} ms", at(9));
    assert!(at(10) <= 15_000, "the slowest took {} ms", at(10));
}
