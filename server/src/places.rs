//! Who may hold a connection: so many at a time, fewer from one address, and some for health checks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections are open at a time, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections for all calls.
    pub connections: usize,
    /// Of those, from one address.
    pub per_address: usize,
    /// Connections beyond these, on which health and metrics are answered and everything else is
    /// refused at once.
    pub reserved: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            per_address: 768,
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
    any: HashMap<IpAddr, usize>,
    connections: usize,
    reserved: usize,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    address: IpAddr,
    places: Places,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from this address; none if even the reserved ones are taken.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let from_there = taken.any.get(&address).copied().unwrap_or_default();
        let kind = if taken.connections < self.limits.connections
            && from_there < self.limits.per_address
        {
            taken.connections += 1;
            taken.any.insert(address, from_there + 1);
            Kind::Any
        } else if taken.reserved < self.limits.reserved {
            taken.reserved += 1;
            Kind::Reserved
        } else {
            return None;
        };
        Some(Place {
            kind,
            address,
            places: self.clone(),
        })
    }

    fn give_back(&self, place: &Place) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if place.kind == Kind::Reserved {
            taken.reserved -= 1;
            return;
        }
        taken.connections -= 1;
        if let Some(from_there) = taken.any.get_mut(&place.address) {
            *from_there -= 1;
            if *from_there == 0 {
                taken.any.remove(&place.address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn kind(place: Option<&Place>) -> Option<Kind> {
        place.map(|place| place.kind)
    }

    #[test]
    fn one_address_cannot_take_what_others_need_and_all_together_not_what_is_reserved() {
        let places = Places::new(Limits {
            connections: 3,
            per_address: 2,
            reserved: 2,
        });
        let held = [HERE, HERE, HERE, THERE, THERE, THERE].map(|from| places.take(from));
        let kinds = held.each_ref().map(|place| kind(place.as_ref()));
        let (any, reserved) = (Some(Kind::Any), Some(Kind::Reserved));
        assert_eq!(kinds, [any, any, reserved, any, reserved, None]);
        drop(held);
        assert_eq!(kind(places.take(HERE).as_ref()), any);
        assert!(places.taken.lock().expect("whole").any.is_empty());
    }
}
