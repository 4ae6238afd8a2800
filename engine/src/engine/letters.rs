//! Dead letters: the queue of runs that gave up and wait for a person.
//!
//! Every death makes a letter in the statement that makes the run dead, whoever wrote it: a workflow
//! that failed, a run that kills its workers, a result that cannot be stored. Whoever must hear of
//! every death asks for the [`unsorted`](Engine::unsorted) ones. A run that is revived leaves the queue;
//! if it dies again that is another letter with another number and no marks.

use super::Engine;
use super::letter_filter::{LetterFilter, check_text, invalid};
use crate::ids::RunId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::fmt;
use std::str::FromStr;

/// The most letters of one answer.
const LONGEST_PAGE: u32 = 1_000;
/// The most bytes of a name of who did something.
pub(super) const LONGEST_NAME: usize = 200;
/// The most bytes of a reason why.
const LONGEST_WHY: usize = 2_000;

/// The number of a letter: later letters have higher ones.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct LetterSeq(pub i64);

impl fmt::Display for LetterSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LetterSeq {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// One dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its number.
    pub seq: LetterSeq,
    /// The run that is dead; its history says all.
    pub run_id: RunId,
    /// 0 is the most urgent.
    pub priority: i16,
    /// The workflow's name.
    pub workflow: String,
    /// The tenant.
    pub scope: String,
    /// What it queued behind.
    pub lane: String,
    /// The activity that ended it, if it was one.
    pub activity: Option<String>,
    /// Machine-readable: why it is dead, such as `http_422`, `poison`, `not_storable`.
    pub reason: String,
    /// When it died.
    pub died_at: DateTime<Utc>,
    /// Where it was sorted.
    pub incident_id: Option<i64>,
    /// The replay that has it and has not come to it.
    pub replay_id: Option<RunId>,
    /// When a person discarded it.
    pub discarded_at: Option<DateTime<Utc>>,
    /// Who did.
    pub discarded_by: Option<String>,
    /// And why.
    pub discarded_why: Option<String>,
}

