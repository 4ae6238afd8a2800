use super::*;
use crate::history::HistoryKind;
use futures::FutureExt;
use futures::future::join_all;
use std::collections::HashMap;
use std::pin::pin;

fn line() -> Vec<HistoryRow> {
    vec![HistoryRow {
        seq: 0,
        kind: HistoryKind::RunStarted,
        attempt: None,
        activity: None,
        payload: None,
    }]
}

#[test]
fn a_closed_journal_refuses_what_is_pending_and_what_comes() {
    let journal = Journal::new(1);
    let intake = &journal.intakes()[0];
    let mut pending = pin!(journal.write(RunId::new(), line(), None, LockMoves::default()));
    assert_eq!(pending.as_mut().now_or_never(), None);
    intake.close();
    let refused = Some(Err(NotWritten::TakenOver));
    assert_eq!(pending.now_or_never(), refused);
    let later = journal.write(RunId::new(), line(), None, LockMoves::default());
    assert_eq!(later.now_or_never(), refused);
    assert!(intake.take().is_empty());
}

#[test]
fn what_is_handed_in_wakes_the_writer_and_waits_for_its_answer() {
    let journal = Journal::new(1);
    let intake = &journal.intakes()[0];
    assert_eq!(intake.woken().now_or_never(), None);
    let mut written = pin!(journal.write(RunId::new(), line(), None, LockMoves::default()));
    assert_eq!(written.as_mut().now_or_never(), None);
    assert_eq!(intake.woken().now_or_never(), Some(()));
    for entry in intake.take() {
        entry.answer(Ok(None));
    }
    assert_eq!(written.now_or_never(), Some(Ok(None)));
}

#[test]
fn a_wake_goes_to_the_writer_that_claims_and_to_no_other() {
    let journal = Journal::new(2);
    journal.wake();
    let woken = |nth: usize| journal.intakes()[nth].woken().now_or_never();
    assert_eq!((woken(0), woken(1)), (Some(()), None));
}

#[test]
fn what_one_run_hands_in_goes_to_one_writer_and_all_writers_have_runs() {
    let journal = Journal::new(4);
    let runs: Vec<RunId> = (0..256).map(|_| RunId::new()).collect();
    let twice = runs.iter().chain(&runs);
    let written = twice.map(|run| journal.write(*run, line(), None, LockMoves::default()));
    let mut written = pin!(join_all(written));
    assert_eq!(written.as_mut().now_or_never(), None);
    for intake in journal.intakes() {
        let mut lines: HashMap<RunId, usize> = HashMap::new();
        for entry in intake.take() {
            *lines.entry(entry.run).or_default() += 1;
            entry.answer(Ok(None));
        }
        assert!(lines.len() > 16, "{} of 256", lines.len());
        assert!(lines.values().all(|&each| each == 2));
    }
    assert_eq!(written.now_or_never(), Some(vec![Ok(None); 512]));
}
