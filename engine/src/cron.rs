//! Cron: runs that start by the calendar.
//!
//! A worker that finds a schedule due moves its `next_at` and enqueues the runs in one transaction,
//! guarded by the old value: no leader, no double fire, nothing half done.

mod catch_up;
mod definition;
mod fire;
mod fire_times;
mod store;
mod watch;

pub use catch_up::CatchUp;
pub use definition::{CronError, NewCron, Overlap, fire_time};
pub use fire_times::{FireTimes, InvalidCron};
pub use store::{CronView, PutCron};
pub(crate) use watch::watch;
