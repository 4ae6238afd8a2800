use super::*;
use crate::claim::ClaimedRun;
use crate::history::HistoryKind;
use crate::ids::RunId;
use crate::journal::{Broken, HistoryRow, Journal, LockMoves, Locked, Receipt};
use futures::FutureExt;
use futures::future::join_all;
use std::pin::pin;
use std::time::Duration;
use uuid::Uuid;

/// Answers as it is told.
struct Scripted<W, S> {
    connects: bool,
    write: W,
    clear_up: S,
}

impl<W, S> Ledger for Scripted<W, S>
where
    W: FnMut(&[Entry], usize) -> Answer + Send,
    S: FnMut() -> Result<Aftermath, Broken> + Send,
{
    async fn connect(&mut self, _: &CancellationToken) -> bool {
        self.connects
    }

    async fn write(&mut self, batch: &[Entry], want: usize) -> Answer {
        (self.write)(batch, want)
    }

    async fn locked(&mut self, _: &[Entry]) -> Vec<RunId> {
        Vec::new()
    }

    async fn clear_up(
        &mut self,
        _: Option<(RunId, i32)>,
        _: Option<&[Uuid]>,
    ) -> Result<Aftermath, Broken> {
        (self.clear_up)()
    }
}

/// Its sessions hold, and statements are answered by what is in them.
fn answering<W>(write: W) -> impl Ledger
where
    W: FnMut(&[Entry], usize) -> Answer + Send,
{
    Scripted {
        connects: true,
        write,
        clear_up: || Ok(Aftermath::Committed),
    }
}

/// Its session breaks at each statement.
fn breaking<S>(clear_up: S) -> impl Ledger
where
    S: FnMut() -> Result<Aftermath, Broken> + Send,
{
    Scripted {
        connects: true,
        write: |_: &[Entry], _: usize| Answer::Unknown,
        clear_up,
    }
}

fn nothing_to_claim() -> Answer {
    Answer::Written(Receipt::default())
}

fn flushing<L>(journal: &Journal, claims: &Arc<Claims>, ledger: L) -> FlushLoop<L> {
    FlushLoop::new(
        WorkerId(Uuid::nil()),
        journal.intakes()[0].clone(),
        Some(claims.clone()),
        ledger,
        <_>::default(),
    )
}

/// Hands in an entry for each of these runs and flushes them together: what each was told, and
/// whether the journal goes on.
async fn flush_all<L: Ledger>(
    journal: &Journal,
    flush: &mut FlushLoop<L>,
    runs: &[RunId],
) -> (Vec<Result<Option<Duration>, NotWritten>>, bool) {
    let written = runs
        .iter()
        .map(|run| journal.write(*run, Vec::new(), None, LockMoves::default()));
    tokio::join!(join_all(written), async {
        flush.flush(flush.intake.take()).await
    })
}

/// A worker with room for eight runs.
fn plenty() -> Arc<Claims> {
    Arc::new(Claims::new(8).0)
}

/// A worker that wants nothing.
fn full() -> Arc<Claims> {
    Arc::new(Claims::new(0).0)
}

#[tokio::test]
async fn a_flush_of_a_full_worker_forgets_neither_its_hunger_nor_what_is_due() {
    let (claims, _runs) = Claims::new(2);
    let runs = [ClaimedRun::sample(), ClaimedRun::sample()];
    let due = Some(Duration::from_secs(3));
    claims.arrived(2, runs.to_vec(), due);
    let (journal, claims) = (Journal::new(1), Arc::new(claims));
    let mut flush = flushing(&journal, &claims, answering(|_, _| nothing_to_claim()));
    let told = flush_all(&journal, &mut flush, &[runs[0].id]).await;
    assert_eq!(told, (vec![Ok(None)], true));
    assert_eq!(claims.next_due(), due);
    for run in &runs {
        claims.finished(run.id);
    }
    assert_eq!(claims.want(), 2);
}

#[tokio::test]
async fn one_bad_entry_is_refused_alone() {
    let runs: Vec<RunId> = (0..7).map(|_| RunId::new()).collect();
    for bad in &runs {
        let picky = |batch: &[Entry], _: usize| match batch.iter().any(|entry| entry.run == *bad) {
            true => Answer::Refused(Refusal::Data("no".to_owned())),
            false => nothing_to_claim(),
        };
        let journal = Journal::new(1);
        let mut flush = flushing(&journal, &plenty(), answering(picky));
        let (told, goes_on) = flush_all(&journal, &mut flush, &runs).await;
        assert!(goes_on);
        for (run, told) in runs.iter().zip(told) {
            let expected = match run == bad {
                true => Err(NotWritten::Refused("no".to_owned())),
                false => Ok(None),
            };
            assert_eq!(told, expected);
        }
    }
}

