//! Frozen workers: whatever they hold when they wake, it changes nothing.

use crate::PROGRAM;
use leadrail_tests::{Process, Stage, sample_lead, stories, wait_for};
use std::time::Duration;

/// Workers frozen at a time; times the rounds this makes the 50 cases.
const FROZEN: u32 = 10;

/// Ten workers with one lead each freeze before their n-th statement; others take their leads over
/// and finish them; then the frozen ones wake and try to commit.
async fn frozen_before_statement(pass: u32) -> usize {
    let stage = Stage::new(PROGRAM).await;
    let leads: Vec<_> = (0..FROZEN).map(|n| sample_lead(pass * 100 + n)).collect();
    stage.push(&leads);
    let failpoint = format!("journal.before_send=stop@{pass}");
    let short = [
        ("LEADRAIL_WORKER_LEASE", "2s"),
        ("LEADRAIL_WORKER_CONCURRENCY", "1"),
    ];
    let frozen: Vec<Process> = (0..FROZEN)
        .map(|n| {
            let [lease, one] = short;
            stage.worker(
                &format!("frozen{n}"),
                &[
                    lease,
                    one,
                    ("LEADRAIL_FAILPOINT", &failpoint),
                    // That it was taken over is said even where only warnings are.
                    ("LEADRAIL_LOG", "warn"),
                ],
            )
        })
        .collect();
    for worker in &frozen {
        wait_for("a frozen worker", Duration::from_secs(60), || async {
            worker.is_frozen().then_some(())
        })
        .await;
    }
    let rescuer = stage.worker("rescuer", &[("LEADRAIL_WORKER_LEASE", "60s")]);
    stage
        .until_completed(i64::from(FROZEN), Duration::from_secs(90))
        .await;
    let before = history_length(&stage).await;

    let mut fenced = 0;
    for worker in &frozen {
        worker.thaw();
        wait_for("a fenced worker", Duration::from_secs(30), || async {
            worker.output().contains("taken over").then_some(())
        })
        .await;
        fenced += 1;
    }
    assert_eq!(
        history_length(&stage).await,
        before,
        "a frozen worker's statement changed something"
    );
    drop(rescuer);
    let books = stage.books().await;
    assert_eq!((books.leads(), books.surplus()), (u64::from(FROZEN), 0));
    fenced
}

async fn history_length(stage: &Stage) -> usize {
    stories(&stage.pool)
        .await
        .values()
        .map(|story| story.lines.len())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_frozen_workers_commit_nothing_when_they_wake() {
    let mut fenced = 0;
    // Statement 1 is the claim; 2 to 5 carry intents and checkpoints.
    for pass in [2, 3, 4, 2, 3] {
        fenced += frozen_before_statement(pass).await;
    }
    assert!(fenced >= 50, "only {fenced} cases");
}
