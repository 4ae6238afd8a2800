//! Killed between any two statements: the lead still arrives, once.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, wait_for};
use std::time::Duration;

/// Every place where the journal, an activity or a run's end may be cut, and how often a single
/// lead passes it.
const PLACES: [(&str, u32); 6] = [
    ("journal.before_send", 5),
    ("journal.after_send", 5),
    ("journal.after_commit", 5),
    ("activity.before_run", 4),
    ("activity.after_run", 4),
    ("run.before_end", 1),
];

/// Kills the first worker at the given pass, and a second one at the same pass of the rest of the
/// way; a third goes unharmed.
async fn dies_there(place: &str, pass: u32) {
    let stage = Stage::new(PROGRAM).await;
    stage.push(&[sample_lead(pass)]);
    let failpoint = format!("{place}=kill@{pass}");
    let mut first = stage.worker("first", &[("LEADRAIL_FAILPOINT", &failpoint)]);
    wait_for(
        &format!("death at {failpoint}"),
        Duration::from_secs(60),
        || {
            let ended = first.has_ended();
            async move { ended.then_some(()) }
        },
    )
    .await;
    let mut again = stage.worker("again", &[("LEADRAIL_FAILPOINT", &failpoint)]);
    let mut unharmed = None;
    wait_for(
        &format!("the lead after {failpoint}"),
        Duration::from_secs(60),
        || {
            if again.has_ended() && unharmed.is_none() {
                unharmed = Some(stage.worker("unharmed", &[]));
            }
            let stage = &stage;
            async move { (stage.count(&["completed"]).await == 1).then_some(()) }
        },
    )
    .await;
    let books = stage.books().await;
    assert_eq!(
        (books.leads(), books.customers()),
        (1, 1),
        "after {failpoint} twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_arrives_once_wherever_its_worker_is_killed() {
    let cases = PLACES
        .into_iter()
        .flat_map(|(place, passes)| (1..=passes).map(move |pass| (place, pass)));
    let mut running = tokio::task::JoinSet::new();
    for (place, pass) in cases {
        if running.len() == 4 {
            running
                .join_next()
                .await
                .expect("a case")
                .expect("it holds");
        }
        running.spawn(dies_there(place, pass));
    }
    while let Some(case) = running.join_next().await {
        case.expect("it holds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_a_takeover_does_not_stop_the_next_one() {
    for place in ["takeover.before_send", "takeover.after_send"] {
        let stage = Stage::new(PROGRAM).await;
        stage.push(&[sample_lead(1)]);
        let mut holder = stage.worker(
            "holder",
            &[("LEADRAIL_FAILPOINT", "activity.before_run=kill@2")],
        );
        wait_for("the holder's death", Duration::from_secs(60), || {
            let ended = holder.has_ended();
            async move { ended.then_some(()) }
        })
        .await;
        let failpoint = format!("{place}=kill@1");
        let mut rescuer = stage.worker("rescuer", &[("LEADRAIL_FAILPOINT", &failpoint)]);
        wait_for("the rescuer's death", Duration::from_secs(60), || {
            let ended = rescuer.has_ended();
            async move { ended.then_some(()) }
        })
        .await;
        let _last = stage.worker("last", &[]);
        stage.until_completed(1, Duration::from_secs(60)).await;
        assert_eq!(stage.books().await.leads(), 1, "after {failpoint}");
    }
}
