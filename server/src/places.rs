//! Who may hold a connection: so many at a time, fewer from one address, and some for health checks.
//!
//! A connection on which nothing is asked holds its place only as long as nobody else needs one. So
//! thousands of idle connections keep nobody out: of the address that holds the most places the one
//! that has been idle for longest makes room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::rates::network;

/// How many connections are open at a time, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections for all calls.
    pub connections: usize,
    /// Of those, from one address (IPv6: from one /64).
    pub per_address: usize,
    /// Of those, from this machine, or from a proxy that the configuration names.
    pub per_neighbor: usize,
    /// Requests under way on all connections together. More than there are connections, so only HTTP/2,
    /// which has many requests on one, comes up against it.
    pub requests: usize,
    /// Connections beyond these, on which health and metrics are answered and everything else is
    /// refused at once.
    pub reserved: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            per_address: 128,
            per_neighbor: 768,
            requests: 2_048,
            reserved: 64,
        }
    }
}

/// What a connection is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every call.
    Any,
    /// Health and metrics: all other places are taken.
    Reserved,
}

/// The places of a listener. Clones share them.
#[derive(Clone)]
pub(crate) struct Places {
    limits: Limits,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    last: u64,
    any: HashMap<u64, Held>,
    by_address: HashMap<IpAddr, usize>,
    reserved: usize,
}

/// A place for all calls, and what its connection does.
struct Held {
    address: IpAddr,
    /// Requests under way.
    asked: usize,
    /// Since when there are as many.
    since: Instant,
    /// Tells the connection to go.
    gone: CancellationToken,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    number: u64,
    gone: CancellationToken,
    places: Places,
}

/// A request under way on a connection, until it is dropped.
pub(crate) struct Asked(Arc<Place>);

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from this address, a neighbor's or not; none if even the reserved ones
    /// are taken.
    pub(crate) fn take(&self, address: IpAddr, is_neighbor: bool) -> Option<Place> {
        let address = network(address);
        let most = match is_neighbor {
            true => self.limits.per_neighbor,
            false => self.limits.per_address,
        };
        let mut taken = self.lock();
        let gone = CancellationToken::new();
        let kind = if taken.has_room(address, most, self.limits.connections) {
            taken.hold(address, gone.clone());
            Kind::Any
        } else if taken.reserved < self.limits.reserved {
            taken.reserved += 1;
            Kind::Reserved
        } else {
            return None;
        };
        Some(Place {
            kind,
            number: taken.last,
            gone,
            places: self.clone(),
        })
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        let taken = self.lock();
        taken.any.len() + taken.reserved
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // No code that can panic runs under the lock.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Whether there is a place, after an idle connection has made room for it where there was none.
    fn has_room(&mut self, address: IpAddr, most: usize, all: usize) -> bool {
        let from_there = self.by_address.get(&address).copied().unwrap_or_default();
        if from_there >= most {
            self.make_room(Some(address))
        } else {
            self.any.len() < all || self.make_room(None)
        }
    }

    /// Lets an idle connection go, of this address or of the one that holds the most.
    fn make_room(&mut self, only: Option<IpAddr>) -> bool {
        let idle = self.any.iter().filter(|(_, held)| {
            held.asked == 0 && only.is_none_or(|address| held.address == address)
        });
        let first = idle.max_by_key(|(_, held)| {
            let from_there = self.by_address.get(&held.address);
            (from_there.copied(), std::cmp::Reverse(held.since))
        });
        let number = first.map(|(number, _)| *number);
        number.is_some_and(|number| self.give_back(number))
    }

    fn hold(&mut self, address: IpAddr, gone: CancellationToken) {
        self.last += 1;
        *self.by_address.entry(address).or_default() += 1;
        let held = Held {
            address,
            asked: 0,
            since: Instant::now(),
            gone,
        };
        self.any.insert(self.last, held);
    }

    /// Whether the place was still held.
    fn give_back(&mut self, number: u64) -> bool {
        let Some(held) = self.any.remove(&number) else {
            return false;
        };
        held.gone.cancel();
        if let Some(from_there) = self.by_address.get_mut(&held.address) {
            *from_there -= 1;
            if *from_there == 0 {
                self.by_address.remove(&held.address);
            }
        }
        true
    }
}

