use super::*;
use crate::history::HistoryKind;
use futures::future::join_all;
use std::collections::HashMap;

fn line() -> Vec<HistoryRow> {
    vec![HistoryRow {
        seq: 0,
        kind: HistoryKind::RunStarted,
        attempt: None,
        activity: None,
        payload: None,
    }]
}

#[tokio::test]
async fn a_closed_journal_refuses_what_is_pending_and_what_comes() {
    let journal = Journal::new(1);
    let intake = &journal.intakes()[0];
    let (pending, ()) = tokio::join!(journal.write(RunId::new(), line(), None), async {
        intake.close();
        assert!(intake.take().is_empty());
    });
    assert_eq!(pending, Err(NotWritten::TakenOver));
    let later = journal.write(RunId::new(), line(), None).await;
    assert_eq!(later, Err(NotWritten::TakenOver));
    assert!(intake.take().is_empty());
}

#[tokio::test]
async fn what_is_handed_in_wakes_the_writer_and_waits_for_its_answer() {
    let journal = Journal::new(1);
    let intake = &journal.intakes()[0];
    let (written, ()) = tokio::join!(journal.write(RunId::new(), line(), None), async {
        intake.woken().await;
        for entry in intake.take() {
            entry.answer(Ok(()));
        }
    });
    assert_eq!(written, Ok(()));
}

#[tokio::test]
async fn what_one_run_hands_in_goes_to_one_writer_and_all_writers_have_runs() {
    let journal = Journal::new(4);
    let runs: Vec<RunId> = (0..256).map(|_| RunId::new()).collect();
    let twice = runs.iter().chain(&runs);
    let written = twice.map(|run| journal.write(*run, line(), None));
    let (_, ()) = tokio::join!(join_all(written), async {
        for intake in journal.intakes() {
            let mut lines: HashMap<RunId, usize> = HashMap::new();
            for entry in intake.take() {
                *lines.entry(entry.run).or_default() += 1;
                entry.answer(Ok(()));
            }
            assert!(lines.len() > 16, "{} of 256", lines.len());
            assert!(lines.values().all(|&each| each == 2));
        }
    });
}
