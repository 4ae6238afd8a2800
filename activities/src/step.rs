//! One step of filing one lead: what every step of a plan needs to know.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use leadrail_adapters::{Filing, Links, Made, Settings, StepKey};
use leadrail_connections::Doors;
use leadrail_engine::{ActivityOptions, Attempt};
use leadrail_lead::{Lead, Marker};
use sha2::{Digest as _, Sha256};

use crate::destination::Destination;

/// Bytes of the caller's hash in a lock's name: enough for one CRM account's callers.
const HASHED_BYTES: usize = 8;

/// One step of filing one lead. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StepInput {
    /// Where the lead goes.
    pub destination: Arc<Destination>,
    /// The lead.
    pub lead: Arc<Lead>,
    /// Which step of the destination's plan.
    pub step: StepKey,
    /// What the steps before it have found or made.
    pub made: Made,
}

/// The lock under which a caller is looked for and made: two leads of one caller at once would both
/// find nobody and make two.
#[must_use]
pub fn caller_lock(destination: &Destination, lead: &Lead) -> String {
    let digest = Sha256::digest(caller_of(lead));
    let mut name = format!("customer:{}:", destination.connection_id);
    for byte in digest.iter().take(HASHED_BYTES) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// By what a caller may be known: the number, else the e-mail address, else nobody else is him.
fn caller_of(lead: &Lead) -> String {
    let contact = &lead.contact;
    match (&contact.phone, &contact.email) {
        (Some(phone), _) => phone.as_str().to_owned(),
        (None, Some(email)) => email.to_lowercase(),
        (None, None) => lead.event_id.to_string(),
    }
}

/// What an adapter's step borrows, for as long as it runs.
pub(crate) struct Borrowed<'a> {
    input: &'a StepInput,
    settings: &'a Settings,
    marker: Marker,
    links: Links<'a>,
    since: DateTime<Utc>,
}

impl StepInput {
    /// How the step is run.
    pub(crate) fn options(&self, doors: &Doors) -> ActivityOptions {
        let step = self.destination.step(doors.adapters(), self.step);
        self.destination.options(step)
    }

    /// The step as its adapter sees it.
    pub(crate) fn borrowed<'a>(
        &'a self,
        settings: &'a Settings,
        attempt: &Attempt,
    ) -> Borrowed<'a> {
        self.borrowed_since(settings, attempt.effect_since)
    }

    /// The same for whoever looks at another run's step, which can have taken effect since then.
    pub(crate) fn borrowed_since<'a>(
        &'a self,
        settings: &'a Settings,
        since: DateTime<Utc>,
    ) -> Borrowed<'a> {
        Borrowed {
            input: self,
            settings,
            marker: Marker::new(self.lead.event_id, self.step.label()),
            links: Links::NONE,
            since,
        }
    }
}

impl<'a> Borrowed<'a> {
    /// With links for what the CRM is told. Whoever only looks needs none.
    pub(crate) fn telling(self, links: Links<'a>) -> Self {
        Self { links, ..self }
    }
}

impl Borrowed<'_> {
    pub(crate) fn filing(&self) -> Filing<'_> {
        Filing {
            lead: &self.input.lead,
            settings: self.settings,
            marker: &self.marker,
            links: self.links,
            since: self.since,
            made: &self.input.made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(phone: &str) -> Lead {
        let mut payload = leadrail_lead::example();
        payload["contact"]["phone"] = phone.into();
        Lead::from_value(payload).unwrap()
    }

    #[test]
    fn one_caller_has_one_lock_however_the_number_is_written() {
        let destination = Destination::example();
        let lock = |phone| caller_lock(&destination, &lead(phone));
        assert_eq!(lock("+13055550182"), lock("(305) 555-0182"));
        assert_ne!(lock("+13055550182"), lock("+13055550183"));
        assert!(!lock("+13055550182").contains("3055550182"));
        let mut other = destination.clone();
        other.connection_id = uuid::Uuid::max().into();
        assert_ne!(
            caller_lock(&other, &lead("+13055550182")),
            lock("+13055550182")
        );
    }
}
