//! Hands leads over by HTTP and by SQL, as call pipelines do: some come twice, and some come under
//! the id of another. Some posts are cut before they are answered, and sent again.

use super::hang_up::post_and_hang_up;
use super::plan::Plan;
use super::stage::Stage;
use crate::rig::CRM;
use chrono::{DateTime, Utc};
use leadrail_lead::sample::{sample_lead_at, sample_phone};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// Leads of a request.
const BATCH: u64 = 20;
/// Every so many batches one goes through the SQL door.
const SQL_EVERY: u64 = 8;
/// One lead in so many is sent again; one in so many more with another body.
const AGAIN: u64 = 10;
const CHANGED: u64 = 100;
/// One request in so many is cut by the client: the second of them, and so on.
const CUT: u64 = 20;
/// How long its answer is awaited at most: some are cut before, some while the leads are written.
const CUT_WITHIN_MS: u64 = 20;
/// One caller in so many calls the same contractor a second time.
const CALLS_AGAIN: u64 = 20;
/// So many leads may be on their way; more would only wait.
const UNDERWAY: u64 = 1_500;
/// An API or a database that is away for longer than this does not come back.
const AWAY_AT_MOST: Duration = Duration::from_secs(40);
const TRY_AGAIN: Duration = Duration::from_millis(200);

pub(super) struct Sender<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    called_at: DateTime<Utc>,
    accepted: AtomicU64,
    ended: AtomicU64,
    done: AtomicBool,
    /// Held while a request is underway.
    request: Mutex<()>,
    /// All from this lead on are sent again, because a database that took them is gone.
    again_from: AtomicU64,
}

/// No lead is sent again.
const NONE: u64 = u64::MAX;

/// What was sent, and what was said to it.
#[derive(Default)]
pub(super) struct Sent {
    /// Leads that the doors took.
    pub(super) accepted: u64,
    /// The same leads once more, and how many of those the doors recognized.
    pub(super) again: u64,
    pub(super) recognized: u64,
    /// Other leads under the id of one that is there, and how many of those the doors refused.
    pub(super) changed: u64,
    pub(super) refused: u64,
    /// Requests that the client cut, and how many of their leads the door had taken all the same.
    pub(super) cut: u64,
    pub(super) cut_and_taken: u64,
    /// Requests that had to be repeated because nobody answered.
    pub(super) repeated: u64,
    /// Leads that a door had taken and that the promoted standby did not know.
    pub(super) lost_with_primary: u64,
}

/// A lead on its way in, and what the door must say.
struct Letter {
    payload: Value,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    New,
    Again,
    Changed,
}

impl<'a> Sender<'a> {
    pub(super) async fn new(plan: &'a Plan, stage: &'a Stage) -> anyhow::Result<Self> {
        Ok(Self {
            plan,
            stage,
            called_at: stage.rig.now().await?,
            accepted: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            done: AtomicBool::new(false),
            request: Mutex::default(),
            again_from: AtomicU64::new(NONE),
        })
    }

