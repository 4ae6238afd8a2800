use super::*;
use serde_json::json;

struct Log(Vec<Event>);

impl Log {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(mut self, kind: HistoryKind, activity: Option<&str>, payload: Value) -> Self {
        let seq = i32::try_from(self.0.len()).unwrap();
        self.0.push(Event {
            run_id: RunId::new(),
            seq,
            at: DateTime::from_timestamp(1_000 + i64::from(seq), 0).unwrap(),
            kind,
            activity: activity.map(str::to_owned),
            attempt: activity.map(|_| 1),
            payload: Some(payload),
        });
        self
    }

    fn read(self) -> Past {
        Past::read(self.0)
    }
}

#[test]
fn a_completed_activity_hands_out_its_result_again() {
    let mut past = Log::new()
        .add(HistoryKind::RunStarted, None, json!({}))
        .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
        .add(
            HistoryKind::ActivityCompleted,
            Some("make"),
            json!({"output": {"id": 7}}),
        )
        .read();
    let recorded = past.take("make");
    assert_eq!(recorded.output, Some(json!({"id": 7})));
    assert_eq!(recorded.open_intent, None);
    assert_eq!(past.next_seq, 3);
}

#[test]
fn a_result_of_null_is_a_result() {
    let mut past = Log::new()
        .add(
            HistoryKind::ActivityCompleted,
            Some("look"),
            json!({"output": null}),
        )
        .read();
    assert_eq!(past.take("look").output, Some(Value::Null));
}

#[test]
fn an_intent_stays_open_through_ambiguity_and_closes_on_certainty() {
    let open = |keeps: bool| {
        Log::new()
            .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
            .add(
                HistoryKind::ActivityFailed,
                Some("make"),
                json!({"keeps_intent": keeps}),
            )
            .read()
            .take("make")
            .open_intent
            .is_some()
    };
    assert!(open(true));
    assert!(!open(false));
}

#[test]
fn being_revived_forgives_only_the_activity_that_ended_the_run() {
    let refusal = json!({"kind": "rejected", "final": true, "reason": "http_422", "message": "no"});
    let mut past = Log::new()
        .add(
            HistoryKind::ActivityFailed,
            Some("optional"),
            refusal.clone(),
        )
        .add(
            HistoryKind::ActivityCompleted,
            Some("other"),
            json!({"output": 1}),
        )
        .add(HistoryKind::ActivityFailed, Some("make"), refusal)
        .add(HistoryKind::RunDead, None, json!({}))
        .add(HistoryKind::RunRevived, None, json!({}))
        .read();
    assert!(past.take("optional").refused.is_some());
    let make = past.take("make");
    assert_eq!((make.refused, make.failures), (None, 0));
}

#[test]
fn deaths_are_read_with_what_others_lost_meanwhile() {
    let lives = |deaths: [u64; 3]| {
        let mut log = Log::new();
        for dead in deaths {
            log = log
                .add(HistoryKind::RunStarted, None, json!({}))
                .add(HistoryKind::RunIsolated, None, json!({}))
                .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
                .add(HistoryKind::RunLost, None, json!({"deaths": dead}));
        }
        log.read().crashes
    };
    assert!(lives([7, 8, 9]).is_poison());
    assert!(!lives([7, 10, 13]).is_poison());
}

#[test]
fn a_timer_that_cannot_be_read_is_told_from_one_that_was_not_started() {
    let mut past = Log::new()
        .add(
            HistoryKind::TimerStarted,
            Some("timer"),
            json!({"due": "soon"}),
        )
        .add(
            HistoryKind::TimerStarted,
            Some("timer#2"),
            json!({"due": "2026-11-21T02:00:00Z"}),
        )
        .add(HistoryKind::SideValue, Some("now"), json!({"value": 7}))
        .read();
    assert_eq!(
        past.leftovers(),
        ["timer", "timer#2"],
        "a side value binds nobody"
    );
    assert_eq!(past.take_timer("timer"), Some(None));
    assert_eq!(
        past.take_timer("timer#2")
            .flatten()
            .map(|due| due.timestamp()),
        Some(1_795_226_400)
    );
    assert_eq!(past.take_timer("timer#3"), None);
    assert_eq!(past.take_side_value("now"), Some(json!(7)));
    assert!(past.is_spent());
}

