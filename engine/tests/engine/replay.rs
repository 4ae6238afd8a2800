//! Replays: letters are chosen once, sent round by round, and given back.

use crate::kit::dead::{all, doomed, refusing};
use crate::kit::{AnyChild, Bench, Working, quick, quick_config, registry, told};
use leadrail_engine::{
    Cancelled, HistoryKind, LetterFilter, LettersError, Registry, Restarted, RunId, RunState,
    Standing,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test(flavor = "multi_thread")]
async fn replays_that_choose_at_once_share_no_letter_and_leave_none() {
    let bench = Bench::new().await;
    let mut dead = vec![doomed("a", 2); 30];
    dead.extend(vec![doomed("b", 2); 30]);
    bench.bury(&dead).await;
    let mut replays = Vec::new();
    for _ in 0..5 {
        replays.push(bench.tell(Value::Null).await);
    }
    let choices = replays.iter().enumerate().map(|(n, &replay)| {
        let engine = bench.engine.clone();
        let lanes = (n % 2 == 0).then(|| vec!["a".to_owned()]);
        let filter = LetterFilter { lanes, ..all() };
        tokio::spawn(async move { engine.enlist(replay, &filter).await.expect("enlist") })
    });
    let mut taken = BTreeMap::new();
    for (choice, &replay) in futures::future::join_all(choices)
        .await
        .into_iter()
        .zip(&replays)
    {
        taken.insert(replay, choice.expect("a choice"));
    }
    assert_eq!(taken.values().sum::<u64>(), 60);
    for (&replay, &count) in &taken {
        let filter = LetterFilter {
            replay: Some(replay),
            ..all()
        };
        let letters = bench.engine.letters(&filter, None, 100).await.unwrap();
        assert_eq!(letters.len() as u64, count);
        let progress = bench.progress(replay).await;
        assert_eq!(
            (progress.enlisted, progress.revived, progress.left),
            (count, 0, count)
        );
    }
    assert!(bench.stands(Standing::Open).await.is_empty());
    bench.is_sound().await;
}