impl Place {
    /// Notes that a request is under way.
    pub(crate) fn asked(self: &Arc<Self>) -> Asked {
        self.count(|asked| asked + 1);
        Asked(Arc::clone(self))
    }

    /// Waits until somebody else needs the place more.
    pub(crate) async fn is_needed(&self) {
        self.gone.cancelled().await;
    }

    /// Since when nothing is asked on it; none while something is.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let taken = self.places.lock();
        let held = taken.any.get(&self.number);
        held.filter(|held| held.asked == 0).map(|held| held.since)
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        if self.kind == Kind::Any
            && let Some(held) = self.places.lock().any.get_mut(&self.number)
        {
            held.asked = change(held.asked);
            held.since = Instant::now();
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.count(|asked| asked.saturating_sub(1));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match self.kind {
            Kind::Any => drop(taken.give_back(self.number)),
            Kind::Reserved => taken.reserved -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    const FEW: Limits = Limits {
        connections: 3,
        per_address: 2,
        per_neighbor: 3,
        requests: 6,
        reserved: 2,
    };

    fn take(places: &Places, from: IpAddr) -> Option<Arc<Place>> {
        places.take(from, false).map(Arc::new)
    }

    fn kind(place: Option<&Arc<Place>>) -> Option<Kind> {
        place.map(|place| place.kind)
    }

    /// A connection on which something is asked.
    fn busy(places: &Places, from: IpAddr) -> Option<(Arc<Place>, Asked)> {
        let place = take(places, from)?;
        let asked = place.asked();
        Some((place, asked))
    }

    #[test]
    fn one_address_cannot_take_what_others_need_and_all_together_not_what_is_reserved() {
        let places = Places::new(FEW);
        let held = [HERE, HERE, HERE, THERE, THERE, THERE].map(|from| busy(&places, from));
        let kinds = held
            .each_ref()
            .map(|held| kind(held.as_ref().map(|(place, _)| place)));
        let (any, reserved) = (Some(Kind::Any), Some(Kind::Reserved));
        assert_eq!(kinds, [any, any, reserved, any, reserved, None]);
        assert_eq!(places.open(), 5);
        drop(held);
        assert_eq!(kind(take(&places, HERE).as_ref()), any);
        assert_eq!(places.open(), 0);
        assert!(places.lock().by_address.is_empty());
    }

    #[test]
    fn a_neighbor_may_have_more() {
        let places = Places::new(FEW);
        let held = [true, true, true].map(|is_neighbor| {
            let place = places.take(HERE, is_neighbor).map(Arc::new);
            place.map(|place| (place.asked(), place))
        });
        let kinds = held.iter().flatten().map(|(_, place)| place.kind);
        assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Any; 3]);
    }

    #[test]
    fn an_idle_connection_makes_room_and_one_that_is_asked_something_does_not() {
        let places = Places::new(FEW);
        let (first, second) = (take(&places, HERE), take(&places, HERE));
        let (first, second) = (first.expect("a place"), second.expect("a place"));
        let asked = first.asked();
        let third = take(&places, HERE).expect("a place");
        assert!(second.gone.is_cancelled() && !first.gone.is_cancelled());
        drop(asked);
        let _asked = third.asked();
        let fourth = take(&places, HERE).expect("a place");
        assert_eq!((third.kind, fourth.kind), (Kind::Any, Kind::Any));
        assert!(first.gone.is_cancelled() && !third.gone.is_cancelled());
        drop((first, second));
        assert_eq!(
            places.open(),
            2,
            "who has made room gives nothing back again"
        );
    }

    #[test]
    fn room_is_made_by_whoever_holds_the_most() {
        let places = Places::new(Limits {
            per_address: 3,
            ..FEW
        });
        let alone = take(&places, THERE).expect("a place");
        let many = [take(&places, HERE), take(&places, HERE)].map(|place| place.expect("a place"));
        let new = take(&places, IpAddr::from([10, 0, 0, 3]));
        assert_eq!(kind(new.as_ref()), Some(Kind::Any));
        let gone = many.each_ref().map(|place| place.gone.is_cancelled());
        assert_eq!((alone.gone.is_cancelled(), gone), (false, [true, false]));
    }
}