#[tokio::test]
async fn a_run_that_is_anothers_is_given_up_and_the_rest_is_written() {
    let runs = [RunId::new(), RunId::new()];
    let refusing = |batch: &[Entry], _: usize| match batch.iter().any(|entry| entry.run == runs[0])
    {
        true => Answer::Refused(Refusal::NotOurs),
        false => nothing_to_claim(),
    };
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &plenty(), answering(refusing));
    let told = flush_all(&journal, &mut flush, &runs).await;
    assert_eq!(told, (vec![Err(NotWritten::TakenOver), Ok(None)], true));
    assert!(!flush.lost.is_cancelled());
}

#[tokio::test]
async fn a_worker_that_was_taken_over_gives_everything_up() {
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &plenty(), answering(|_, _| Answer::TakenOver));
    let told = flush_all(&journal, &mut flush, &[RunId::new(), RunId::new()]).await;
    let lost = Err(NotWritten::TakenOver);
    assert_eq!(told, (vec![lost.clone(), lost], false));
    assert!(flush.lost.is_cancelled());
}

#[tokio::test]
async fn a_write_that_fails_for_hours_costs_no_more_than_one_that_fails_once() {
    let mut tries = 100_000;
    let full_disk = Scripted {
        connects: true,
        write: move |_: &[Entry], _: usize| {
            tries -= 1;
            match tries {
                0 => nothing_to_claim(),
                _ => Answer::Unknown,
            }
        },
        clear_up: || Ok(Aftermath::NotCommitted),
    };
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &plenty(), full_disk);
    let told = flush_all(&journal, &mut flush, &[RunId::new()]).await;
    assert_eq!(told, (vec![Ok(None)], true));
}

#[tokio::test]
async fn what_a_broken_session_committed_is_not_written_again() {
    let mut looks = vec![Ok(Aftermath::Committed), Err(Broken), Err(Broken)];
    let (journal, claims) = (Journal::new(1), plenty());
    let ledger = breaking(move || looks.pop().unwrap());
    let mut flush = flushing(&journal, &claims, ledger);
    let told = flush_all(&journal, &mut flush, &[RunId::new(), RunId::new()]).await;
    assert_eq!(told, (vec![Ok(None), Ok(None)], true));
    assert!(!flush.lost.is_cancelled());
}

#[tokio::test]
async fn a_worker_that_was_taken_over_behind_a_broken_session_gives_everything_up() {
    for connects in [true, false] {
        let journal = Journal::new(1);
        let ledger = Scripted {
            connects,
            write: |_: &[Entry], _: usize| Answer::Unknown,
            clear_up: || Ok(Aftermath::TakenOver),
        };
        let mut flush = flushing(&journal, &plenty(), ledger);
        let told = flush_all(&journal, &mut flush, &[RunId::new()]).await;
        assert_eq!(told, (vec![Err(NotWritten::TakenOver)], false));
        assert!(flush.lost.is_cancelled());
    }
}

#[tokio::test]
async fn a_claim_brings_as_many_runs_as_are_wanted_although_nothing_is_written() {
    let (claims, mut runs) = Claims::new(8);
    let run = ClaimedRun::sample();
    let due = Some(Duration::from_secs(3));
    let claiming = |_: &[Entry], want: usize| {
        assert_eq!(want, 8);
        Answer::Written(Receipt {
            runs: vec![run.clone()],
            next_due: due,
            locked: Vec::new(),
        })
    };
    let (journal, claims) = (Journal::new(1), Arc::new(claims));
    let mut flush = flushing(&journal, &claims, answering(claiming));
    assert!(flush.flush(Vec::new()).await);
    assert_eq!(runs.try_recv().unwrap().id, run.id);
    assert_eq!(claims.next_due(), due);
    assert_eq!(claims.want(), 0, "it got all there is");
}

#[tokio::test]
async fn a_claim_that_came_to_nothing_is_made_again() {
    let refused = Refusal::Data("no".to_owned());
    let ledgers: [Box<dyn FnMut() -> Answer + Send>; 2] = [
        Box::new(|| Answer::Unknown),
        Box::new(move || Answer::Refused(refused.clone())),
    ];
    for mut outcome in ledgers {
        let (journal, claims) = (Journal::new(1), plenty());
        let mut flush = flushing(&journal, &claims, answering(move |_, _| outcome()));
        let (_, goes_on) = flush_all(&journal, &mut flush, &[RunId::new()]).await;
        assert!(goes_on);
        assert_eq!(claims.want(), 8);
    }
}

