//! What all doors are told to do, and how often they did it.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by all doors.
pub(crate) struct Orders {
    /// The server's port.
    port: AtomicU16,
    deaf: AtomicBool,
    swallowed: AtomicU64,
    answers_lost: AtomicU64,
    losses: Mutex<Losses>,
}

/// When the next answer is lost.
struct Losses {
    chance: StdRng,
    every: Duration,
    next: Option<Instant>,
}

impl Orders {
    /// Doors lead to this port of this machine, and nothing else is done yet.
    pub(super) fn new(seed: u64, port: u16) -> Self {
        Self {
            port: AtomicU16::new(port),
            deaf: AtomicBool::new(false),
            swallowed: AtomicU64::new(0),
            answers_lost: AtomicU64::new(0),
            losses: Mutex::new(Losses {
                chance: StdRng::seed_from_u64(seed ^ 0xc07),
                every: Duration::ZERO,
                next: None,
            }),
        }
    }

    /// Whoever comes from now on is led to another port.
    pub(crate) fn lead_to(&self, port: u16) {
        self.port.store(port, Ordering::Release);
    }

    /// Where the doors lead.
    pub(super) fn server(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.load(Ordering::Acquire)))
    }

    /// Lets an answer get lost about so often, and no more if `None`.
    pub(crate) fn lose_answers(&self, every: Option<Duration>) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.every = every.unwrap_or_default();
        losses.next = every.map(|every| Instant::now() + every);
    }

    /// Keeps notifications from the workers, or no longer.
    pub(crate) fn keep_notifications(&self, keep: bool) {
        self.deaf.store(keep, Ordering::Release);
    }

    /// How many answers to committed statements never arrived.
    pub(crate) fn answers_lost(&self) -> u64 {
        self.answers_lost.load(Ordering::Acquire)
    }

    /// How many notifications never arrived.
    pub(crate) fn swallowed(&self) -> u64 {
        self.swallowed.load(Ordering::Acquire)
    }

    /// Whether this notification is not to arrive.
    pub(super) fn swallows(&self) -> bool {
        let deaf = self.deaf.load(Ordering::Acquire);
        self.swallowed.fetch_add(u64::from(deaf), Ordering::AcqRel);
        deaf
    }

    /// Whether this answer is to be lost; the next one then has its time.
    pub(super) fn loses(&self) -> bool {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if losses.next.is_none_or(|next| next > now) {
            return false;
        }
        let pause = losses.every.mul_f64(losses.chance.random_range(0.5..1.5));
        losses.next = Some(now + pause);
        self.answers_lost.fetch_add(1, Ordering::AcqRel);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_before_it_is_ordered_nor_after_it_is_called_off() {
        let orders = Orders::new(1, 5432);
        assert!(!orders.loses() && !orders.swallows());
        orders.lose_answers(Some(Duration::ZERO));
        orders.keep_notifications(true);
        assert!(orders.loses() && orders.swallows());
        orders.lose_answers(None);
        orders.keep_notifications(false);
        assert!(!orders.loses() && !orders.swallows());
        assert_eq!((orders.answers_lost(), orders.swallowed()), (1, 1));
    }
}
