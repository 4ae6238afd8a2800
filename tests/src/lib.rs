//! What the end-to-end tests share: real processes, a real PostgreSQL, a simulated CRM.
//!
//! Tests here use public doors only (CLI, HTTP, SQL). A worker that dies is a process killed with
//! `kill -9`; what really arrived is read from the simulator's own books, which know nothing of us.

mod browser;
mod stage;
mod story;

pub use browser::Browser;
pub use leadrail_rig::{Books, Process};
pub use stage::{Stage, sample_lead};
pub use story::{RunStory, stories};

use std::time::{Duration, Instant};

/// Waits until `ready` gives something; panics with `what` after `patience`.
///
/// # Panics
/// When it takes too long.
pub async fn wait_for<T, F>(what: &str, patience: Duration, mut ready: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + patience;
    loop {
        if let Some(value) = ready().await {
            return value;
        }
        assert!(Instant::now() < end, "{what}: not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
