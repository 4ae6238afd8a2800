//! Killed between any two statements: the lead still arrives, once.

use crate::PROGRAM;
use leadrail_tests::{Process, Stage, sample_lead, wait_for};
use std::time::Duration;
use tokio::task::JoinSet;

/// Every place where the journal, an activity or a run's end may be cut, and how often a single
/// lead passes it.
const PLACES: [(&str, u32); 9] = [
    ("journal.handed_in", 3),
    ("journal.before_send", 5),
    ("journal.after_send", 5),
    ("journal.after_commit", 5),
    ("journal.answered", 3),
    ("activity.before_run", 4),
    ("activity.after_run", 4),
    ("run.before_end", 1),
    ("run.after_end", 1),
];

/// Places that only a resumed run passes, whose customer may or may not be there.
const LATER_PLACES: [&str; 4] = [
    "history.before_read",
    "history.after_read",
    "look.before_run",
    "look.after_run",
];

/// Places that a worker passes only after its session with the database broke.
const PLACES_OF_BROKEN_SESSIONS: [&str; 5] = [
    "clear_up.before_connect",
    "clear_up.after_connect",
    "clear_up.after_end_session",
    "clear_up.after_look",
    "clear_up.after_give_back",
];

/// Waits until a worker has died at its failpoint.
async fn until_dead(worker: &mut Process, failpoint: &str) {
    wait_for(
        &format!("death at {failpoint}"),
        Duration::from_secs(60),
        || {
            let ended = worker.has_ended();
            async move { ended.then_some(()) }
        },
    )
    .await;
}

async fn arrives_once(stage: &Stage, after: &str) {
    stage.until_completed(1, Duration::from_secs(60)).await;
    let books = stage.books().await;
    assert_eq!((books.leads(), books.customers()), (1, 1), "after {after}");
}

/// Kills the first worker at the given pass, and a second one at the same pass of the rest of the
/// way; a third goes unharmed.
async fn dies_there(place: &str, pass: u32) {
    let stage = Stage::new(PROGRAM).await;
    stage.push(&[sample_lead(pass)]);
    let failpoint = format!("{place}=kill@{pass}");
    let mut first = stage.worker("first", &[("LEADRAIL_FAILPOINT", &failpoint)]);
    until_dead(&mut first, &failpoint).await;
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

/// The customer is created and its answer never written down; the second worker dies at the place.
async fn dies_there_later(place: &str) {
    let stage = Stage::new(PROGRAM).await;
    stage.push(&[sample_lead(1)]);
    let first = "activity.after_run=kill@3";
    let mut creator = stage.worker("creator", &[("LEADRAIL_FAILPOINT", first)]);
    until_dead(&mut creator, first).await;
    let failpoint = format!("{place}=kill@1");
    let mut second = stage.worker("second", &[("LEADRAIL_FAILPOINT", &failpoint)]);
    until_dead(&mut second, &failpoint).await;
    let _last = stage.worker("last", &[]);
    arrives_once(&stage, &failpoint).await;
}

/// Sessions are cut while the lead is under way, until the worker dies on its way back.
async fn dies_there_after_a_cut(place: &str) {
    let stage = Stage::new(PROGRAM).await;
    stage.push(&[sample_lead(1)]);
    let failpoint = format!("{place}=kill@1");
    let mut worker = stage.worker("broken", &[("LEADRAIL_FAILPOINT", &failpoint)]);
    wait_for(
        &format!("death at {failpoint}"),
        Duration::from_secs(60),
        || {
            let ended = worker.has_ended();
            let stage = &stage;
            async move {
                stage.cut_journals().await;
                ended.then_some(())
            }
        },
    )
    .await;
    let _last = stage.worker("last", &[]);
    arrives_once(&stage, &failpoint).await;
}

/// Most cases wait most of the time.
async fn four_at_a_time(
    cases: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>,
) {
    let mut running = JoinSet::new();
    for case in cases {
        if running.len() == 4 {
            running
                .join_next()
                .await
                .expect("a case")
                .expect("it holds");
        }
        running.spawn(case);
    }
    while let Some(case) = running.join_next().await {
        case.expect("it holds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_arrives_once_wherever_its_worker_is_killed() {
    let cases = PLACES
        .into_iter()
        .flat_map(|(place, passes)| (1..=passes).map(move |pass| dies_there(place, pass)));
    four_at_a_time(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_arrives_once_wherever_its_second_worker_is_killed() {
    four_at_a_time(LATER_PLACES.map(dies_there_later)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_arrives_once_wherever_its_worker_is_killed_after_its_session_broke() {
    four_at_a_time(PLACES_OF_BROKEN_SESSIONS.map(dies_there_after_a_cut)).await;
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
        until_dead(&mut holder, "activity.before_run").await;
        let failpoint = format!("{place}=kill@1");
        let mut rescuer = stage.worker("rescuer", &[("LEADRAIL_FAILPOINT", &failpoint)]);
        until_dead(&mut rescuer, &failpoint).await;
        let _last = stage.worker("last", &[]);
        arrives_once(&stage, &failpoint).await;
    }
}