/// Why something about dead letters was not done.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// What was given makes no sense; nothing was asked of the database.
    #[error("the {field} {why}")]
    Invalid {
        /// Which part of it.
        field: &'static str,
        /// What is wrong with it, without what it holds.
        why: String,
    },
    /// The run that was to lead a replay has ended or does not exist.
    #[error("run {0} has ended or does not exist, so it cannot lead a replay")]
    NoReplay(RunId),
    /// The database could not be read or written.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Engine {
    /// The dead letters that are meant, by their numbers, from the first one after `after` on; at most
    /// `limit` (1 to 1,000).
    ///
    /// Page by the number of the last one: each letter that is there from the first page to the last is
    /// seen once, none twice. One that arrives meanwhile may be committed with a number that was passed
    /// already; it is there on the next reading.
    ///
    /// # Errors
    /// When the filter makes no sense or the database cannot be read.
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<LetterSeq>,
        limit: u32,
    ) -> Result<Vec<Letter>, LettersError> {
        let filter = filter.row()?;
        let letters = sqlx::query_as!(
            Letter,
            r#"
            select d.seq as "seq: LetterSeq", d.run_id as "run_id: RunId", d.priority, d.workflow, d.scope,
                   d.lane, d.activity, d.reason, d.died_at, d.incident_id, d.replay_id as "replay_id: RunId",
                   d.discarded_at, d.discarded_by, d.discarded_why
            from leadrail.dead_letter d
            where d.seq > $2 and leadrail.letter_matches(d, $1)
            order by d.seq
            limit $3
            "#,
            filter as _,
            after.map_or(i64::MIN, |after| after.0),
            i64::from(limit.clamp(1, LONGEST_PAGE)),
        )
        .fetch_all(self.pool())
        .await?;
        Ok(letters)
    }

    /// The dead letter of this run, or `None` when it is not dead.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn letter(&self, run: RunId) -> Result<Option<Letter>, LettersError> {
        let filter = LetterFilter::of_runs([run]);
        Ok(self.letters(&filter, None, 1).await?.pop())
    }

    /// Sends one dead letter through again, from its last checkpoint. A replay that has it and has not
    /// come to it loses it. False when the run is not dead, or was discarded.
    ///
    /// # Errors
    /// When `by` is empty, longer than 200 bytes or holds a NUL, or the database cannot be written.
    pub async fn revive(&self, run: RunId, by: &str) -> Result<bool, LettersError> {
        check_said("name of who revives", by, LONGEST_NAME)?;
        let revived = sqlx::query_scalar!(
            r#"select leadrail.revive_run($1, $2) as "revived!""#,
            run.0,
            by
        )
        .fetch_one(self.pool())
        .await?;
        self.notifier().poke();
        Ok(revived)
    }

    /// Marks the letters that are meant as not wanted any more; how many were not so marked before.
    ///
    /// Their runs stay dead, so it can be undone ([`Engine::undiscard`]) until
    /// `leadrail.retention.discarded_for` is over; then they are cancelled. A replay that has one and
    /// has not come to it loses it.
    ///
    /// # Errors
    /// When the filter makes no sense, `by` (200 bytes) or `why` (2,000) is empty, too long or holds a
    /// NUL, or the database cannot be written.
    pub async fn discard(
        &self,
        filter: &LetterFilter,
        by: &str,
        why: &str,
    ) -> Result<u64, LettersError> {
        check_said("name of who discards", by, LONGEST_NAME)?;
        check_said("reason why", why, LONGEST_WHY)?;
        let filter = filter.row()?;
        let discarded = sqlx::query_scalar!(
            r#"select leadrail.discard_letters($1, $2, $3) as "discarded!""#,
            filter as _,
            by,
            why
        )
        .fetch_one(self.pool())
        .await?;
        Ok(discarded.unsigned_abs())
    }

    /// Takes that mark off the letters that are meant; how many had it.
    ///
    /// # Errors
    /// When the filter makes no sense or the database cannot be written.
    pub async fn undiscard(&self, filter: &LetterFilter) -> Result<u64, LettersError> {
        let filter = filter.row()?;
        let wanted = sqlx::query_scalar!(
            r#"select leadrail.undiscard_letters($1) as "wanted!""#,
            filter as _
        )
        .fetch_one(self.pool())
        .await?;
        Ok(wanted.unsigned_abs())
    }

    /// Letters that nobody has sorted into an incident or discarded, the oldest first; at most `limit`
    /// (1 to 1,000). This is how deaths are heard of, those included that no workflow's code sees.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unsorted(&self, limit: u32) -> Result<Vec<Letter>, LettersError> {
        let mut connection = self.pool().acquire().await?;
        Self::unsorted_in(&mut connection, limit).await
    }

    /// The same inside the caller's transaction, which has them for itself until it ends: others who
    /// sort at the same time get other letters.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn unsorted_in(
        connection: &mut PgConnection,
        limit: u32,
    ) -> Result<Vec<Letter>, LettersError> {
        let letters = sqlx::query_as!(
            Letter,
            r#"
            select d.seq as "seq: LetterSeq", d.run_id as "run_id: RunId", d.priority, d.workflow, d.scope,
                   d.lane, d.activity, d.reason, d.died_at, d.incident_id, d.replay_id as "replay_id: RunId",
                   d.discarded_at, d.discarded_by, d.discarded_why
            from leadrail.dead_letter d
            where d.incident_id is null and d.discarded_at is null
            order by d.seq
            limit $1
            for update skip locked
            "#,
            i64::from(limit.clamp(1, LONGEST_PAGE)),
        )
        .fetch_all(connection)
        .await?;
        Ok(letters)
    }

    /// Puts letters that are in no incident yet into this one; how many were. Letters that left the
    /// queue meanwhile, or were sorted by somebody else, are not.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sort_into(
        &self,
        incident: i64,
        letters: &[LetterSeq],
    ) -> Result<u64, LettersError> {
        let mut connection = self.pool().acquire().await?;
        Self::sort_into_in(&mut connection, incident, letters).await
    }

    /// The same inside the caller's transaction.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn sort_into_in(
        connection: &mut PgConnection,
        incident: i64,
        letters: &[LetterSeq],
    ) -> Result<u64, LettersError> {
        let letters: Vec<_> = letters.iter().map(|letter| letter.0).collect();
        let sorted = sqlx::query_scalar!(
            r#"select leadrail.sort_letters($1, $2) as "sorted!""#,
            incident,
            &letters
        )
        .fetch_one(connection)
        .await?;
        Ok(sorted.unsigned_abs())
    }
}

/// What a person says of an act must be said, and fit.
pub(super) fn check_said(field: &'static str, text: &str, most: usize) -> Result<(), LettersError> {
    if text.trim().is_empty() {
        return Err(invalid(field, "is empty"));
    }
    check_text(field, text, most)
}