#[test]
fn a_restart_forgets_what_came_after_but_not_that_an_effect_was_begun() {
    let mut past = Log::new()
        .add(HistoryKind::ActivityStarted, Some("a"), json!(null))
        .add(
            HistoryKind::ActivityCompleted,
            Some("a"),
            json!({"output": 1}),
        )
        .add(
            HistoryKind::TimerStarted,
            Some("timer"),
            json!({"due": "2026-11-21T02:00:00Z"}),
        )
        .add(HistoryKind::ActivityStarted, Some("b"), json!(null))
        .add(
            HistoryKind::ActivityCompleted,
            Some("b"),
            json!({"output": 2}),
        )
        .add(HistoryKind::CancelRequested, None, json!({"why": "x"}))
        .add(HistoryKind::RunRestarted, None, json!({"from": "timer"}))
        .read();
    assert_eq!(past.leftovers(), ["a"]);
    assert_eq!(past.cancelled, None);
    assert_eq!(past.take("a").output, Some(json!(1)));
    let b = past.take("b");
    assert_eq!((b.output, b.open_intent.is_some()), (None, true));
}

#[test]
fn an_attempt_that_a_person_asked_for_counts_for_one_that_failed() {
    let failed = json!({"kind": "not_done", "reason": "http_503"});
    let mut past = Log::new()
        .add(HistoryKind::ActivityFailed, Some("a"), failed.clone())
        .add(HistoryKind::RunTriedNow, Some("a"), json!(null))
        .add(HistoryKind::ActivityFailed, Some("a"), failed)
        .read();
    assert_eq!(past.take("a").failures, 1);
}

/// Two activities with an effect each, one after the other.
fn two_made(log: Log) -> Log {
    ["a", "b"].into_iter().fold(log, |log, label| {
        log.add(HistoryKind::ActivityStarted, Some(label), json!(null))
            .add(
                HistoryKind::ActivityCompleted,
                Some(label),
                json!({"output": label}),
            )
    })
}

#[test]
fn when_an_effect_was_first_begun_is_known_through_failures_and_restarts() {
    let intent = |log: Log| log.add(HistoryKind::ActivityStarted, Some("make"), json!(null));
    let ambiguous = json!({"reason": "timeout", "keeps_intent": true});
    let log = intent(Log::new().add(HistoryKind::RunStarted, None, json!({})));
    let log = intent(log.add(HistoryKind::ActivityFailed, Some("make"), ambiguous));
    let log = intent(log.add(HistoryKind::RunRestarted, None, json!({"from": null})));
    let first = DateTime::from_timestamp(1_001, 0);
    let mut past = log.read();
    assert_eq!(past.take("make").first_begun, first);
    assert_eq!(past.take("never").first_begun, None);
}

#[test]
fn a_restart_from_the_top_forgets_all_and_one_from_nowhere_nothing() {
    let restarted = |payload: Value| {
        two_made(Log::new())
            .add(HistoryKind::RunRestarted, None, payload)
            .read()
            .leftovers()
    };
    assert!(restarted(json!({"from": null})).is_empty());
    assert!(restarted(json!({"from": "a"})).is_empty());
    assert_eq!(restarted(json!({"from": "b"})), ["a"]);
    assert_eq!(restarted(json!({"from": "c"})), ["a", "b"]);
}

#[test]
fn a_second_restart_goes_by_the_order_of_the_second_pass() {
    let first = two_made(Log::new()).add(HistoryKind::RunRestarted, None, json!({"from": null}));
    let second = ["b", "a"].into_iter().fold(first, |log, label| {
        log.add(
            HistoryKind::ActivityCompleted,
            Some(label),
            json!({"output": label}),
        )
    });
    let mut past = second
        .add(HistoryKind::RunRestarted, None, json!({"from": "a"}))
        .read();
    assert_eq!(past.leftovers(), ["b"]);
    assert!(past.take("a").open_intent.is_some(), "it was begun once");
}

