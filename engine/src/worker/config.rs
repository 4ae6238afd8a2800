//! How a worker works.

use crate::decision::Limits;
use crate::retry::RetrySchedule;
use std::time::Duration;

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// For people: shown in lists, not used to tell workers apart.
    pub name: String,
    /// How many runs it holds at a time. Up to 2,047 it writes through one database session, beyond
    /// that through one more for every 1,024, four at most.
    pub concurrency: usize,
    /// How long its silence is believed before others take over (a closed session is noticed at once).
    pub lease: Duration,
    /// How long running activities may take to end at a shutdown.
    pub grace: Duration,
    /// How often it asks for work when nobody gives a hint, jittered by a fifth; six times as rarely
    /// while it is quiet and notifications are known to reach it.
    pub poll: Duration,
    /// After so long without work it is quiet.
    pub quiet_after: Duration,
    /// The retry schedule of activities that have none of their own.
    pub schedule: RetrySchedule,
    /// Bounds on waits that use up no attempt.
    pub limits: Limits,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            name: format!("worker-{}", std::process::id()),
            concurrency: 256,
            lease: Duration::from_secs(15),
            grace: Duration::from_secs(25),
            poll: Duration::from_secs(1),
            quiet_after: Duration::from_secs(60),
            schedule: RetrySchedule::default(),
            limits: Limits::default(),
        }
    }
}
