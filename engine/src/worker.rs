//! Workers: processes that execute runs.
//!
//! A worker lives in incarnations. Each has a row in the database, which is its fence, a journal, a
//! stream of claimed runs that apalis drives, and a session whose end tells the others that it
//! died. A worker that was taken over (frozen, cut off) drops everything and comes back as a new one.

pub(crate) mod cancels;
pub(crate) mod config;
pub(crate) mod hearing;
mod hints;
mod housekeeping;
mod incarnation;
pub(crate) mod isolation;
mod liveness;

use crate::engine::Engine;
use crate::workflow::Registry;
pub use config::WorkerConfig;
use incarnation::{Ended, Incarnation};
use tokio_util::sync::CancellationToken;

/// Executes runs of the registered workflows until `shutdown` is cancelled, then drains: unstarted
/// runs go back at once, running activities get the grace period.
///
/// Survives lost connections, database restarts and takeovers; it ends only by `shutdown`.
pub async fn run_worker(
    engine: &Engine,
    registry: Registry,
    config: WorkerConfig,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        let Some(incarnation) = Incarnation::begin(engine, &registry, &config, &shutdown).await
        else {
            return;
        };
        match incarnation.run(&config, &shutdown).await {
            Ended::Drained => return,
            Ended::TakenOver => {
                metrics::counter!("leadrail_worker_taken_over_total").increment(1);
                tracing::warn!(worker.name = %config.name, "This worker was taken over; it starts afresh");
            }
        }
    }
}
