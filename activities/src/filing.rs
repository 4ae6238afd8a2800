//! One lead on its way to one destination.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use leadrail_adapters::LinkState;
use leadrail_engine::Attempt;
use leadrail_lead::{Lead, Marker};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::destination::Destination;

/// Bytes of the phone number's hash in a lock's name: enough for one CRM account's callers.
const HASHED_BYTES: usize = 8;

/// One lead on its way to one destination. Cheap to clone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Filing {
    /// Where it goes.
    pub destination: Destination,
    /// The lead.
    pub lead: Arc<Lead>,
}

impl Filing {
    /// The lock under which the caller's customer is looked for and made: two leads of one caller
    /// at once would both find nobody and make two.
    #[must_use]
    pub fn customer_lock(&self) -> String {
        let digest = Sha256::digest(self.lead.contact.phone.as_str());
        let mut name = format!("customer:{}:", self.destination.connection_id);
        for byte in digest.iter().take(HASHED_BYTES) {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    /// The tag of what a step makes for this lead.
    pub(crate) fn marker(&self, step: &str) -> Marker {
        Marker::new(self.lead.event_id, step)
    }

    /// Whether the links still open, as far as the attempt can know.
    pub(crate) fn links(&self, attempt: &Attempt) -> LinkState {
        links_at(&self.lead, attempt.claimed_at)
    }
}

fn links_at(lead: &Lead, now: DateTime<Utc>) -> LinkState {
    if now < lead.links_expire_at() {
        LinkState::Fresh
    } else {
        LinkState::Expired
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    fn filing(phone: &str) -> Filing {
        let mut payload = leadrail_lead::example();
        payload["contact"]["phone"] = phone.into();
        let destination = json!({
            "connection_id": "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
            "account": "acme", "crm": "housecall_pro", "note": "with_lead",
            "settle_ms": 60_000, "call_timeout_ms": 20_000,
        });
        Filing {
            destination: serde_json::from_value(destination).unwrap(),
            lead: Arc::new(Lead::from_value(payload).unwrap()),
        }
    }

    #[test]
    fn one_caller_has_one_lock_however_the_number_is_written() {
        let lock = filing("+13055550182").customer_lock();
        assert_eq!(filing("(305) 555-0182").customer_lock(), lock);
        assert_ne!(filing("+13055550183").customer_lock(), lock);
    }

    #[test]
    fn a_lock_does_not_show_the_number() {
        let lock = filing("+13055550182").customer_lock();
        let hash = lock.strip_prefix("customer:3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10:");
        assert_eq!(hash.map(str::len), Some(16), "{lock}");
        assert!(!lock.contains("5550182"));
    }

    #[test]
    fn links_open_for_a_day_after_the_event() {
        let filing = filing("+13055550182");
        let after = |time| links_at(&filing.lead, filing.lead.timestamp_utc + time);
        assert_eq!(
            after(TimeDelta::hours(24) - TimeDelta::seconds(1)),
            LinkState::Fresh
        );
        assert_eq!(after(TimeDelta::hours(24)), LinkState::Expired);
        assert_eq!(
            after(TimeDelta::days(-1)),
            LinkState::Fresh,
            "a clock that runs behind"
        );
    }
}