#[test]
fn a_writer_waits_until_there_is_something_to_write_or_to_claim() {
    let journal = Journal::new(1);
    let next = |claims| {
        let mut flush = flushing(&journal, &claims, answering(|_, _| nothing_to_claim()));
        let entries = flush.next_entries().now_or_never();
        entries.map(|entries| entries.len())
    };
    assert_eq!(next(full()), None);
    assert_eq!(next(plenty()), Some(0));
    let mut pending = pin!(journal.write(RunId::new(), Vec::new(), None, LockMoves::default()));
    assert_eq!(pending.as_mut().now_or_never(), None);
    assert_eq!(next(full()), Some(1));
    assert_eq!(next(full()), None);
}

#[test]
fn a_writer_that_is_to_end_waits_for_nothing() {
    let journal = Journal::new(1);
    for stops in [true, false] {
        let mut flush = flushing(&journal, &full(), answering(|_, _| nothing_to_claim()));
        let end = if stops { &flush.stop } else { &flush.lost };
        end.cancel();
        assert!(flush.next_entries().now_or_never().is_some());
    }
}

/// Hands in an entry to a writer that ends: what it is told, and an entry that comes later.
async fn run_to_its_end<L: Ledger>(
    journal: &Journal,
    flush: FlushLoop<L>,
) -> [Option<Result<Option<Duration>, NotWritten>>; 2] {
    let mut pending = pin!(journal.write(RunId::new(), Vec::new(), None, LockMoves::default()));
    assert_eq!(pending.as_mut().now_or_never(), None);
    flush.run().await;
    let late = journal.write(RunId::new(), Vec::new(), None, LockMoves::default());
    [pending.now_or_never(), late.now_or_never()]
}

#[tokio::test]
async fn a_writer_that_is_told_to_stop_writes_what_is_pending_and_nothing_more() {
    let journal = Journal::new(1);
    let flush = flushing(&journal, &full(), answering(|_, _| nothing_to_claim()));
    flush.stop.cancel();
    let told = run_to_its_end(&journal, flush).await;
    assert_eq!(told, [Some(Ok(None)), Some(Err(NotWritten::TakenOver))]);
}

#[tokio::test]
async fn a_writer_whose_worker_was_lost_writes_nothing() {
    let journal = Journal::new(1);
    let flush = flushing(&journal, &full(), answering(|_, _| panic!("it writes")));
    flush.lost.cancel();
    let told = run_to_its_end(&journal, flush).await;
    assert_eq!(told, [(); 2].map(|()| Some(Err(NotWritten::TakenOver))));
}

#[tokio::test]
async fn a_writer_that_never_gets_a_session_refuses_what_is_handed_in() {
    let journal = Journal::new(1);
    let ledger = Scripted {
        connects: false,
        write: |_: &[Entry], _: usize| panic!("it writes"),
        clear_up: || Ok(Aftermath::TakenOver),
    };
    let told = run_to_its_end(&journal, flushing(&journal, &full(), ledger)).await;
    assert_eq!(told, [(); 2].map(|()| Some(Err(NotWritten::TakenOver))));
}

#[tokio::test]
async fn a_claim_that_is_refused_spoils_no_entry() {
    let journal = Journal::new(1);
    let no_claims = |_: &[Entry], want: usize| match want {
        0 => nothing_to_claim(),
        _ => Answer::Refused(Refusal::Data("no right to claim".to_owned())),
    };
    let mut flush = flushing(&journal, &plenty(), answering(no_claims));
    for entries in [1, 2] {
        let runs: Vec<_> = (0..entries).map(|_| RunId::new()).collect();
        let told = flush_all(&journal, &mut flush, &runs).await;
        assert_eq!(told, (vec![Ok(None); entries], true));
    }
}

#[tokio::test]
async fn a_refused_claim_is_tried_again_in_another_session() {
    let journal = Journal::new(1);
    let (mut refused, mut sessions) = (0, 0);
    let ledger = Scripted {
        connects: true,
        write: |_: &[Entry], _: usize| {
            refused += 1;
            match refused {
                1..4 => Answer::Refused(Refusal::Data("no right to claim".to_owned())),
                _ => nothing_to_claim(),
            }
        },
        clear_up: || {
            sessions += 1;
            Ok(Aftermath::NotCommitted)
        },
    };
    let mut flush = flushing(&journal, &plenty(), ledger);
    assert!(flush.flush(Vec::new()).await);
    drop(flush);
    assert_eq!(sessions, 3);
}

