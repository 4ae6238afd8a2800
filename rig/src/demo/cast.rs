//! Who plays in the demo: the leads, what each of them meets, and how each must end.

mod writer;

use crate::places::{ELSEWHERE, Place};
use chrono::{DateTime, Utc};
use leadrail_adapters::StepKey;
use leadrail_crm_sim::FaultRule;
use leadrail_lead::{EventId, Marker};
use serde_json::Value;
use uuid::Uuid;
use writer::Writer;

/// The leads of the killed worker and some more. All kinds of trouble need about fifty.
pub(super) const FEWEST: usize = 10;
/// More would take longer than anybody watches.
pub(super) const MOST: usize = 20_000;

/// Leads under way when the first worker is killed.
pub(super) const KILLED: usize = 4;

/// Where a lead must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In the CRM, once.
    Delivered,
    /// Here only: an unqualified lead goes to no CRM.
    Recorded,
    /// Among the dead letters for this reason, and not in the CRM.
    Dead(&'static str),
    /// In the CRM, once the account is connected again whose key is revoked; until then it waits.
    DeliveredOnceConnected,
}

/// One lead.
pub(super) struct Role {
    /// What it meets; `None` if nothing.
    pub(super) story: Option<&'static str>,
    pub(super) account: String,
    pub(super) event_id: EventId,
    pub(super) payload: Value,
    pub(super) end: End,
}

impl Role {
    /// The CRM that it is for; none for one that names none.
    pub(super) fn crm(&self) -> &str {
        let crm = self.payload["routing"]["destination_crm"].as_str();
        crm.unwrap_or_default()
    }

    /// The marker by which the lead is known in the CRM.
    pub(super) fn marker(&self) -> Marker {
        Marker::new(self.event_id, StepKey::LEAD_CREATE.label())
    }
}

/// The accounts, by what happens to them. Each is a company of the same name in the CRM.
#[derive(Clone)]
pub(super) struct Accounts {
    pub(super) calm: [String; 3],
    pub(super) killed: String,
    pub(super) down: String,
    pub(super) refused: String,
    /// One for each of the other places, in their order.
    elsewhere: [String; ELSEWHERE.len()],
}

impl Accounts {
    /// New names each time, so that a kept database has room for another demo.
    fn new() -> Self {
        let run = Uuid::new_v4().simple().to_string();
        let name = |what: &str| format!("{what}-{}", &run[..4]);
        Self {
            calm: ["acme-plumbing", "bolt-electric", "cedar-roofing"].map(name),
            killed: name("dunes-hvac"),
            down: name("elm-plumbing"),
            refused: name("fjord-heating"),
            elsewhere: [
                "grove-drains",
                "harbor-hvac",
                "iris-roofing",
                "juniper-plumbing",
                "kelp-electric",
                "larch-doors",
                "maple-solar",
                "nettle-pools",
                "olive-drains",
                "poplar-heating",
                "quince-plumbing",
                "rowan-electric",
            ]
            .map(name),
        }
    }

    /// Those in the CRM where most are.
    pub(super) fn at_home(&self) -> impl Iterator<Item = &String> {
        let troubled = [&self.killed, &self.down, &self.refused];
        self.calm.iter().chain(troubled)
    }

    /// The one of those whose people sign in, where the others give a key.
    pub(super) fn signs_in(&self) -> &String {
        &self.calm[0]
    }

    /// Those in other CRMs, and where.
    pub(super) fn elsewhere(&self) -> impl Iterator<Item = (&String, &'static Place)> {
        self.elsewhere.iter().zip(&ELSEWHERE)
    }
}

