//! What this database may not know of the outside: noticed by the sessions that workers make.

use crate::ids::RunId;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use std::sync::{PoisonError, RwLock};

/// Runs enqueued so soon after a failover may be repeats of runs that it lost.
const REPEATS_A_FAILOVER: TimeDelta = TimeDelta::minutes(15);

/// After a restore people send again what came since the backup.
const REPEATS_A_RESTORE: TimeDelta = TimeDelta::hours(24);

/// What is in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// When the last failover was noticed. Which runs it concerns is listed.
    pub(crate) failed_over_at: Option<DateTime<Utc>>,
    /// The last restore. It concerns every run that was there.
    pub(crate) restored: Option<Restored>,
}

/// A database that is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restored {
    /// When that was noticed.
    pub(crate) at: DateTime<Utc>,
    /// What was done outside since then is not known here.
    pub(crate) lacks_since: DateTime<Utc>,
}

impl Doubts {
    /// When the last doubt arose: a worker that began before it begins anew.
    pub(crate) fn latest(&self) -> Option<DateTime<Utc>> {
        self.failed_over_at.max(self.restored.map(|it| it.at))
    }

    /// When the restore was that this run, enqueued then, may have gone on or been repeated without.
    pub(crate) fn restore_of(&self, created: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let restored = self.restored?;
        (created <= restored.at + REPEATS_A_RESTORE).then_some(restored.at)
    }

    /// Since when a run enqueued then may have taken effect, under another id if it is a repeat.
    pub(crate) fn effects_since(&self, created: DateTime<Utc>) -> DateTime<Utc> {
        let of_restore = self
            .restored
            .filter(|it| it.at < created && created <= it.at + REPEATS_A_RESTORE);
        let of_failover = self
            .failed_over_at
            .filter(|at| repeats_failover(*at, created));
        let since = [
            of_restore.map(|it| it.lacks_since),
            of_failover.map(|at| at - REPEATS_A_FAILOVER),
        ];
        since.into_iter().flatten().fold(created, DateTime::min)
    }
}

/// Whether a run enqueued then may be a repeat of one that the failover lost.
pub(crate) fn repeats_failover(failed_over_at: DateTime<Utc>, created: DateTime<Utc>) -> bool {
    failed_over_at < created && created <= failed_over_at + REPEATS_A_FAILOVER
}

/// What is in doubt as far as this worker knows.
#[derive(Debug, Default)]
pub(crate) struct KnownDoubts(RwLock<Doubts>);

impl KnownDoubts {
    pub(crate) fn get(&self) -> Doubts {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks on a new session, before anything is claimed on it. A database without the engine's
    /// tables has nothing to lose.
    pub(crate) async fn note(&self, session: &mut PgConnection) -> sqlx::Result<()> {
        let noted = match note(session).await {
            Err(error) if is_missing(&error) => return Ok(()),
            noted => noted?,
        };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A session that asked a moment before may answer after one that asked later.
        if noted.latest() > known.latest() {
            tracing::warn!(
                "This database has failed over or was restored; runs in doubt look before they create"
            );
            *known = noted;
        }
        Ok(())
    }
}

/// Writes down what this session finds; what is in doubt.
pub(crate) async fn note(session: &mut PgConnection) -> sqlx::Result<Doubts> {
    let row =
        sqlx::query!("select failed_over_at, restored_at, lacks_since from leadrail.note_doubt()")
            .fetch_one(session)
            .await?;
    let restored = row.restored_at.zip(row.lacks_since);
    Ok(Doubts {
        failed_over_at: row.failed_over_at,
        restored: restored.map(|(at, lacks_since)| Restored { at, lacks_since }),
    })
}

/// Whether a run may have been worked on in commits that the last failover lost.
pub(crate) async fn is_suspect(pool: &PgPool, run: RunId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from leadrail.suspect_run where run_id = $1) as "is!""#,
        run.0
    )
    .fetch_one(pool)
    .await
}

/// No such function or schema.
fn is_missing(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| matches!(&*code, "42883" | "3F000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(365) + TimeDelta::minutes(minute)
    }

    #[test]
    fn a_restore_concerns_all_that_was_there_and_what_comes_within_a_day() {
        let doubts = Doubts {
            failed_over_at: None,
            restored: Some(Restored {
                at: at(0),
                lacks_since: at(-600),
            }),
        };
        assert_eq!(doubts.restore_of(at(-9_000)), Some(at(0)));
        assert_eq!(
            doubts.effects_since(at(-9_000)),
            at(-9_000),
            "its own birth"
        );
        assert_eq!(doubts.restore_of(at(24 * 60)), Some(at(0)));
        assert_eq!(doubts.effects_since(at(24 * 60)), at(-600), "as a repeat");
        assert_eq!(doubts.restore_of(at(24 * 60 + 1)), None);
        assert_eq!(doubts.effects_since(at(24 * 60 + 1)), at(24 * 60 + 1));
    }

    #[test]
    fn a_repeat_after_a_failover_may_have_taken_effect_shortly_before_it() {
        let doubts = Doubts {
            failed_over_at: Some(at(0)),
            restored: None,
        };
        assert_eq!(doubts.effects_since(at(10)), at(-15));
        assert_eq!(doubts.effects_since(at(16)), at(16));
        assert_eq!(doubts.effects_since(at(-1)), at(-1));
    }
}
