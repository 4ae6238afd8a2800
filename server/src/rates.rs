//! How often one may call: each key, and each address of those who have none.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use http::HeaderName;
use leadrail_desk::{Actor, Caller};

use crate::problem::Problem;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// So many requests at once, and so many a second from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second.
    pub per_second: NonZeroU32,
    /// Requests at once, by whoever has made none for a while.
    pub burst: NonZeroU32,
}

/// How often one may call; where there is no rate, as often as one likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// With one API key; and from this machine without one, where none is needed.
    pub key: Option<Rate>,
    /// From one address without a key that works.
    pub peer: Option<Rate>,
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Key(String),
    Local,
}

/// Counts requests. Shared by all connections.
pub(crate) struct Limiters {
    keys: Option<Limiter<Who>>,
    peers: Option<Limiter<IpAddr>>,
}

struct Limiter<K: Hash + Eq + Clone> {
    rate: Rate,
    counts: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
}

/// What is left to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    rate: Rate,
    remaining: u32,
    /// How long to wait before the next request; none where it may come at once.
    wait: Option<Duration>,
}

impl Limiters {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            keys: rates.key.map(Limiter::new),
            peers: rates.peer.map(Limiter::new),
        }
    }

    /// Counts a request of this caller.
    pub(crate) fn of_caller(&self, caller: &Caller) -> Option<Standing> {
        let who = match caller.actor() {
            Actor::ApiKey { key, .. } => Who::Key(key.clone()),
            _ => Who::Local,
        };
        self.keys.as_ref().map(|keys| keys.count(&who))
    }

    /// Counts a request from this address without a key that works.
    pub(crate) fn of_peer(&self, address: IpAddr) -> Option<Standing> {
        let network = network(address);
        self.peers.as_ref().map(|peers| peers.count(&network))
    }

    /// Forgets whoever may call as often as anybody new.
    pub(crate) fn upkeep(&self) {
        if let Some(keys) = &self.keys {
            keys.counts.retain_recent();
        }
        if let Some(peers) = &self.peers {
            peers.counts.retain_recent();
        }
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            rate,
            counts: RateLimiter::keyed(quota).with_middleware(),
        }
    }

    fn count(&self, who: &K) -> Standing {
        let (remaining, wait) = match self.counts.check_key(who) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(not_yet) => (0, Some(not_yet.wait_time_from(self.counts.clock().now()))),
        };
        Standing {
            rate: self.rate,
            remaining,
            wait,
        }
    }
}

impl Standing {
    /// The answer to whoever calls too often; none if this request may go on.
    pub(crate) fn refusal(&self) -> Option<Response> {
        let wait = self.wait?;
        let refused = Problem::too_often(self.rate.per_second, whole_seconds(wait)).into_response();
        Some(self.said_in(refused))
    }

    /// Says in an answer what is left: `RateLimit-Limit` requests at once, of them
    /// `RateLimit-Remaining`, and all of them again after `RateLimit-Reset` seconds.
    pub(crate) fn said_in(&self, mut response: Response) -> Response {
        let (limit, left) = (self.rate.burst.get(), self.remaining);
        let reset = limit
            .saturating_sub(left)
            .div_ceil(self.rate.per_second.get());
        let headers = response.headers_mut();
        headers.insert(LIMIT, limit.into());
        headers.insert(REMAINING, left.into());
        headers.insert(RESET, reset.into());
        response
    }
}

/// At least one, for a caller who is told to wait waits.
fn whole_seconds(wait: Duration) -> Duration {
    let begun = u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs((wait.as_secs() + begun).max(1))
}

/// Whose address it is: a customer of IPv6 has at least 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32) -> Rate {
        Rate {
            per_second: NonZeroU32::new(per_second).expect("some"),
            burst: NonZeroU32::new(burst).expect("some"),
        }
    }

    fn peers(rate: Rate) -> Limiters {
        Limiters::new(Rates {
            key: None,
            peer: Some(rate),
        })
    }

    #[test]
    fn so_many_at_once_are_taken_and_the_next_is_told_when_to_come_again() {
        let limiters = peers(rate(1, 3));
        let ask = |from: &str| limiters.of_peer(from.parse().expect("an address"));
        for left in [2, 1, 0] {
            let standing = ask("198.51.100.7").expect("a standing");
            assert_eq!((standing.remaining, standing.wait), (left, None));
            assert!(standing.refusal().is_none());
        }
        let refused = ask("198.51.100.7").and_then(|standing| standing.refusal());
        let refused = refused.expect("a refusal");
        assert_eq!(refused.status(), 429);
        let said = [
            "retry-after",
            "ratelimit-limit",
            "ratelimit-remaining",
            "ratelimit-reset",
        ]
        .map(|name| {
            refused.headers()[name]
                .to_str()
                .expect("a number")
                .to_owned()
        });
        assert_eq!(said, ["1", "3", "0", "3"]);
        let other = ask("198.51.100.8").expect("a standing");
        assert_eq!(other.wait, None, "somebody else is not held up");
    }

    #[test]
    fn addresses_of_one_network_are_one_caller_and_those_of_two_are_two() {
        let same = [
            ("2001:db8::1", "2001:db8::ffff:1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ];
        let network_of = |text: &str| network(text.parse().expect("an address"));
        for (one, other) in same {
            assert_eq!(network_of(one), network_of(other));
        }
        assert_ne!(network_of("2001:db8::1"), network_of("2001:db8:0:1::1"));
        assert_ne!(network_of("10.0.0.1"), network_of("10.0.0.2"));
    }

    #[test]
    fn without_a_rate_nobody_is_counted() {
        let limiters = Limiters::new(Rates::default());
        assert_eq!(limiters.of_peer(IpAddr::from([127, 0, 0, 1])), None);
        assert_eq!(limiters.of_caller(&Caller::local()), None);
    }

    #[test]
    fn whoever_may_call_as_anybody_new_is_forgotten() {
        let limiters = peers(rate(1_000_000_000, 1));
        for last in 0..200 {
            limiters.of_peer(IpAddr::from([198, 51, 100, last]));
        }
        let counts = &limiters.peers.as_ref().expect("peers").counts;
        // A place is free again after a nanosecond.
        while !counts.is_empty() {
            limiters.upkeep();
        }
    }
}
