//! Whether notifications reach this worker: proven, not assumed.
//!
//! A listener may be connected and deaf: behind a pooler, or at the end of a network path that died
//! without a word. A worker that wants to ask rarely sends itself a notification with each renewal of
//! its lease; only while these arrive does it rely on those of others.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A notification that takes longer counts as lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the worker knows of its listener.
#[derive(Default)]
pub(crate) struct Hearing {
    ear: Mutex<Ear>,
}

#[derive(Default)]
struct Ear {
    connected: bool,
    /// One of its own notifications has arrived since the listener connected.
    proven: bool,
    /// When the oldest that has not arrived yet was sent.
    asked: Option<Instant>,
}

impl Hearing {
    /// The listener has connected, or its connection is gone; either way nothing is proven.
    pub(super) fn set_connected(&self, connected: bool) {
        *self.ear() = Ear {
            connected,
            ..Ear::default()
        };
    }

    pub(super) fn is_connected(&self) -> bool {
        self.ear().connected
    }

    /// The worker is about to send itself a notification.
    pub(super) fn ask(&self, now: Instant) {
        self.ear().asked.get_or_insert(now);
    }

    /// One of its own has arrived.
    pub(super) fn heard(&self) {
        let mut ear = self.ear();
        ear.proven = ear.connected;
        ear.asked = None;
    }

    /// Whether what others send can be expected to arrive.
    pub(super) fn is_proven(&self, now: Instant) -> bool {
        let ear = self.ear();
        let in_time = |asked: Instant| now.saturating_duration_since(asked) < PATIENCE;
        ear.proven && ear.asked.is_none_or(in_time)
    }

    fn ear(&self) -> MutexGuard<'_, Ear> {
        self.ear.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connected_listener_proves_nothing_until_something_was_heard() {
        let (hearing, now) = (Hearing::default(), Instant::now());
        hearing.set_connected(true);
        hearing.ask(now);
        assert!(!hearing.is_proven(now));
        hearing.heard();
        assert!(hearing.is_proven(now + Duration::from_secs(3_600)));
    }

    #[test]
    fn a_listener_that_falls_silent_is_not_relied_on_any_more() {
        let (hearing, now) = (Hearing::default(), Instant::now());
        hearing.set_connected(true);
        hearing.heard();
        hearing.ask(now);
        assert!(hearing.is_proven(now + Duration::from_secs(1)));
        hearing.ask(now + Duration::from_secs(1));
        assert!(
            !hearing.is_proven(now + PATIENCE),
            "the oldest one counts, not the latest"
        );
        hearing.heard();
        assert!(hearing.is_proven(now + PATIENCE));
    }

    #[test]
    fn a_new_connection_is_proven_anew() {
        let (hearing, now) = (Hearing::default(), Instant::now());
        hearing.set_connected(true);
        hearing.heard();
        hearing.set_connected(false);
        assert!(!hearing.is_proven(now) && !hearing.is_connected());
        hearing.heard();
        assert!(!hearing.is_proven(now), "an echo of the old connection");
    }
}
