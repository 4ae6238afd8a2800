//! Dead letters are a queue: paged, filtered, marked, sorted and revived.

use crate::kit::dead::{all, doomed, letter, refusing};
use crate::kit::{Bench, Working, quick, quick_config, registry, told};
use leadrail_engine::{
    Engine, HistoryKind, Letter, LetterFilter, LetterSeq, LettersError, Registry, Restarted, RunId,
    RunState, Standing, WorkflowError,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A filter that says one thing.
fn only(say: impl FnOnce(&mut LetterFilter)) -> LetterFilter {
    let mut filter = all();
    say(&mut filter);
    filter
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_says_what_its_run_was() {
    let bench = Bench::new().await;
    let mut run = doomed("crm", 1);
    run.scope = "acme".to_owned();
    let run = bench.enqueue_all(&[run]).await[0];
    let worker = Working::start(&bench, registry(&refusing(1), quick()), quick_config());
    let dead = bench.until(run, RunState::Dead).await;
    worker.stop().await;
    let letter = letter(&bench, run).await;
    assert_eq!(
        (letter.run_id, letter.priority, letter.workflow.as_str()),
        (run, 1, "story")
    );
    assert_eq!(
        (
            letter.scope.as_str(),
            letter.lane.as_str(),
            letter.reason.as_str()
        ),
        ("acme", "crm", "http_422")
    );
    assert_eq!(letter.activity.as_deref(), Some("step#2"));
    assert_eq!(letter.died_at, dead.changed_at);
    assert_eq!(
        (letter.incident_id, letter.replay_id, letter.discarded_at),
        (None, None, None)
    );
    assert_eq!(bench.engine.letter(RunId::new()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_sees_every_letter_once_while_new_ones_arrive() {
    let bench = Bench::new().await;
    let first: HashSet<_> = bench
        .bury(&vec![doomed("a", 2); 60])
        .await
        .into_iter()
        .collect();
    let late = bench.enqueue_all(&vec![doomed("b", 2); 40]).await;
    let world = refusing(40);
    let workers: Vec<_> = (0..2)
        .map(|_| Working::start(&bench, registry(&world, quick()), quick_config()))
        .collect();
    let (mut seen, mut after): (Vec<Letter>, _) = (Vec::new(), None);
    loop {
        let page = bench.engine.letters(&all(), after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.seq);
        seen.extend(page);
    }
    for run in late {
        bench.until(run, RunState::Dead).await;
    }
    for worker in workers {
        worker.stop().await;
    }
    assert!(seen.is_sorted_by(|one, next| one.seq < next.seq));
    let runs: HashSet<_> = seen.iter().map(|letter| letter.run_id).collect();
    assert_eq!(runs.len(), seen.len(), "none twice");
    assert!(runs.is_superset(&first));
    assert_eq!(bench.all_letters().await.len(), 100);
}

#[tokio::test]
async fn a_filter_means_the_letters_that_match_all_of_it() {
    let bench = Bench::new().await;
    let mut other = doomed("b", 2);
    other.scope = "acme".to_owned();
    let runs = bench.bury(&[doomed("a", 2), doomed("a", 2), other]).await;
    let letters = bench.all_letters().await;
    bench.engine.sort_into(7, &[letters[0].seq]).await.unwrap();
    let died = letters[0].died_at;
    let lane = |lane: &str| Some(vec![lane.to_owned()]);
    let later = |seconds| Some(died + chrono::TimeDelta::seconds(seconds));
    let meant: [(LetterFilter, &[usize]); 12] = [
        (all(), &[0, 1, 2]),
        (only(|f| f.lanes = lane("a")), &[0, 1]),
        (only(|f| f.lanes = Some(vec![])), &[]),
        (only(|f| f.scope = Some("acme".into())), &[2]),
        (
            only(|f| (f.scope, f.lanes) = (Some("acme".into()), lane("a"))),
            &[],
        ),
        (only(|f| f.incident = Some(7)), &[0]),
        (only(|f| f.reason = Some("http_500".into())), &[0, 1, 2]),
        (only(|f| f.activity = Some("%".into())), &[]),
        (only(|f| f.workflow = Some("story".into())), &[0, 1, 2]),
        (only(|f| f.died_from = later(1)), &[]),
        (only(|f| f.died_before = later(60)), &[0, 1, 2]),
        (LetterFilter::of_runs([runs[1]]), &[1]),
    ];
    for (filter, expected) in meant {
        let found = bench.engine.letters(&filter, None, 10).await.unwrap();
        let found: Vec<_> = found.iter().map(|letter| letter.run_id).collect();
        let expected: Vec<_> = expected.iter().map(|&n| runs[n]).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_hostile_filter_is_refused_with_the_field_named_and_what_it_holds_kept_quiet() {
    let bench = Bench::new().await;
    bench.bury(&[doomed("a", 2)]).await;
    let huge = "canary".repeat(200_000);
    let nul = "canary\0".to_owned();
    let many = vec![RunId::new(); 10_001];
    let hostile = [
        (
            only(|f| f.reason = Some(huge.clone())),
            "the reason has 1200000 bytes",
        ),
        (
            only(|f| f.scope = Some(nul.clone())),
            "the scope contains a NUL",
        ),
        (
            only(|f| f.lanes = Some(vec![nul.clone()])),
            "the lane contains a NUL",
        ),
        (
            only(|f| f.activity = Some(huge.clone())),
            "the activity has",
        ),
        (
            only(|f| f.workflow = Some(nul.clone())),
            "the workflow contains",
        ),
        (
            LetterFilter::of_runs(many),
            "the runs list has 10001 items and the limit is 10000",
        ),
    ];
    let replay = bench.tell(Value::Null).await;
    for (filter, said) in hostile {
        let engine = &bench.engine;
        for refused in [
            engine.letters(&filter, None, 1).await.map(drop),
            engine.discard(&filter, "ann", "spam").await.map(drop),
            engine.undiscard(&filter).await.map(drop),
            engine.enlist(replay, &filter).await.map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, LettersError::Invalid { .. }), "{error:?}");
            let error = error.to_string();
            assert!(error.contains(said) && !error.contains("canary"), "{error}");
        }
    }
    for (by, why) in [
        ("", "spam"),
        (" ", "spam"),
        (&huge, "spam"),
        ("ann", &nul),
        ("ann", ""),
    ] {
        let refused = bench.engine.discard(&all(), by, why).await.unwrap_err();
        assert!(
            matches!(refused, LettersError::Invalid { .. }),
            "{refused:?}"
        );
    }
    // What only looks hostile is a text like any other.
    let quoted = only(|f| f.reason = Some("' or true --".into()));
    assert_eq!(
        bench
            .engine
            .discard(&quoted, "o'hara", "{\"(,)\\")
            .await
            .unwrap(),
        0
    );
    assert_eq!(bench.stands(Standing::Open).await.len(), 1);
}

#[tokio::test]
async fn a_discard_leaves_the_run_dead_and_can_be_undone() {
    let bench = Bench::new().await;
    let runs = bench.bury(&vec![doomed("a", 2); 2]).await;
    let engine = &bench.engine;
    let first = LetterFilter::of_runs([runs[0]]);
    assert_eq!(engine.discard(&first, "ann", "spam").await.unwrap(), 1);
    assert_eq!(engine.discard(&first, "bob", "again").await.unwrap(), 0);
    let marked = letter(&bench, runs[0]).await;
    assert_eq!(marked.discarded_by.as_deref(), Some("ann"));
    assert_eq!(marked.discarded_why.as_deref(), Some("spam"));
    bench.until(runs[0], RunState::Dead).await;
    // Nobody sends it through by accident, or is told of it.
    assert!(!engine.revive(runs[0], "bob").await.unwrap());
    assert_eq!(
        engine.restart(runs[0], None).await.unwrap(),
        Restarted::NotRestartable
    );
    let replay = bench.tell(Value::Null).await;
    assert_eq!(engine.enlist(replay, &first).await.unwrap(), 0);
    let unsorted = engine.unsorted(10).await.unwrap();
    assert_eq!(unsorted.len(), 1);
    bench.is_sound().await;

    assert_eq!(engine.undiscard(&all()).await.unwrap(), 1);
    assert_eq!(engine.undiscard(&all()).await.unwrap(), 0);
    let wanted = letter(&bench, runs[0]).await;
    assert_eq!(
        Letter {
            discarded_at: None,
            discarded_by: None,
            discarded_why: None,
            ..marked
        },
        wanted
    );
    assert!(engine.revive(runs[0], "bob").await.unwrap());
    assert_eq!(engine.letter(runs[0]).await.unwrap(), None);
    bench.is_sound().await;
}

#[tokio::test]
async fn a_discard_that_nobody_undoes_becomes_a_cancelled_run_and_leaves_as_one() {
    let bench = Bench::new().await;
    let runs = bench.bury(&vec![doomed("a", 2); 2]).await;
    let engine = &bench.engine;
    let first = LetterFilter::of_runs([runs[0]]);
    engine.discard(&first, "ann", "spam").await.unwrap();
    engine.shift_clock(29 * DAY).await.unwrap();
    engine.keep_house().await.unwrap();
    bench.until(runs[0], RunState::Dead).await;
    engine.shift_clock(2 * DAY).await.unwrap();
    engine.keep_house().await.unwrap();
    let gone = bench.until(runs[0], RunState::Cancelled).await;
    assert_eq!(gone.reason.as_deref(), Some("discarded"));
    let history = engine.history(runs[0]).await.unwrap();
    let last = history.last().unwrap();
    assert_eq!(last.kind, HistoryKind::RunCancelled);
    assert_eq!(last.payload, Some(json!({ "why": "spam", "by": "ann" })));
    bench.until(runs[1], RunState::Dead).await;
    engine.shift_clock(DAY).await.unwrap();
    assert_eq!(
        engine.keep_house().await.unwrap(),
        1,
        "it leaves the hot table"
    );
    assert_eq!(bench.all_letters().await.len(), 1);
    bench.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revived_run_goes_on_from_its_last_checkpoint_and_says_who_sent_it() {
    let bench = Bench::new().await;
    let world = refusing(1);
    let run = bench.enqueue_all(&[doomed("a", 2)]).await[0];
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until(run, RunState::Dead).await;
    assert!(bench.engine.revive(run, "ann").await.unwrap());
    bench.until(run, RunState::Completed).await;
    assert!(!bench.engine.revive(run, "ann").await.unwrap());
    worker.stop().await;
    assert_eq!((world.executions("yes"), world.executions("no")), (1, 2));
    let history = bench.engine.history(run).await.unwrap();
    let revived = history
        .iter()
        .find(|event| event.kind == HistoryKind::RunRevived);
    assert_eq!(revived.unwrap().payload, Some(json!({ "by": "ann" })));
    bench.is_sound().await;
}

#[tokio::test]
async fn a_run_that_dies_again_is_another_letter_without_marks() {
    let bench = Bench::new().await;
    let run = bench.bury(&[doomed("a", 2)]).await[0];
    let engine = &bench.engine;
    let was = letter(&bench, run).await;
    assert_eq!(engine.sort_into(3, &[was.seq]).await.unwrap(), 1);
    assert_eq!(
        engine.sort_into(4, &[was.seq]).await.unwrap(),
        0,
        "it has its incident"
    );
    assert_eq!(letter(&bench, run).await.incident_id, Some(3));
    assert!(engine.revive(run, "ann").await.unwrap());
    bench.bury_again(&[run]).await;
    let is = letter(&bench, run).await;
    assert!(is.seq > was.seq && is.incident_id.is_none(), "{is:?}");
    assert_eq!(
        engine.sort_into(4, &[was.seq]).await.unwrap(),
        0,
        "that one is gone"
    );
    let unsorted = engine.unsorted(10).await.unwrap();
    assert_eq!(unsorted, [is]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deaths_that_no_workflow_sees_are_heard_of() {
    let bench = Bench::new().await;
    let poisonous = bench.tell(json!("poison")).await;
    let panics = bench.tell(json!("panic")).await;
    let unstorable = bench.tell(json!("unstorable")).await;
    // As it is after its workers died again and again while it was alone.
    sqlx::query(
        "with past as (
             insert into leadrail.history (run_id, seq, at, kind, payload)
             select $1, n, leadrail.now(), (array['run_started', 'run_isolated', 'run_lost'])[n % 3 + 1]::leadrail.history_kind,
                    json_build_object('deaths', n)
             from generate_series(0, 29) n
         )
         update leadrail.workflow_run set starts = 10 where id = $1",
    )
    .bind(poisonous)
    .execute(bench.engine.pool())
    .await
    .unwrap();
    let registry = Registry::new().with(told(|_, input| async move {
        match input.as_str() {
            Some("panic") => panic!("scripted"),
            Some("unstorable") => Err(WorkflowError::new("\0", "no database takes this")),
            _ => Ok(input),
        }
    }));
    let worker = Working::start(&bench, registry, quick_config());
    let expected = [
        (poisonous, "poison"),
        (panics, "panic"),
        (unstorable, "not_storable"),
    ];
    for (run, _) in expected {
        bench.until(run, RunState::Dead).await;
    }
    worker.stop().await;
    let unsorted = bench.engine.unsorted(10).await.unwrap();
    let heard: BTreeMap<_, _> = unsorted
        .iter()
        .map(|letter| (letter.run_id, letter.reason.as_str()))
        .collect();
    assert_eq!(heard, BTreeMap::from(expected));
    bench.is_sound().await;
}

#[tokio::test]
async fn two_who_sort_at_once_get_different_letters() {
    let bench = Bench::new().await;
    bench.bury(&vec![doomed("a", 2); 10]).await;
    let pool = bench.engine.pool();
    let (mut one, mut other) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    let first = Engine::unsorted_in(&mut one, 6).await.unwrap();
    let rest = Engine::unsorted_in(&mut other, 6).await.unwrap();
    let seqs = |letters: &[Letter]| letters.iter().map(|l| l.seq).collect::<Vec<LetterSeq>>();
    let both: HashSet<_> = seqs(&first).into_iter().chain(seqs(&rest)).collect();
    assert_eq!((first.len(), rest.len(), both.len()), (6, 4, 10));
    let sorted = Engine::sort_into_in(&mut one, 1, &seqs(&first)).await;
    assert_eq!(sorted.unwrap(), 6);
    one.commit().await.unwrap();
    // Who gives up has sorted nothing.
    other.rollback().await.unwrap();
    assert_eq!(bench.engine.unsorted(10).await.unwrap().len(), 4);
}
