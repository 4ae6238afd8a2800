use super::*;

/// What was handed in, and where its answer arrives.
fn entry(
    rows: Vec<HistoryRow>,
    transition: Option<Transition>,
) -> (
    Entry,
    oneshot::Receiver<Result<Option<Duration>, NotWritten>>,
) {
    let (done, answered) = oneshot::channel();
    let entry = Entry {
        run: RunId::new(),
        rows,
        transition,
        locks: LockMoves::default(),
        done,
    };
    (entry, answered)
}

fn moving(transition: Transition) -> Entry {
    entry(Vec::new(), Some(transition)).0
}

#[test]
fn whoever_waits_is_told_what_became_of_the_entry() {
    for outcome in [Ok(None), Err(NotWritten::TakenOver)] {
        let (entry, mut answered) = entry(Vec::new(), None);
        entry.answer(outcome.clone());
        assert_eq!(answered.try_recv(), Ok(outcome));
    }
}

#[test]
fn a_line_stands_at_the_same_place_in_every_column() {
    let started = HistoryRow {
        seq: 0,
        kind: HistoryKind::RunStarted,
        attempt: None,
        activity: None,
        payload: None,
    };
    let failed = HistoryRow {
        seq: 4,
        kind: HistoryKind::ActivityFailed,
        attempt: Some(3),
        activity: Some("push".into()),
        payload: Some("{}".to_owned()),
    };
    let entries = [
        entry(vec![started.clone(), failed.clone()], None).0,
        entry(vec![failed], None).0,
    ];
    let columns = Columns::of(&entries);
    let [first, second] = [entries[0].run.0, entries[1].run.0];
    assert_eq!(columns.h_run, [first, first, second]);
    assert_eq!(columns.h_seq, [0, 4, 4]);
    let kinds = ["run_started", "activity_failed", "activity_failed"];
    assert_eq!(columns.h_kind, kinds);
    assert_eq!(columns.h_attempt, [None, Some(3), Some(3)]);
    assert_eq!(columns.h_activity, [None, Some("push"), Some("push")]);
    assert_eq!(columns.h_payload, [None, Some("{}"), Some("{}")]);
    assert!(columns.t_run.is_empty() && columns.g_run.is_empty());
}

#[test]
fn a_move_stands_at_the_same_place_in_every_column() {
    let retrying = Transition {
        delay: Some(Duration::from_secs(30)),
        attempt: Some(2),
        activity: Some("push".into()),
        reason: Some("http_503".to_owned()),
        ..Transition::to(RunState::Retrying)
    };
    let entries = [
        moving(Transition::to(RunState::Completed)),
        moving(retrying),
    ];
    let columns = Columns::of(&entries);
    assert_eq!(columns.t_run, entries.each_ref().map(|entry| entry.run.0));
    assert_eq!(columns.t_state, ["completed", "retrying"]);
    assert_eq!(columns.t_delay_ms, [None, Some(30_000)]);
    assert_eq!(columns.t_attempt, [None, Some(2)]);
    assert_eq!(columns.t_activity, [None, Some("push")]);
    assert_eq!(columns.t_reason, [None, Some("http_503")]);
    assert!(columns.h_run.is_empty() && columns.g_run.is_empty());
}

#[test]
fn a_move_waits_for_each_of_its_gates_and_opens_its_own() {
    let since = DateTime::from_timestamp(1_000, 0).unwrap();
    let waiting = Transition {
        gates: vec!["crm".to_owned(), "signal".to_owned()],
        opens: Some("run".to_owned()),
        since,
        ..Transition::to(RunState::Waiting)
    };
    let entries = [moving(waiting)];
    let columns = Columns::of(&entries);
    assert_eq!(columns.g_run, [entries[0].run.0; 3]);
    assert_eq!(columns.g_gate, ["crm", "signal", "run"]);
    assert_eq!(columns.g_since, [since; 3]);
    assert_eq!(columns.g_opens, [false, false, true]);
}

#[test]
fn a_timer_is_never_due_before_its_time() {
    for (micros, millis) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (1_999, 2)] {
        let entries = [moving(Transition {
            delay: Some(Duration::from_micros(micros)),
            ..Transition::to(RunState::Waiting)
        })];
        let delay = Columns::of(&entries).t_delay_ms;
        assert_eq!(delay, [Some(millis)], "{micros} µs");
    }
    let entries = [moving(Transition {
        delay: Some(Duration::MAX),
        ..Transition::to(RunState::Waiting)
    })];
    assert_eq!(Columns::of(&entries).t_delay_ms, [Some(i64::MAX)]);
}

#[test]
fn locks_are_given_back_before_one_is_taken() {
    let mut entry = entry(Vec::new(), None).0;
    entry.locks = LockMoves {
        gives: vec!["a".to_owned(), "b".to_owned()],
        takes: Some("a".to_owned()),
    };
    let run = entry.run.0;
    let entries = [entry];
    let columns = Columns::of(&entries);
    assert_eq!(columns.l_run, [run; 3]);
    assert_eq!(columns.l_name, ["a", "b", "a"]);
    assert_eq!(columns.l_takes, [false, false, true]);
}
