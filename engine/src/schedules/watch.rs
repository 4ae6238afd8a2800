//! What a worker does about schedules: sleeps until the next is due, fires it, sleeps on.
//!
//! With nothing scheduled it asks once a minute. A notification wakes it when a schedule changes;
//! a lost one costs at most that minute.

use super::fire;
use crate::engine::NOTIFY_CHANNEL;
use crate::worker::Shared;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a notification says when a schedule changed.
pub(crate) const CRON: &str = "cron";

/// The longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);

/// How soon it is tried again after trouble.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);

/// Workers spread their looks over so long, so that one of them fires and the others find it done.
const SPREAD_MS: std::ops::Range<u64> = 0..50;

/// Fires due schedules until stopped.
pub(crate) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let wait = look(&shared).await + Duration::from_millis(rand::random_range(SPREAD_MS));
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

/// Fires what is due; how long until the next look.
async fn look(shared: &Shared) -> Duration {
    let pool = &shared.store.pool;
    let looked = match until_next(pool).await {
        Ok(wait) if wait > Duration::ZERO => return wait,
        Ok(_) => fire_due(shared).await,
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
async fn fire_due(shared: &Shared) -> sqlx::Result<bool> {
    let mut well = true;
    for row in fire::due(&shared.store.pool).await? {
        match fire::fire(&shared.store.pool, &row).await {
            Ok(0) => {}
            Ok(runs) => {
                tracing::debug!(schedule = %row.name, runs, "A schedule fired");
                shared.hint();
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
async fn until_next(pool: &PgPool) -> sqlx::Result<Duration> {
    let seconds = sqlx::query_scalar!(
        "select extract(epoch from min(next_at) - leadrail.now())::float8 as seconds from leadrail.cron
         where next_at is not null"
    )
    .fetch_one(pool)
    .await?;
    let wait = seconds.map_or(LONGEST, |seconds| {
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST)
    });
    Ok(wait.min(LONGEST))
}

/// Wakes the watchers of all workers; a notification of its own, never part of a transaction.
pub(super) async fn hint(pool: &PgPool) {
    let sent = sqlx::query!("select pg_notify($1, $2)", NOTIFY_CHANNEL, CRON)
        .execute(pool)
        .await;
    if let Err(error) = sent {
        tracing::debug!(error = %error, "No notification was sent; workers look within a minute");
    }
}
