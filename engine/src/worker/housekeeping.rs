//! What a worker does now and then so that nothing grows for ever.
//!
//! Every minute ended runs leave the hot table; every hour partitions are made and old days dropped.
//! All workers do it: the database lets one at a time, and writes down what was done and what failed
//! (`leadrail.housekeeping`), which `leadrail doctor` shows.

use crate::shared::Shared;
use crate::store::housekeeping::{self as house, HOUSE_BATCH};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Between two rounds through the hot table.
const ROUND: Duration = Duration::from_secs(60);

/// Between two times of everything else; after a failure the next round tries again.
const EVERY: Duration = Duration::from_secs(3_600);

/// Heads that a round may look at in vain: a backlog that lives is not read to its end every minute.
const IN_VAIN: i32 = 100_000;

/// Keeps house at the start and then for ever, jittered, so that workers take turns.
pub(super) async fn keep_house(shared: Arc<Shared>, stop: CancellationToken) {
    let mut kept: Option<Instant> = None;
    loop {
        let every = EVERY.mul_f64(rand::random_range(0.8..=1.2));
        if kept.is_none_or(|at| at.elapsed() >= every) {
            kept = keep(&shared).await.then(Instant::now);
        }
        move_ended(&shared, &stop).await;
        tokio::select! {
            () = tokio::time::sleep(ROUND.mul_f64(rand::random_range(0.8..=1.2))) => {}
            () = stop.cancelled() => return,
            () = shared.lost.cancelled() => return,
        }
    }
}

/// Whether all of it was done.
async fn keep(shared: &Shared) -> bool {
    let kept = async {
        house::keep(&shared.store.pool).await?;
        while let Some(day) = house::drop_oldest_day(&shared.store.pool).await? {
            tracing::info!(day, "A day of history is old enough and was dropped");
        }
        while house::forget_inputs(&shared.store.pool, HOUSE_BATCH).await? == HOUSE_BATCH {}
        while house::forget_keys(&shared.store.pool, HOUSE_BATCH).await? == HOUSE_BATCH {}
        house::failures(&shared.store.pool).await
    };
    match kept.await {
        Ok(failures) => {
            for (task, error) in &failures {
                tracing::warn!(
                    task,
                    error,
                    "Housekeeping failed; it is tried again in a minute"
                );
            }
            failures.is_empty()
        }
        Err(error) => {
            tracing::warn!(error = %error, "Housekeeping failed; it is tried again in a minute");
            false
        }
    }
}

/// One round: until the end of the hot table, or until it is not worth it.
async fn move_ended(shared: &Shared, stop: &CancellationToken) {
    let mut in_vain = 0;
    while !stop.is_cancelled() && !shared.lost.is_cancelled() && in_vain < IN_VAIN {
        match house::move_ended(&shared.store.pool, HOUSE_BATCH).await {
            Ok(slice) => {
                in_vain += slice.looked - slice.moved;
                if slice.looked < HOUSE_BATCH {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "Ended runs could not be moved yet");
                return;
            }
        }
    }
}
