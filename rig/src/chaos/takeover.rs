//! How soon the leads of a killed worker were taken over, and how soon they went on.
//!
//! A lead that was taken over goes first among those of its priority, yet it waits for a free place
//! like any other.

use super::chronicle::{Blow, Events, Outage};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Around an outage nobody can take anything over.
const AROUND_AN_OUTAGE: TimeDelta = TimeDelta::seconds(3);

/// A run that its worker lost.
pub(super) struct Loss {
    pub(super) worker: Option<Uuid>,
    /// When it was taken over.
    pub(super) taken: DateTime<Utc>,
    /// When it was claimed again.
    pub(super) again: Option<DateTime<Utc>>,
}

/// Milliseconds from a kill to the takeover and to the next claim, each sorted; those that an outage
/// fell into are left out.
pub(super) fn after_kills(losses: &[Loss], events: &Events) -> (Vec<i64>, Vec<i64>) {
    let killed: HashMap<Uuid, &Blow> = events
        .kills
        .iter()
        .flat_map(|blow| blow.workers.iter().map(move |worker| (*worker, blow)))
        .collect();
    let (mut taken, mut again): (Vec<_>, Vec<_>) = losses
        .iter()
        .filter_map(|loss| {
            let blow = killed.get(&loss.worker?)?;
            let again = loss.again?;
            let disturbed = events
                .outages
                .iter()
                .chain(&events.full_disks)
                .any(|outage| overlaps(outage, blow.at, again));
            let after = |then: DateTime<Utc>| (then - blow.at).num_milliseconds();
            (!disturbed).then(|| (after(loss.taken), after(again)))
        })
        .unzip();
    taken.sort_unstable();
    again.sort_unstable();
    (taken, again)
}

fn overlaps(outage: &Outage, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
    until > outage.from - AROUND_AN_OUTAGE && from < outage.until + AROUND_AN_OUTAGE
}

/// The value that so many in a hundred do not exceed.
pub(super) fn percentile(sorted: &[i64], hundredths: usize) -> Option<i64> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get((sorted.len() * hundredths / 100).min(last))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn only_undisturbed_takeovers_of_killed_workers_count() {
        let (killed, disturbed, frozen) =
            (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let blow = |worker, millis| Blow {
            at: at(millis),
            workers: vec![worker],
        };
        let events = Events {
            kills: vec![blow(killed, 0), blow(disturbed, 20_000)],
            outages: vec![Outage {
                from: at(20_500),
                until: at(21_000),
            }],
            ..Events::default()
        };
        let loss = |worker, millis| Loss {
            worker: Some(worker),
            taken: at(millis - 100),
            again: Some(at(millis)),
        };
        let losses = [
            loss(killed, 1_500),
            loss(killed, 900),
            loss(disturbed, 22_000),
            loss(frozen, 4_000),
        ];
        let (taken, again) = after_kills(&losses, &events);
        assert_eq!((taken, again), (vec![800, 1_400], vec![900, 1_500]));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentile(&[], 99), None);
        assert_eq!(percentile(&[7], 99), Some(7));
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 50), Some(51));
        assert_eq!(percentile(&hundred, 99), Some(100));
    }
}