#[test]
fn an_effect_made_again_after_a_restart_is_no_remnant() {
    let mut past = two_made(Log::new())
        .add(HistoryKind::RunRestarted, None, json!({"from": "b"}))
        .add(HistoryKind::ActivityStarted, Some("b"), json!(null))
        .add(
            HistoryKind::ActivityCompleted,
            Some("b"),
            json!({"output": "again"}),
        )
        .read();
    let b = past.take("b");
    assert_eq!((b.output, b.open_intent), (Some(json!("again")), None));
}

#[test]
fn signals_and_what_was_published_are_handed_out_once() {
    let mut past = Log::new()
        .add(
            HistoryKind::SignalReceived,
            Some("approve"),
            json!({"value": true}),
        )
        .add(HistoryKind::SignalTimedOut, Some("approve#2"), json!(null))
        .add(HistoryKind::StatePublished, Some("state"), json!({}))
        .read();
    assert_eq!(past.leftovers(), ["approve", "approve#2"]);
    let received = RecordedSignal::Received(json!(true));
    assert_eq!(past.take_signal("approve"), Some(received));
    assert_eq!(past.take_signal("approve"), None);
    assert!(!past.is_spent());
    assert_eq!(
        past.take_signal("approve#2"),
        Some(RecordedSignal::TimedOut)
    );
    assert!(past.is_spent());
    assert!(past.take_published("state"));
    assert!(!past.take_published("state"));
}

#[test]
fn a_child_is_known_by_its_run_and_later_by_its_end() {
    let run = RunId::new();
    let started = || {
        Log::new().add(
            HistoryKind::ChildStarted,
            Some("child"),
            json!({"run": run.to_string()}),
        )
    };
    let taken = |log: Log| log.read().take_child("child");
    let with = |outcome| Some(RecordedChild { run, outcome });
    assert_eq!(taken(started()), with(None));
    let completed = json!({"output": 7});
    assert_eq!(
        taken(started().add(HistoryKind::ChildCompleted, Some("child"), completed)),
        with(Some(Ok(json!(7))))
    );
    let failed = json!({"reason": "http_422", "message": "no"});
    assert_eq!(
        taken(started().add(HistoryKind::ChildFailed, Some("child"), failed)),
        with(Some(Err(("http_422".to_owned(), "no".to_owned()))))
    );
    let mut past = started().read();
    assert_eq!(past.leftovers(), ["child"]);
    assert!(past.take_child("child").is_some() && past.is_spent());
}

#[test]
fn only_a_result_counts_as_one() {
    let past = Log::new()
        .add(HistoryKind::ActivityStarted, Some("begun"), json!(null))
        .add(
            HistoryKind::ActivityCompleted,
            Some("done"),
            json!({"output": null}),
        )
        .read();
    assert!(past.has_result("done"));
    assert!(!past.has_result("begun") && !past.has_result("never"));
}

#[test]
fn an_outcome_was_unknown_if_a_run_began_again_with_an_open_intent() {
    let again = |end: Option<HistoryKind>| {
        let log = Log::new()
            .add(HistoryKind::RunStarted, None, json!({}))
            .add(HistoryKind::ActivityStarted, Some("make"), json!(null));
        let log = match end {
            Some(kind) => log.add(kind, Some("make"), json!({"output": 1})),
            None => log,
        };
        log.add(HistoryKind::RunStarted, None, json!({})).read()
    };
    assert!(again(None).unknown_outcome);
    assert!(!again(Some(HistoryKind::ActivityCompleted)).unknown_outcome);
    let never = Log::new().add(HistoryKind::ActivityStarted, Some("make"), json!(null));
    assert!(!never.read().unknown_outcome);
}

#[test]
fn pauses_are_counted_until_something_is_achieved() {
    let paused = |log: Log| {
        log.add(
            HistoryKind::ActivityThrottled,
            Some("make"),
            json!({"keeps_intent": false}),
        )
    };
    let twice = paused(paused(Log::new()));
    let mut past = twice.read();
    let make = past.take("make");
    assert_eq!((make.throttles, make.failures), (2, 0));
    let done = paused(Log::new()).add(
        HistoryKind::ActivityCompleted,
        Some("make"),
        json!({"output": 1}),
    );
    assert_eq!(done.read().take("make").throttles, 0);
}
