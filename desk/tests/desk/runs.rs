//! Runs: what is planned is what is done, however many there are.

use crate::kit::{NOBODY, Room, someone};
use leadrail_desk::{Became, DeskError, Done, Plan, Selection, Verb};
use leadrail_engine::{RunFilter, RunId, RunState, Sent};
use serde_json::json;
use std::ops::ControlFlow;

async fn planned(room: &Room, selection: &Selection) -> (Plan, Vec<RunId>) {
    let mut ids = Vec::new();
    let plan = room.desk.plan(selection, |run| ids.push(run)).await;
    (plan.expect("a plan"), ids)
}

async fn acted(room: &Room, selection: &Selection, plan: &Plan, verb: &Verb) -> Vec<Done> {
    let mut done = Vec::new();
    let each = |one| {
        done.push(one);
        ControlFlow::Continue(())
    };
    let who = someone();
    let whole = room.desk.act(&who, (selection, plan), verb, each).await;
    assert!(whole.expect("done"));
    done
}

fn dead_of(reason: &str) -> Selection {
    Selection::Matching(RunFilter {
        states: vec![RunState::Dead],
        reason: Some(reason.to_owned()),
        ..RunFilter::default()
    })
}

#[tokio::test]
async fn a_filter_selects_by_reason_and_the_oldest_first() {
    let room = Room::open().await;
    let runs = room.queued(4).await;
    for (run, reason) in runs.iter().zip(["http_422", "timeout", "http_422"]) {
        room.kill(*run, reason).await;
    }
    let selection = dead_of("http_422");
    let (plan, ids) = planned(&room, &selection).await;
    assert_eq!(ids, [runs[0], runs[2]]);
    assert_eq!(plan.sums, [("push_lead".to_owned(), RunState::Dead, 2)]);
    let done = acted(&room, &selection, &plan, &Verb::Resume).await;
    let resumed = |run| Done {
        run,
        became: Became::Resumed,
    };
    assert_eq!(done, [resumed(runs[0]), resumed(runs[2])]);
    assert_eq!(planned(&room, &selection).await.0.total, 0);
    assert_eq!(planned(&room, &dead_of("timeout")).await.0.total, 1);
}

#[tokio::test]
async fn without_a_state_a_filter_means_runs_that_have_not_ended() {
    let room = Room::open().await;
    let runs = room.queued(3).await;
    room.desk
        .engine()
        .cancel(runs[1], "test")
        .await
        .expect("done");
    let all = Selection::Matching(RunFilter::default());
    assert_eq!(planned(&room, &all).await.1, [runs[0], runs[2]]);
}

#[tokio::test]
async fn what_comes_after_the_plan_is_not_touched() {
    let room = Room::open().await;
    let before = room.queued(2).await;
    let all = Selection::Matching(RunFilter::default());
    let (plan, _) = planned(&room, &all).await;
    let later = room.submit(9, &[("acme", "housecall_pro")]).await[0].run_id;
    let verb = Verb::Cancel("test".to_owned());
    let done = acted(&room, &all, &plan, &verb).await;
    assert_eq!(done.iter().map(|done| done.run).collect::<Vec<_>>(), before);
    assert_eq!(planned(&room, &all).await.1, [later]);
}

#[tokio::test]
async fn more_runs_than_a_page_are_all_planned_and_all_done() {
    let room = Room::open().await;
    room.sql(
        "insert into leadrail.workflow_run
             (id, state, due_at, workflow, scope, key, lane, priority, input)
         select gen_random_uuid(), 'queued', leadrail.now(), 'push_lead', 'acme', null, 'acme/-', 5, '{}'
         from generate_series(1, 2300)",
    )
    .await;
    let all = Selection::Matching(RunFilter::default());
    let (plan, ids) = planned(&room, &all).await;
    assert_eq!((plan.total, ids.len()), (2_300, 2_300));
    assert!(ids.is_sorted());
    let done = acted(&room, &all, &plan, &Verb::TryNow).await;
    assert_eq!(done.len(), 2_300);
    assert!(done.iter().all(|done| done.became == Became::NotParked));
}

