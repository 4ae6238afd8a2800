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
fn a_replay_forgives_only_the_activity_that_ended_the_run() {
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
        .add(HistoryKind::RunReplayed, None, json!({}))
        .read();
    assert!(past.take("optional").refused.is_some());
    let make = past.take("make");
    assert_eq!((make.refused, make.failures), (None, 0));
}

fn deaths(alone: bool, times: usize) -> Log {
    let mut log = Log::new();
    for _ in 0..times {
        log = log.add(HistoryKind::RunStarted, None, json!({}));
        if alone {
            log = log.add(HistoryKind::RunIsolated, None, json!({}));
        }
        log = log
            .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
            .add(HistoryKind::RunLost, None, json!({}));
    }
    log
}

#[test]
fn deaths_in_company_make_a_suspect_and_never_poison() {
    assert!(!deaths(false, 1).read().crashes.is_suspect());
    let often = deaths(false, 50).read().crashes;
    assert!(often.is_suspect() && !often.is_poison());
}

#[test]
fn three_lone_deaths_in_a_row_are_poison() {
    assert!(!deaths(true, 2).read().crashes.is_poison());
    assert!(deaths(true, 3).read().crashes.is_poison());
}

#[test]
fn anything_achieved_clears_the_suspicion() {
    let achieved = deaths(true, 5).add(
        HistoryKind::ActivityCompleted,
        Some("make"),
        json!({"output": 1}),
    );
    assert_eq!(achieved.read().crashes, Crashes::default());
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