/// A lock that a run wants.
fn wanted(name: &str) -> LockMoves {
    LockMoves {
        gives: vec!["an earlier one".to_owned()],
        takes: Some(name.to_owned()),
    }
}

/// Hands in an entry that asks for each of these locks and flushes them together.
async fn ask_all<L: Ledger>(
    journal: &Journal,
    flush: &mut FlushLoop<L>,
    asked: &[(RunId, &str)],
) -> Vec<Result<Option<Duration>, NotWritten>> {
    let written = asked
        .iter()
        .map(|(run, name)| journal.write(*run, Vec::new(), None, wanted(name)));
    let (told, _) = tokio::join!(join_all(written), async {
        flush.flush(flush.intake.take()).await
    });
    told
}

#[tokio::test]
async fn whoever_asks_for_a_lock_that_another_run_has_is_told_when_to_ask_again() {
    let (run, other) = (RunId::new(), RunId::new());
    let wait = Duration::from_millis(700);
    let locked = Locked {
        run,
        name: "b".to_owned(),
        wait,
    };
    let receipt = move |_: &[Entry], _: usize| {
        Answer::Written(Receipt {
            locked: vec![locked.clone()],
            ..Receipt::default()
        })
    };
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &full(), answering(receipt));
    let asked = [(run, "a"), (run, "b"), (other, "b")];
    let told = ask_all(&journal, &mut flush, &asked).await;
    assert_eq!(told, [Ok(None), Ok(Some(wait)), Ok(None)]);
}

#[tokio::test]
async fn after_a_lost_answer_the_lock_alone_is_asked_for_again() {
    let run = RunId::new();
    let mut writes = 0;
    let ledger = Scripted {
        connects: true,
        write: move |batch: &[Entry], _: usize| {
            writes += 1;
            if writes == 1 {
                return Answer::Unknown;
            }
            assert_eq!(batch.len(), 1);
            let (asked, again) = (&batch[0], &batch[0].locks);
            assert!(asked.rows.is_empty() && asked.transition.is_none());
            assert!(again.gives.is_empty() && again.takes.as_deref() == Some("a"));
            Answer::Written(Receipt {
                locked: vec![Locked {
                    run,
                    name: "a".to_owned(),
                    wait: Duration::ZERO,
                }],
                ..Receipt::default()
            })
        },
        clear_up: || Ok(Aftermath::Committed),
    };
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &full(), ledger);
    let told = ask_all(&journal, &mut flush, &[(run, "a")]).await;
    assert_eq!(told, [Ok(Some(Duration::ZERO))]);
}

#[tokio::test]
async fn what_was_left_aside_is_written_before_what_the_same_run_says_later() {
    let (run, other) = (RunId::new(), RunId::new());
    let mut written = Vec::new();
    // Something that cannot be asked for is locked while the first entry is tried alone, and then free.
    let mut refusals = 2;
    let ledger = Scripted {
        connects: true,
        write: |batch: &[Entry], _: usize| {
            let has_first = batch.iter().any(|entry| entry.rows[0].seq == 0);
            if has_first && refusals > 0 {
                refusals -= 1;
                return Answer::Refused(Refusal::Locked);
            }
            written.extend(batch.iter().map(|entry| (entry.run, entry.rows[0].seq)));
            Answer::Written(Receipt::default())
        },
        clear_up: || Ok(Aftermath::NotCommitted),
    };
    let line = |seq| HistoryRow {
        seq,
        kind: HistoryKind::RunStarted,
        attempt: None,
        activity: None,
        payload: None,
    };
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &full(), ledger);
    let said = [(run, 0), (other, 1), (run, 2)];
    let told =
        said.map(|(run, seq)| journal.write(run, vec![line(seq)], None, LockMoves::default()));
    let (told, ()) = tokio::join!(join_all(told), async {
        assert!(flush.flush(flush.intake.take()).await);
        let entries = flush.next_entries().await;
        assert!(flush.flush(entries).await);
    });
    assert_eq!(told, vec![Ok(None); 3]);
    drop(flush);
    assert_eq!(written, [(other, 1), (run, 0), (run, 2)]);
}