#[tokio::test]
async fn a_plan_goes_over_as_many_pages_as_there_are() {
    let room = Room::open().await;
    room.sql(
        "insert into leadrail.workflow_run
             (id, state, due_at, workflow, scope, key, lane, priority, input)
         select gen_random_uuid(), 'queued', leadrail.now(), 'push_lead', 'acme', null, 'acme/-', 5, '{}'
         from generate_series(1, 20300)",
    )
    .await;
    let all = Selection::Matching(RunFilter::default());
    let (plan, ids) = planned(&room, &all).await;
    assert_eq!((plan.total, ids.len()), (20_300, 20_300));
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn whoever_stops_it_stops_it_between_two_runs() {
    let room = Room::open().await;
    let runs = room.queued(3).await;
    let selection = Selection::Matching(RunFilter::default());
    let (plan, _) = planned(&room, &selection).await;
    let verb = Verb::Cancel("test".to_owned());
    let stop = |_| ControlFlow::Break(());
    let (who, wanted) = (someone(), (&selection, &plan));
    let whole = room.desk.act(&who, wanted, &verb, stop).await;
    assert!(!whole.expect("stopped"));
    assert_eq!(planned(&room, &selection).await.1, runs[1..]);
}

#[tokio::test]
async fn a_run_that_is_not_there_spoils_the_plan_and_a_bad_reason_every_run() {
    let room = Room::open().await;
    let runs = room.queued(1).await;
    let nobody: RunId = NOBODY.parse().expect("an id");
    let wanted = Selection::Ids(vec![runs[0], nobody]);
    let missing = room.desk.plan(&wanted, |_| {}).await;
    assert!(matches!(missing, Err(DeskError::NoSuchRun { run }) if run == nobody));
    let hostile = Selection::Matching(RunFilter {
        lane: Some("a\0b".to_owned()),
        ..RunFilter::default()
    });
    let refused = room.desk.plan(&hostile, |_| {}).await;
    assert!(refused.expect_err("refused").is_wrong_use());

    let all = Selection::Ids(runs.clone());
    let (plan, _) = planned(&room, &all).await;
    for verb in [
        Verb::Cancel("x".repeat(501)),
        Verb::Restart(Some("a\0b".to_owned())),
    ] {
        let none = |done| panic!("{done:?}");
        let refused = room.desk.act(&someone(), (&all, &plan), &verb, none).await;
        assert!(refused.expect_err("refused").is_wrong_use());
    }
}

#[tokio::test]
async fn a_signal_is_kept_or_refused_for_what_is_wrong_with_it() {
    let room = Room::open().await;
    let run = room.queued(1).await[0];
    let long = "x".repeat(201);
    let bad = [
        ("", json!(1), None),
        (long.as_str(), json!(1), None),
        ("a\0b", json!(1), None),
        ("go", json!("a\0b"), None),
        ("go", json!(1), Some("")),
        ("go", json!(1), Some(long.as_str())),
        ("go", json!(1), Some("ü")),
    ];
    let who = someone();
    for (name, payload, key) in bad {
        let refused = room.desk.signal(&who, run, name, &payload, key).await;
        assert!(
            refused.expect_err("refused").is_wrong_use(),
            "{name} {key:?}"
        );
    }
    for expected in [Sent::Sent, Sent::Duplicate] {
        let sent = room
            .desk
            .signal(&who, run, "go", &json!(1), Some("k"))
            .await;
        assert_eq!(sent.expect("told"), expected);
    }
    let looks_like_nul = json!({"note": "a\\u0000"});
    let sent = room.desk.signal(&who, run, "go", &looks_like_nul, None);
    assert_eq!(sent.await.expect("told"), Sent::Sent);
    assert_eq!(room.desk.state(run, "progress").await.expect("read"), None);
    assert!(room.desk.state(run, "a\0b").await.is_err());
}

#[tokio::test]
async fn runs_are_followed_until_all_have_ended() {
    let room = Room::open().await;
    let runs = room.queued(2).await;
    let standing = room.desk.standing(&runs).await.expect("read");
    assert_eq!((standing.of(RunState::Queued), standing.ended()), (2, 0));
    let engine = room.desk.engine().clone();
    let ending = runs.clone();
    let mut looks = Vec::new();
    engine.cancel(ending[0], "test").await.expect("done");
    let follow = room
        .desk
        .until_ended(&runs, |standing| looks.push(standing.to_string()));
    let end = async {
        engine.cancel(ending[1], "test").await.expect("done");
    };
    let (ended, ()) = tokio::join!(follow, end);
    assert_eq!(ended.expect("followed").to_string(), "2 cancelled");
    assert_eq!(looks.last().map(String::as_str), Some("2 cancelled"));
}

#[tokio::test]
async fn a_run_named_twice_is_followed_as_one() {
    let room = Room::open().await;
    let run = room.queued(1).await[0];
    let engine = room.desk.engine();
    engine.cancel(run, "test").await.expect("done");
    let ended = room.desk.until_ended(&[run, run], |_| ()).await;
    assert_eq!(ended.expect("followed").to_string(), "1 cancelled");
}

#[tokio::test]
async fn a_run_is_not_told_without_end_what_it_does_not_ask_for() {
    let room = Room::open().await;
    let run = room.queued(1).await[0];
    let (desk, who) = (&room.desk, someone());
    let huge = json!("x".repeat(1 << 20));
    let refused = desk.signal(&who, run, "go", &huge, None).await;
    assert!(matches!(refused, Err(DeskError::SignalTooLarge)));

    let first = desk.signal(&who, run, "go", &json!(1), Some("k")).await;
    assert_eq!(first.expect("sent"), Sent::Sent);
    sqlx::query(
        "insert into leadrail.signal (run_id, name, payload)
         select $1, 'go', '1' from generate_series(1, 999)",
    )
    .bind(run.0)
    .execute(room.pool())
    .await
    .expect("sent");
    let more = desk.signal(&who, run, "go", &json!(1), None).await;
    assert!(matches!(more, Err(DeskError::TooManySignals)));
    // One that was sent before is no more of them.
    let again = desk.signal(&who, run, "go", &json!(1), Some("k")).await;
    assert_eq!(again.expect("told"), Sent::Duplicate);
    let taken =
        "update leadrail.signal set taken_at = now() where payload::text = '1' and key is null";
    room.sql(taken).await;
    let after = desk.signal(&who, run, "go", &json!(1), None).await;
    assert_eq!(after.expect("sent"), Sent::Sent);
}