#[tokio::test]
async fn a_choice_is_made_once_and_by_a_run_that_lives() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let replay = bench.tell(Value::Null).await;
    assert_eq!(engine.enlist(replay, &all()).await.unwrap(), 0);
    bench.bury(&vec![doomed("a", 2); 3]).await;
    assert_eq!(engine.enlist(replay, &all()).await.unwrap(), 3);
    let late = bench.bury(&[doomed("a", 2)]).await[0];
    assert_eq!(
        engine.enlist(replay, &all()).await.unwrap(),
        3,
        "it has made its choice"
    );
    assert_eq!(bench.stands(Standing::Open).await, HashSet::from([late]));
    engine.cancel(replay, "enough").await.unwrap();
    for nobody in [replay, RunId::new()] {
        let refused = engine.enlist(nobody, &all()).await.unwrap_err();
        assert!(
            matches!(refused, LettersError::NoReplay(run) if run == nobody),
            "{refused:?}"
        );
    }
    // Whoever comes next has what the ended one kept.
    let next = bench.tell(Value::Null).await;
    assert_eq!(engine.enlist(next, &all()).await.unwrap(), 4);
    bench.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_sends_the_most_urgent_of_each_lane_the_oldest_first_and_only_once() {
    let bench = Bench::new().await;
    let world = refusing(9);
    let dead = [
        ("a", 5),
        ("a", 2),
        ("a", 0),
        ("a", 2),
        ("b", 2),
        ("b", 2),
        ("b", 2),
        ("c", 2),
        ("c", 2),
    ];
    let mut runs = Vec::new();
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    for (lane, priority) in dead {
        runs.push(bench.enqueue_all(&[doomed(lane, priority)]).await[0]);
        bench.until(*runs.last().unwrap(), RunState::Dead).await;
    }
    let replay = bench.tell(Value::Null).await;
    let chosen = LetterFilter {
        lanes: Some(vec!["a".to_owned(), "b".to_owned()]),
        ..all()
    };
    let engine = &bench.engine;
    assert_eq!(engine.enlist(replay, &chosen).await.unwrap(), 7);
    let round = |lane, most, round| engine.revive_enlisted(replay, lane, most, round, "replay");
    assert_eq!(round(None, 2, 1).await.unwrap(), 4);
    assert_eq!(round(None, 2, 1).await.unwrap(), 0, "the answer was lost");
    for sent in [2, 1, 4, 5] {
        bench.until(runs[sent], RunState::Completed).await;
    }
    let left: HashSet<_> = [3, 0, 6].into_iter().map(|n: usize| runs[n]).collect();
    assert_eq!(bench.stands(Standing::Enlisted).await, left);
    assert_eq!(round(Some("a"), 1, 2).await.unwrap(), 1);
    assert_eq!(
        round(Some("a"), 1, 1).await.unwrap(),
        0,
        "that round is over"
    );
    assert_eq!(
        round(Some("c"), 1, 2).await.unwrap(),
        0,
        "it is none of its lanes"
    );
    bench.until(runs[3], RunState::Completed).await;
    let progress = bench.progress(replay).await;
    assert_eq!(
        (progress.enlisted, progress.revived, progress.left),
        (7, 5, 2)
    );
    let lanes: Vec<_> = progress
        .lanes
        .iter()
        .map(|l| (l.lane.as_str(), l.enlisted, l.revived, l.left))
        .collect();
    assert_eq!(lanes, [("a", 4, 3, 1), ("b", 3, 2, 1)]);

    assert_eq!(engine.release_replay(replay).await.unwrap(), 2);
    assert_eq!(engine.release_replay(replay).await.unwrap(), 0);
    assert_eq!(
        round(None, 10, 3).await.unwrap(),
        0,
        "there is nothing left"
    );
    assert_eq!(bench.stands(Standing::Open).await.len(), 4);
    worker.stop().await;
    assert_eq!(
        world.executions("yes"),
        9,
        "what was done is not done again"
    );
    let history = engine.history(runs[3]).await.unwrap();
    let sent = history
        .iter()
        .find(|event| event.kind == HistoryKind::RunReplayed);
    assert_eq!(
        sent.unwrap().payload,
        Some(json!({ "replay": replay, "by": "replay" }))
    );
    bench.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_send_the_same_round_at_once_send_it_once() {
    let bench = Bench::new().await;
    let dead: Vec<_> = ["a", "b", "c"]
        .iter()
        .flat_map(|lane| vec![doomed(lane, 2); 20])
        .collect();
    bench.bury(&dead).await;
    let replay = bench.tell(Value::Null).await;
    bench.engine.enlist(replay, &all()).await.unwrap();
    for round in 1..=2 {
        let senders = (0..6).map(|_| {
            let engine = bench.engine.clone();
            tokio::spawn(async move {
                engine
                    .revive_enlisted(replay, None, 10, round, "replay")
                    .await
                    .expect("a round")
            })
        });
        let sent = futures::future::join_all(senders).await;
        assert_eq!(
            sent.into_iter()
                .map(|each| each.expect("a sender"))
                .sum::<u32>(),
            30
        );
    }
    assert_eq!(bench.progress(replay).await.left, 0);
    bench.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_who_want_something_else_with_a_letter_at_once_one_wins() {
    let bench = Bench::new().await;
    let runs = bench.bury(&vec![doomed("a", 2); 40]).await;
    let replay = bench.tell(Value::Null).await;
    bench
        .engine
        .enlist(replay, &LetterFilter::of_runs(runs[..20].to_vec()))
        .await
        .unwrap();
    let mut all_of_them = Vec::new();
    for &run in &runs {
        let engine = bench.engine.clone();
        all_of_them.push(tokio::spawn(async move {
            u64::from(engine.revive(run, "ann").await.unwrap())
        }));
        let engine = bench.engine.clone();
        all_of_them.push(tokio::spawn(async move {
            u64::from(engine.restart(run, None).await.unwrap() == Restarted::Restarted)
        }));
    }
    for half in [&runs[..25], &runs[15..]] {
        let (engine, filter) = (bench.engine.clone(), LetterFilter::of_runs(half.to_vec()));
        all_of_them.push(tokio::spawn(async move {
            engine.discard(&filter, "bob", "spam").await.unwrap()
        }));
    }
    for round in 1..=10 {
        let engine = bench.engine.clone();
        all_of_them.push(tokio::spawn(async move {
            u64::from(
                engine
                    .revive_enlisted(replay, None, 3, round, "replay")
                    .await
                    .unwrap(),
            )
        }));
    }
    let mut acted: u64 = 0;
    for each in all_of_them {
        acted += each.await.expect("no panic and no deadlock");
    }
    // Nobody executes here, so who is alive again stays so.
    assert_eq!(acted, 40);
    assert!(bench.stands(Standing::Open).await.is_empty());
    bench.is_sound().await;
}

#[tokio::test]
async fn a_person_takes_a_letter_out_of_a_replay() {
    let bench = Bench::new().await;
    let runs = bench.bury(&vec![doomed("a", 2); 5]).await;
    let engine = &bench.engine;
    let replay = bench.tell(Value::Null).await;
    engine.enlist(replay, &all()).await.unwrap();
    assert!(engine.revive(runs[0], "ann").await.unwrap());
    engine
        .discard(&LetterFilter::of_runs([runs[1]]), "ann", "spam")
        .await
        .unwrap();
    assert_eq!(
        engine.cancel(runs[2], "spam").await.unwrap(),
        Cancelled::Cancelled
    );
    assert_eq!(
        engine.restart(runs[3], None).await.unwrap(),
        Restarted::Restarted
    );
    assert_eq!(
        engine
            .revive_enlisted(replay, None, 10, 1, "replay")
            .await
            .unwrap(),
        1
    );
    let progress = bench.progress(replay).await;
    assert_eq!(
        (progress.enlisted, progress.revived, progress.left),
        (5, 1, 0)
    );
    // Undone, it is open and in no replay.
    engine.undiscard(&all()).await.unwrap();
    assert_eq!(bench.stands(Standing::Open).await, HashSet::from([runs[1]]));
    bench.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_goes_on_as_a_new_run_keeps_its_letters_and_one_that_ends_gives_them_back() {
    let bench = Bench::new().await;
    bench.bury(&vec![doomed("a", 2); 3]).await;
    let rounds = Registry::new().with(told(|ctx, left| async move {
        ctx.signal::<Value>("tick").await?;
        match left.as_u64().unwrap_or(0) {
            0 => Ok(json!("over")),
            left => ctx.continue_as_new::<AnyChild>(&json!(left - 1)),
        }
    }));
    let replay = bench.tell(json!(1)).await;
    let engine = &bench.engine;
    engine.enlist(replay, &all()).await.unwrap();
    let worker = Working::start(&bench, rounds, quick_config());
    engine.signal(replay, "tick", &1, None).await.unwrap();
    bench.until(replay, RunState::Completed).await;
    engine.keep_house().await.unwrap();
    engine.shift_clock(2 * DAY).await.unwrap();
    engine.keep_house().await.unwrap();
    assert_eq!(bench.progress(replay).await.left, 3);
    assert_eq!(
        engine
            .revive_enlisted(replay, None, 1, 1, "replay")
            .await
            .unwrap(),
        1
    );
    bench.is_sound().await;

    engine.signal(replay, "tick", &2, None).await.unwrap();
    let over = async {
        while bench.progress(replay).await.left > 0 {
            engine.keep_house().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), over)
        .await
        .expect("the rest is given back");
    worker.stop().await;
    assert_eq!(bench.stands(Standing::Open).await.len(), 2);
    bench.is_sound().await;
}