/// All leads, in two acts, and what the CRM will do to them.
pub(super) struct Cast {
    pub(super) accounts: Accounts,
    /// Before the first worker is killed.
    pub(super) first: Vec<Role>,
    /// After that.
    pub(super) second: Vec<Role>,
    /// With the CRM that they are for.
    pub(super) faults: Vec<(&'static str, FaultRule)>,
}

impl Cast {
    /// So many leads, whose calls have just ended: as many kinds of trouble as there is room for, and
    /// leads that go straight, half of them before the worker is killed.
    pub(super) fn of(leads: usize, now: DateTime<Utc>) -> Self {
        let mut writer = Writer::new(now);
        let mut cast = Self {
            first: writer.killed(),
            second: Vec::new(),
            faults: Vec::new(),
            accounts: writer.accounts.clone(),
        };
        for group in writer.troubled() {
            if cast.first.len() + cast.second.len() + group.len() <= leads {
                cast.second.extend(group);
            }
        }
        let calm = leads.saturating_sub(cast.first.len() + cast.second.len());
        for number in 0..calm {
            match number < calm / 2 {
                true => cast.first.push(writer.calm()),
                false => cast.second.push(writer.calm()),
            }
        }
        cast.faults = writer.faults;
        cast
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = &Role> {
        self.first.iter().chain(&self.second)
    }

    pub(super) fn len(&self) -> u64 {
        (self.first.len() + self.second.len()) as u64
    }

    /// The lead that is posted more than once.
    pub(super) fn repeated(&self) -> &Role {
        let mut roles = self.roles();
        let found = roles.find(|role| role.story == Some(REPEATED));
        found.expect("every cast has one")
    }
}

/// The story of the lead that is posted again.
const REPEATED: &str = "posted twice, and once more with another body";

#[cfg(test)]
mod tests {
    use super::*;
    use leadrail_lead::Lead;
    use std::collections::BTreeSet;

    fn cast(leads: usize) -> Cast {
        Cast::of(leads, DateTime::from_timestamp(1_779_805_920, 0).unwrap())
    }

    #[test]
    fn as_many_leads_as_asked_for_and_every_one_valid_and_its_own() {
        for leads in [FEWEST, 23, 29, 30, 200] {
            let cast = cast(leads);
            assert_eq!(cast.roles().count(), leads);
            let ids: BTreeSet<_> = cast.roles().map(|role| role.event_id).collect();
            assert_eq!(ids.len(), leads);
            for role in cast.roles() {
                assert!(Lead::from_value(role.payload.clone()).is_ok());
            }
        }
    }

    #[test]
    fn the_usual_demo_shows_every_kind_of_trouble_and_the_smallest_some() {
        let stories = |leads| {
            let cast = cast(leads);
            let told: BTreeSet<_> = cast.roles().filter_map(|role| role.story).collect();
            told.len()
        };
        assert_eq!(stories(200), 20);
        assert_eq!(stories(50), 20);
        assert!((4..20).contains(&stories(FEWEST)));
    }

    #[test]
    fn every_crm_and_mode_has_leads_that_go_straight_and_one_that_meets_something() {
        let cast = cast(200);
        for (account, place) in cast.accounts.elsewhere() {
            let theirs = |role: &&Role| role.account == *account;
            assert!(cast.roles().filter(theirs).count() > 10, "{account}");
            for role in cast.roles().filter(theirs) {
                assert_eq!(role.payload["routing"]["destination_crm"], place.crm);
            }
            let met = cast
                .roles()
                .filter(theirs)
                .filter(|role| role.story.is_some());
            assert_eq!(met.count(), 1, "{account}");
        }
    }

    #[test]
    fn a_fault_meets_no_lead_but_its_own() {
        let cast = cast(2_000);
        for (_, rule) in &cast.faults {
            let Some(text) = &rule.matching.contains else {
                continue;
            };
            let met = cast.roles().filter(|role| {
                let digits = role.payload["contact"]["phone"].as_str().unwrap();
                digits.contains(text.as_str()) || role.marker().as_str() == text
            });
            assert_eq!(met.count(), 1, "{text}");
        }
    }

    #[test]
    fn two_demos_on_one_database_share_no_lead() {
        let (one, other) = (cast(FEWEST), cast(FEWEST));
        assert_ne!(one.accounts.killed, other.accounts.killed);
        assert_ne!(one.first[0].event_id, other.first[0].event_id);
    }
}
