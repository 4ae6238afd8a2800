//! What a worker does now and then so that nothing grows for ever.

use super::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(3_600);

/// Keeps house at the start and then every hour (jittered, so that workers take turns).
pub(super) async fn keep_house(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let kept = sqlx::query!("select leadrail.keep_house() as done")
            .fetch_one(&shared.store.pool)
            .await;
        if let Err(error) = kept {
            tracing::warn!(error = %error, "Housekeeping failed; it is tried again in an hour");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY.mul_f64(rand::random_range(0.8..=1.2))) => {}
            () = stop.cancelled() => return,
            () = shared.lost.cancelled() => return,
        }
    }
}
