use super::*;
use crate::claim::ClaimedRun;
use crate::ids::RunId;
use crate::journal::{Broken, Journal};
use futures::future::join_all;
use std::time::Duration;
use uuid::Uuid;

/// Answers each statement by what is in it.
struct Scripted<F>(F);

impl<F: FnMut(&[Entry]) -> Outcome + Send> Ledger for Scripted<F> {
    async fn connect(&mut self, _: &CancellationToken) -> bool {
        true
    }

    async fn write(&mut self, batch: &[Entry], _: usize) -> Outcome {
        (self.0)(batch)
    }

    async fn settle(
        &mut self,
        _: Option<(RunId, i32)>,
        _: Option<&[Uuid]>,
    ) -> Result<Settled, Broken> {
        Ok(Settled::Committed)
    }
}

/// Nothing can be written until it has been tried so often.
struct FullDisk {
    tries: usize,
}

impl Ledger for FullDisk {
    async fn connect(&mut self, _: &CancellationToken) -> bool {
        true
    }

    async fn write(&mut self, _: &[Entry], _: usize) -> Outcome {
        match self.tries.checked_sub(1) {
            Some(left) => {
                self.tries = left;
                Outcome::Unknown
            }
            None => nothing_to_claim(),
        }
    }

    async fn settle(
        &mut self,
        _: Option<(RunId, i32)>,
        _: Option<&[Uuid]>,
    ) -> Result<Settled, Broken> {
        Ok(Settled::NotCommitted)
    }
}

fn nothing_to_claim() -> Outcome {
    Outcome::Written(Vec::new(), None)
}

fn flushing<L>(journal: &Journal, claims: &Arc<Claims>, ledger: L) -> FlushLoop<L> {
    FlushLoop {
        worker: WorkerId(Uuid::nil()),
        intake: journal.intakes()[0].clone(),
        claims: Some(claims.clone()),
        ledger,
        lost: CancellationToken::new(),
        stop: CancellationToken::new(),
    }
}

/// Hands in an entry for each of these runs and flushes them together: what each was told, and
/// whether the journal goes on.
async fn flush_all<L: Ledger>(
    journal: &Journal,
    flush: &mut FlushLoop<L>,
    runs: &[RunId],
) -> (Vec<Result<(), NotWritten>>, bool) {
    let written = runs.iter().map(|run| journal.write(*run, Vec::new(), None));
    tokio::join!(join_all(written), async {
        flush.flush(flush.intake.take()).await
    })
}

fn plenty() -> Arc<Claims> {
    Arc::new(Claims::new(8).0)
}

#[tokio::test]
async fn a_flush_of_a_full_worker_forgets_neither_its_hunger_nor_what_is_due() {
    let (claims, _runs) = Claims::new(2);
    let runs = [ClaimedRun::sample(), ClaimedRun::sample()];
    let due = Some(Duration::from_secs(3));
    claims.arrived(2, runs.to_vec(), due);
    let (journal, claims) = (Journal::new(1), Arc::new(claims));
    let mut flush = flushing(
        &journal,
        &claims,
        Scripted(|_: &[Entry]| nothing_to_claim()),
    );
    let told = flush_all(&journal, &mut flush, &[runs[0].id]).await;
    assert_eq!(told, (vec![Ok(())], true));
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
        let picky = |batch: &[Entry]| match batch.iter().any(|entry| entry.run == *bad) {
            true => Outcome::Refused(Refusal::Data("no".to_owned())),
            false => nothing_to_claim(),
        };
        let journal = Journal::new(1);
        let mut flush = flushing(&journal, &plenty(), Scripted(picky));
        let (told, goes_on) = flush_all(&journal, &mut flush, &runs).await;
        assert!(goes_on);
        for (run, told) in runs.iter().zip(told) {
            let expected = match run == bad {
                true => Err(NotWritten::Refused("no".to_owned())),
                false => Ok(()),
            };
            assert_eq!(told, expected);
        }
    }
}

#[tokio::test]
async fn a_run_that_is_anothers_is_given_up_and_the_rest_is_written() {
    let runs = [RunId::new(), RunId::new()];
    let refusing = |batch: &[Entry]| match batch.iter().any(|entry| entry.run == runs[0]) {
        true => Outcome::Refused(Refusal::NotOurs),
        false => nothing_to_claim(),
    };
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &plenty(), Scripted(refusing));
    let told = flush_all(&journal, &mut flush, &runs).await;
    assert_eq!(told, (vec![Err(NotWritten::TakenOver), Ok(())], true));
    assert!(!flush.lost.is_cancelled());
}

#[tokio::test]
async fn a_worker_that_was_taken_over_gives_everything_up() {
    let journal = Journal::new(1);
    let mut flush = flushing(
        &journal,
        &plenty(),
        Scripted(|_: &[Entry]| Outcome::TakenOver),
    );
    let told = flush_all(&journal, &mut flush, &[RunId::new(), RunId::new()]).await;
    let lost = Err(NotWritten::TakenOver);
    assert_eq!(told, (vec![lost.clone(), lost], false));
    assert!(flush.lost.is_cancelled());
}

#[tokio::test]
async fn a_write_that_fails_for_hours_costs_no_more_than_one_that_fails_once() {
    let journal = Journal::new(1);
    let mut flush = flushing(&journal, &plenty(), FullDisk { tries: 100_000 });
    let told = flush_all(&journal, &mut flush, &[RunId::new()]).await;
    assert_eq!(told, (vec![Ok(())], true));
}
