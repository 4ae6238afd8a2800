//! A deadline that also runs while the machine is suspended.
//!
//! `Instant` stands still during a suspend on Linux, so a worker that was paused would believe that
//! it still has time. `CLOCK_BOOTTIME` does not.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Time since boot, suspends included.
pub(crate) fn boottime() -> Duration {
    #[cfg(test)]
    if let Some(simulated) = crate::simulation::elapsed() {
        return simulated;
    }
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// A point in boot time after which nothing may be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    /// `span` from `start` (a reading of [`boottime`]).
    pub(crate) fn after(start: Duration, span: Duration) -> Self {
        Self(start + span)
    }

    /// Zero once it has passed.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_sub(boottime())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_and_stays_passed() {
        let start = boottime();
        assert!(Deadline::after(start, Duration::from_secs(60)).left() > Duration::from_secs(50));
        let past = Deadline::after(
            start.saturating_sub(Duration::from_secs(2)),
            Duration::from_secs(1),
        );
        assert_eq!(past.left(), Duration::ZERO);
    }
}
