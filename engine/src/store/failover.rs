//! Failovers: noticed by the sessions that workers make, and what they put in doubt.

use crate::ids::RunId;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use std::sync::{PoisonError, RwLock};

/// When the database last failed over, as far as this worker knows.
#[derive(Debug, Default)]
pub(crate) struct LastFailover(RwLock<Option<DateTime<Utc>>>);

impl LastFailover {
    pub(crate) fn at(&self) -> Option<DateTime<Utc>> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks on a new session, before anything is claimed on it. A database without the engine's
    /// tables has nothing to lose.
    pub(crate) async fn note(&self, session: &mut PgConnection) -> sqlx::Result<()> {
        let noted = sqlx::query_scalar!("select leadrail.note_timeline()")
            .fetch_one(session)
            .await;
        let at = match noted {
            Err(error) if is_missing(&error) => return Ok(()),
            noted => noted?,
        };
        let mut last = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A session that asked a moment before the failover may answer after one that asked later.
        if at > *last {
            tracing::warn!("The database has failed over; runs in doubt look before they create");
            *last = at;
        }
        Ok(())
    }
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
