//! What a worker does about schedules: sleeps until the next is due, fires it, sleeps on.
//!
//! With nothing scheduled it asks once a minute. A notification wakes it when a schedule changes;
//! a lost one costs at most that minute.

use super::{CronError, fire};
use crate::shared::Shared;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);

/// How soon it is tried again after trouble.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);

/// Workers spread their looks over so long, so that one of them fires and the others find it done.
const SPREAD_MS: std::ops::Range<u64> = 0..50;

/// Fires due schedules until stopped.
pub(crate) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    let mut unreadable = Vec::new();
    loop {
        let wait = look(&shared, &mut unreadable).await
            + Duration::from_millis(rand::random_range(SPREAD_MS));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.crons_changed.notified() => {}
            () = stop.cancelled() => return,
            () = shared.lost.cancelled() => return,
        }
        if shared.is_draining() {
            return;
        }
    }
}

/// Fires what is due; how long until the next look. Revisions that this build cannot read, such as
/// those in a zone that only a later one knows, are told of once and left to other workers.
async fn look(shared: &Shared, unreadable: &mut Vec<Uuid>) -> Duration {
    let pool = &shared.store.pool;
    let looked = match until_next(pool, unreadable).await {
        Ok(wait) if wait > Duration::ZERO => return wait,
        Ok(_) => fire_due(shared, unreadable).await,
        Err(error) => Err(error),
    };
    match looked {
        Ok(true) => Duration::ZERO,
        Ok(false) => AFTER_TROUBLE,
        Err(error) => {
            tracing::debug!(error = %error, "The schedules could not be read yet");
            AFTER_TROUBLE
        }
    }
}

/// Fires each schedule that is due by itself, so that one in trouble holds up no other; false when
/// one was.
async fn fire_due(shared: &Shared, unreadable: &mut Vec<Uuid>) -> sqlx::Result<bool> {
    let mut well = true;
    for row in fire::due(&shared.store.pool, unreadable).await? {
        match fire::fire(&shared.store.pool, &row).await {
            Ok(0) => {}
            Ok(runs) => {
                tracing::debug!(schedule = %row.name, runs, "A schedule fired");
                shared.hint();
            }
            Err(CronError::Times(why)) => {
                unreadable.push(row.revision);
                tracing::warn!(schedule = %row.name, reason = %why, "This build cannot read a schedule; it fires where another can, or once it is put again");
            }
            Err(error) => {
                well = false;
                tracing::warn!(schedule = %row.name, error = %error, "A schedule could not fire; it is tried again");
            }
        }
    }
    Ok(well)
}

/// How long until the next schedule is due; zero when one is.
async fn until_next(pool: &PgPool, unreadable: &[Uuid]) -> sqlx::Result<Duration> {
    let seconds = sqlx::query_scalar!(
        "select extract(epoch from min(next_at) - leadrail.now())::float8 as seconds from leadrail.cron
         where next_at is not null and revision <> all ($1)",
        unreadable,
    )
    .fetch_one(pool)
    .await?;
    let wait = seconds.map_or(LONGEST, |seconds| {
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST)
    });
    Ok(wait.min(LONGEST))
}