    /// How many leads the doors have taken.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Acquire)
    }

    /// Whether nothing more is sent.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Waits until no request is underway; none is sent while this is held.
    pub(super) async fn between_requests(&self) -> MutexGuard<'_, ()> {
        self.request.lock().await
    }

    /// The leads from this one on are sent again before anything else.
    pub(super) fn send_again_from(&self, number: u64) {
        self.again_from.store(number, Ordering::Release);
    }

    /// How many have ended; the sender waits while too many are on their way.
    pub(super) fn note_ended(&self, ended: u64) {
        self.ended.store(ended, Ordering::Release);
    }

    /// Every lead that was taken.
    pub(super) fn leads(&self) -> impl Iterator<Item = Value> {
        (0..self.accepted()).map(|number| self.lead(number))
    }

    /// Sends until all are in, or there is no more time.
    pub(super) async fn send_all(&self) -> anyhow::Result<Sent> {
        let sent = self.until_nothing_is_lost().await;
        self.done.store(true, Ordering::Release);
        sent
    }

    async fn until_nothing_is_lost(&self) -> anyhow::Result<Sent> {
        let mut sent = self.batches().await?;
        // Whoever waits for this to fail over must then see that it is too late.
        let _request = self.request.lock().await;
        self.send_lost(&mut sent).await?;
        self.done.store(true, Ordering::Release);
        Ok(sent)
    }

    async fn batches(&self) -> anyhow::Result<Sent> {
        let began = Instant::now();
        let mut choice = StdRng::seed_from_u64(self.plan.seed ^ 0x5e4d);
        let mut sent = Sent::default();
        while sent.accepted < self.plan.leads && began.elapsed() < self.plan.send_within {
            self.until_wanted(began, sent.accepted).await;
            let request = self.request.lock().await;
            self.send_lost(&mut sent).await?;
            let last = (sent.accepted + BATCH).min(self.plan.leads);
            let letters = self.letters(sent.accepted..last, &mut choice);
            let number = sent.accepted / BATCH;
            let said = match number % SQL_EVERY {
                0 => self.by_sql(&letters, &mut sent.repeated).await?,
                _ if number % CUT == 1 => {
                    self.cut_and_again(&letters, &mut choice, &mut sent).await?
                }
                _ => self.by_http(&letters, &mut sent.repeated).await?,
            };
            sent.note(&letters, &said)?;
            self.accepted.store(sent.accepted, Ordering::Release);
            drop(request);
        }
        Ok(sent)
    }

    /// After a failover that lost commits; those that were not lost are recognized.
    async fn send_lost(&self, sent: &mut Sent) -> anyhow::Result<()> {
        let from = self.again_from.swap(NONE, Ordering::AcqRel);
        for first in (from..sent.accepted).step_by(BATCH as usize) {
            let last = (first + BATCH).min(sent.accepted);
            let letters = (first..last).map(|number| Letter {
                payload: self.lead(number),
                kind: Kind::New,
            });
            let letters: Vec<_> = letters.collect();
            for status in self.by_http(&letters, &mut sent.repeated).await? {
                match status {
                    200 => {}
                    202 => sent.lost_with_primary += 1,
                    _ => anyhow::bail!("a lead that was sent again was refused with {status}"),
                }
            }
        }
        Ok(())
    }

    /// Neither faster than the pace nor more than can be worked on.
    async fn until_wanted(&self, began: Instant, sent: u64) {
        let due = self.plan.pace.map_or(Duration::ZERO, |pace| {
            Duration::from_secs_f64(sent as f64 / pace)
        });
        tokio::time::sleep_until((began + due).into()).await;
        while sent >= self.ended.load(Ordering::Acquire) + UNDERWAY
            && began.elapsed() < self.plan.send_within
        {
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// New leads, and some of the earlier ones once more.
    fn letters(&self, new: std::ops::Range<u64>, choice: &mut StdRng) -> Vec<Letter> {
        let mut letters = Vec::new();
        for number in new {
            let earlier = choice.random_range(0..=number);
            let payload = self.lead(number);
            letters.push(Letter {
                payload,
                kind: Kind::New,
            });
            let payload = self.lead(earlier);
            if number % AGAIN == 3 {
                letters.push(Letter {
                    payload,
                    kind: Kind::Again,
                });
            } else if number % CHANGED == 7 {
                let mut payload = payload;
                payload["call"]["transcript_summary"] = "another call".into();
                letters.push(Letter {
                    payload,
                    kind: Kind::Changed,
                });
            }
        }
        letters
    }

    fn lead(&self, number: u64) -> Value {
        let accounts = self.stage.accounts.len() as u64;
        let account = usize::try_from(number % accounts).unwrap_or_default();
        let account = &self.stage.accounts[account];
        let mut lead = sample_lead_at(number, account, CRM, self.called_at);
        if number % CALLS_AGAIN == 11 && number >= accounts {
            lead["contact"]["phone"] = sample_phone(number - accounts).into();
        }
        lead
    }

    /// One request that the client cuts; then the same again, as whoever got no answer must.
    async fn cut_and_again(
        &self,
        letters: &[Letter],
        choice: &mut StdRng,
        sent: &mut Sent,
    ) -> anyhow::Result<Vec<u16>> {
        let after = Duration::from_millis(choice.random_range(0..=CUT_WITHIN_MS));
        let cut = post_and_hang_up(&self.stage.rig.api, &body_of(letters), after).await;
        sent.cut += u64::from(cut.is_ok());
        let said = self.by_http(letters, &mut sent.repeated).await?;
        let taken = letters.iter().zip(&said);
        let taken = taken.filter(|(letter, status)| letter.kind == Kind::New && **status == 200);
        sent.cut_and_taken += taken.count() as u64;
        Ok(said)
    }

    /// One request; again and again until it is answered, which a lead must bear.
    async fn by_http(&self, letters: &[Letter], repeated: &mut u64) -> anyhow::Result<Vec<u16>> {
        let body = body_of(letters);
        let began = Instant::now();
        loop {
            let answer = self.stage.rig.post(&body).await;
            // All taken, some, or none.
            let is_answer = |status| matches!(status, 200 | 207 | 422);
            let statuses = answer.ok().filter(|answer| is_answer(answer.status));
            let statuses = statuses.map(|answer| statuses_of(&answer.body));
            let answered = |statuses: &Vec<u16>| {
                statuses.len() == letters.len() && statuses.iter().all(|status| *status < 500)
            };
            if let Some(statuses) = statuses.filter(answered) {
                return Ok(statuses);
            }
            anyhow::ensure!(
                began.elapsed() < AWAY_AT_MOST,
                "the API takes no leads any more"
            );
            *repeated += 1;
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// The same through `leadrail.enqueue_lead`, in the statuses of the HTTP door.
    async fn by_sql(&self, letters: &[Letter], repeated: &mut u64) -> anyhow::Result<Vec<u16>> {
        let mut said = Vec::new();
        for letter in letters {
            said.push(self.one_by_sql(letter, repeated).await?);
        }
        Ok(said)
    }

    async fn one_by_sql(&self, letter: &Letter, repeated: &mut u64) -> anyhow::Result<u16> {
        let began = Instant::now();
        loop {
            let taken = sqlx::query_scalar!("select leadrail.enqueue_lead($1)", letter.payload)
                .fetch_one(self.stage.rig.engine.pool())
                .await;
            match taken.as_ref().map_err(refusal) {
                // The same run comes back for the same lead, so both are told apart by us only.
                Ok(_) if letter.kind == Kind::New => return Ok(202),
                Ok(_) => return Ok(200),
                Err(Some(code)) if code == "LR409" => return Ok(409),
                Err(Some(code)) if code == "22023" => return Ok(422),
                Err(_) => {}
            }
            anyhow::ensure!(
                began.elapsed() < AWAY_AT_MOST,
                "the database takes no leads any more"
            );
            *repeated += 1;
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}

impl Sent {
    /// Every new lead is valid, so a door that refuses one ends the run.
    fn note(&mut self, letters: &[Letter], said: &[u16]) -> anyhow::Result<()> {
        for (letter, status) in letters.iter().zip(said) {
            match letter.kind {
                // One that was there: its first answer was lost.
                Kind::New if matches!(status, 200 | 202) => self.accepted += 1,
                Kind::New => anyhow::bail!("a valid lead was refused with {status}"),
                Kind::Again => {
                    self.again += 1;
                    self.recognized += u64::from(*status == 200);
                }
                Kind::Changed => {
                    self.changed += 1;
                    self.refused += u64::from(*status == 409);
                }
            }
        }
        Ok(())
    }
}

fn body_of(letters: &[Letter]) -> Value {
    let payloads = letters.iter().map(|letter| letter.payload.clone());
    payloads.collect()
}

fn refusal(error: &sqlx::Error) -> Option<String> {
    let refused = error.as_database_error()?;
    Some(refused.code()?.into_owned())
}

fn statuses_of(answer: &Value) -> Vec<u16> {
    let results = answer["results"].as_array().into_iter().flatten();
    let statuses = results.map(|result| result["status"].as_u64().unwrap_or(500));
    statuses
        .map(|status| u16::try_from(status).unwrap_or(500))
        .collect()
}
