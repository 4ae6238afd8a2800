//! What filing a lead consists of: steps over four slots, as each CRM declares them.
//!
//! The slots are ours, what they hold is the CRM's: the lead is a booking here, a request or a deal
//! there. A [`Plan`] is a CRM's order of [`Step`]s in one mode; the workflow goes through it, and a
//! step whose slot is filled already has nothing to do.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use leadrail_lead::{Lead, Marker};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::info::ReconcileClass;

/// A place for one record that filing a lead finds or makes. Ordered as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The caller: a customer, client, contact or person.
    Customer,
    /// Where the work is: a property or location.
    Site,
    /// The call itself: a lead, booking, job, request or deal.
    Lead,
    /// The note with recording and transcript, where it is a record of its own.
    Note,
}

impl Slot {
    /// All of them, in order.
    pub const ALL: [Slot; 4] = [Slot::Customer, Slot::Site, Slot::Lead, Slot::Note];

    /// The name in JSON: `customer`, `site`, `lead` or `note`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Slot::Customer => "customer",
            Slot::Site => "site",
            Slot::Lead => "lead",
            Slot::Note => "note",
        }
    }
}

/// What a step does about its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Looks for a record that is there already.
    Find,
    /// Makes one.
    Make,
    /// Makes one or changes the one that is there; repeating it is harmless.
    Upsert,
}

/// A step by name. Histories, previews, markers and dead letters know a step by its label, so a
/// label never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepKey {
    /// What it does.
    pub verb: Verb,
    /// About which slot.
    pub slot: Slot,
}

impl StepKey {
    /// Is the caller known?
    pub const DEDUP_LOOKUP: Self = Self::new(Verb::Find, Slot::Customer);
    /// The caller becomes a customer.
    pub const CUSTOMER_CREATE: Self = Self::new(Verb::Make, Slot::Customer);
    /// The call becomes a lead.
    pub const LEAD_CREATE: Self = Self::new(Verb::Make, Slot::Lead);
    /// The note with recording and transcript.
    pub const NOTE_ATTACH: Self = Self::new(Verb::Make, Slot::Note);

    const ALL: [Self; 12] = {
        use Slot::{Customer, Lead, Note, Site};
        use Verb::{Find, Make, Upsert};
        [
            Self::new(Find, Customer),
            Self::new(Make, Customer),
            Self::new(Upsert, Customer),
            Self::new(Find, Site),
            Self::new(Make, Site),
            Self::new(Upsert, Site),
            Self::new(Find, Lead),
            Self::new(Make, Lead),
            Self::new(Upsert, Lead),
            Self::new(Find, Note),
            Self::new(Make, Note),
            Self::new(Upsert, Note),
        ]
    };

    /// The key of a verb and a slot.
    #[must_use]
    pub const fn new(verb: Verb, slot: Slot) -> Self {
        Self { verb, slot }
    }

    /// The name in histories, previews and dead letters: `dedup_lookup`, `lead_create`, ...
    #[must_use]
    pub const fn label(self) -> &'static str {
        match (self.verb, self.slot) {
            (Verb::Find, Slot::Customer) => "dedup_lookup",
            (Verb::Make, Slot::Customer) => "customer_create",
            (Verb::Upsert, Slot::Customer) => "customer_upsert",
            (Verb::Find, Slot::Site) => "site_lookup",
            (Verb::Make, Slot::Site) => "site_create",
            (Verb::Upsert, Slot::Site) => "site_upsert",
            (Verb::Find, Slot::Lead) => "lead_lookup",
            (Verb::Make, Slot::Lead) => "lead_create",
            (Verb::Upsert, Slot::Lead) => "lead_upsert",
            (Verb::Find, Slot::Note) => "note_lookup",
            (Verb::Make, Slot::Note) => "note_attach",
            (Verb::Upsert, Slot::Note) => "note_upsert",
        }
    }

    /// The key behind a label; `None` for anything else, such as the name of an activity that is no
    /// step of a plan.
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.label() == label)
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.label())
    }
}

impl Serialize for StepKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.label())
    }
}

impl<'de> Deserialize<'de> for StepKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let label = String::deserialize(from)?;
        Self::of_label(&label).ok_or_else(|| D::Error::custom("no step is called that"))
    }
}

/// What a CRM does with a lead in one mode.
#[derive(Debug)]
pub struct Plan {
    /// The mode, stored with every run: `lead`, `booking`, `job`, `deal`, ...
    pub name: &'static str,
    /// In the order in which they are taken. Steps of one slot stand together, `Find` first.
    pub steps: &'static [Step],
}

impl Plan {
    /// The step of that name, if the plan has it.
    #[must_use]
    pub fn step(&self, key: StepKey) -> Option<&'static Step> {
        self.steps.iter().find(|step| step.key() == key)
    }

    /// The names of its steps, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<StepKey> {
        self.steps.iter().map(Step::key).collect()
    }
}

/// One step of a plan.
pub struct Step {
    /// What it fills.
    pub slot: Slot,
    /// How.
    pub kind: StepKind,
    /// For how many calls an attempt has time; each may take the CRM's whole call timeout.
    pub calls: u32,
    /// The step's first request, as a preview shows it and the live call sends it; `None` where
    /// this lead leaves nothing to ask or to make.
    pub request: fn(&Filing<'_>) -> Option<CrmRequest>,
}

/// What a running step gives back when it is done.
pub type StepFuture<'a, T> = Pin<Box<dyn Future<Output = AdapterResult<T>> + Send + 'a>>;

/// The function of a step.
type StepFn<T> = for<'a> fn(&'a Session, &'a Filing<'a>) -> StepFuture<'a, T>;

/// How a step fills its slot.
pub enum StepKind {
    /// Looks for a record that is there already, compared exactly on our side; several matches: the
    /// newest. A look-up that fails is an error, never "nothing": nobody may create because a
    /// look-up failed.
    Find(StepFn<Option<Record>>),
    /// Makes a record with exactly one writing request, which carries the marker in the strongest
    /// place the CRM has. `None`: this lead has nothing to make here, and nothing was sent.
    Make {
        /// Makes it.
        run: StepFn<Option<Record>>,
        /// Finds out whether an earlier attempt took effect.
        look: Look,
        /// How long after a call's deadline its effect may still appear.
        settle: Duration,
    },
    /// Makes a record or changes the one that is there; repeating it is harmless.
    Upsert(StepFn<Option<Record>>),
}

/// How a record whose maker's answer was lost is found again: all that carry the marker, oldest
/// first.
#[derive(Clone, Copy)]
pub enum Look {
    /// By an exact look-up of a field of our own.
    Exact(StepFn<Vec<Record>>),
    /// By listing the parent's children and matching the marker.
    Children(StepFn<Vec<Record>>),
    /// By the caller's number, where the record has no place for a marker; not at all where the caller
    /// left none.
    ByNumber(StepFn<Vec<Record>>),
    /// The same by whatever of the caller's the CRM can look by; `None` where he left nothing of it.
    ByCaller(StepFn<Option<Vec<Record>>>),
    /// Not at all.
    Blind,
}

impl Step {
    /// Its name.
    #[must_use]
    pub const fn key(&self) -> StepKey {
        let verb = match self.kind {
            StepKind::Find(_) => Verb::Find,
            StepKind::Make { .. } => Verb::Make,
            StepKind::Upsert(_) => Verb::Upsert,
        };
        StepKey::new(verb, self.slot)
    }

    /// How surely it can be repeated; `None` for a step that only looks.
    #[must_use]
    pub const fn class(&self) -> Option<ReconcileClass> {
        match self.kind {
            StepKind::Find(_) => None,
            StepKind::Upsert(_) => Some(ReconcileClass::A),
            StepKind::Make { look, .. } => Some(match look {
                Look::Exact(_) => ReconcileClass::B,
                Look::Children(_) | Look::ByNumber(_) | Look::ByCaller(_) => ReconcileClass::C,
                Look::Blind => ReconcileClass::D,
            }),
        }
    }

    /// How long after a call's deadline its effect may still appear.
    #[must_use]
    pub const fn settle(&self) -> Duration {
        match self.kind {
            StepKind::Make { settle, .. } => settle,
            StepKind::Find(_) | StepKind::Upsert(_) => Duration::ZERO,
        }
    }

    /// Takes the step.
    ///
    /// # Errors
    /// Why the CRM did not do it, or cannot be said to have done it.
    pub async fn run(
        &self,
        session: &Session,
        filing: &Filing<'_>,
    ) -> AdapterResult<Option<Record>> {
        match self.kind {
            StepKind::Find(run) | StepKind::Make { run, .. } | StepKind::Upsert(run) => {
                run(session, filing).await
            }
        }
    }

    /// All records that carry the marker of this step, oldest first; `None` where there is no way
    /// to look for this lead's.
    ///
    /// # Errors
    /// Why the CRM cannot be asked. An error proves nothing.
    pub async fn look(
        &self,
        session: &Session,
        filing: &Filing<'_>,
    ) -> AdapterResult<Option<Vec<Record>>> {
        match self.kind {
            StepKind::Make {
                look: Look::Exact(look) | Look::Children(look),
                ..
            } => look(session, filing).await.map(Some),
            StepKind::Make {
                look: Look::ByNumber(look),
                ..
            } if filing.lead.contact.phone.is_some() => look(session, filing).await.map(Some),
            StepKind::Make {
                look: Look::ByCaller(look),
                ..
            } => look(session, filing).await,
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.key().label())
    }
}

/// One lead at one step: all that a step may know.
#[derive(Clone, Copy)]
pub struct Filing<'a> {
    /// The lead.
    pub lead: &'a Lead,
    /// What the connection sets, now.
    pub settings: &'a Settings,
    /// The mark of what this step makes.
    pub marker: &'a Marker,
    /// Where the CRM may find recording and transcript.
    pub links: Links<'a>,
    /// The earliest time at which this step can have taken effect, on our database's clock. What the
    /// payload says of time bounds nothing: anybody may write anything there.
    pub since: DateTime<Utc>,
    /// What the steps before have found or made.
    pub made: &'a Made,
}

/// How far a CRM's clock may be behind our database's: a day, so that not even one that was set to
/// local time hides what was made.
const CLOCK_SLACK: TimeDelta = TimeDelta::days(1);

impl Filing<'_> {
    /// The error of a step that needs a record which no step before it has left. A plan that is
    /// right never gets there.
    pub(crate) fn missing(&self, slot: Slot) -> AdapterError {
        let detail = format!("there is no {} for the step to build on", slot.as_str());
        AdapterError::Rejected(Failure::new("step_out_of_order", detail))
    }

    /// What the CRM made before this was not made by this step.
    pub(crate) fn earliest(&self) -> DateTime<Utc> {
        let earliest = self.since.checked_sub_signed(CLOCK_SLACK);
        earliest.unwrap_or(self.since)
    }
}

/// What a CRM may be told of where a call's recording and transcript are: links of ours, which stay.
/// The pre-signed ones of the payload die within a day, and whoever reads a CRM could use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Links<'a> {
    /// Where the recording is found.
    pub recording: Option<&'a str>,
    /// Where the transcript is found.
    pub transcript: Option<&'a str>,
}

impl Links<'static> {
    /// None at all: the note names the call instead.
    pub const NONE: Self = Self {
        recording: None,
        transcript: None,
    };
    /// Words in their places, for a preview of a lead that was not accepted and has none yet.
    pub const WORDS: Self = Self {
        recording: Some("(our link to the recording)"),
        transcript: Some("(our link to the transcript)"),
    };
}

/// A record in a CRM. No personal data: only the CRM's id, and where people open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The CRM's id.
    pub id: String,
    /// The page that shows it in the CRM, where the CRM tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the request that made it made besides, as a customer comes with its first property.
    /// [`Made::set`] puts it into slots of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<Made>>,
}

impl Record {
    /// A record of which only the id is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            url: None,
            beside: None,
        }
    }

    /// The same record, with another that came of the same request. The request says so in a
    /// preview by [`CrmRequest::also_makes`](crate::CrmRequest::also_makes).
    #[must_use]
    pub fn beside(mut self, slot: Slot, record: Record) -> Self {
        self.beside.get_or_insert_default().set(slot, Some(record));
        self
    }
}

/// What has been found or made for a lead so far, by slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Record>,
    /// Where the work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Record>,
    /// The call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Record>,
    /// The note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Record>,
}

impl Made {
    /// What fills a slot.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Record> {
        match slot {
            Slot::Customer => self.customer.as_ref(),
            Slot::Site => self.site.as_ref(),
            Slot::Lead => self.lead.as_ref(),
            Slot::Note => self.note.as_ref(),
        }
    }

    /// Fills a slot, or leaves it empty. What the record brings along goes into its own slots, where
    /// these are empty.
    pub fn set(&mut self, slot: Slot, mut record: Option<Record>) {
        let beside = record.as_mut().and_then(|record| record.beside.take());
        *self.slot(slot) = record;
        let mut beside = beside.unwrap_or_default();
        for slot in Slot::ALL {
            if self.get(slot).is_none() {
                *self.slot(slot) = beside.slot(slot).take();
            }
        }
    }

    fn slot(&mut self, slot: Slot) -> &mut Option<Record> {
        match slot {
            Slot::Customer => &mut self.customer,
            Slot::Site => &mut self.site,
            Slot::Lead => &mut self.lead,
            Slot::Note => &mut self.note,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_label_of_its_own_and_is_found_by_it() {
        for key in StepKey::ALL {
            assert_eq!(StepKey::of_label(key.label()), Some(key));
            let written = serde_json::to_value(key).unwrap();
            assert_eq!(serde_json::from_value::<StepKey>(written).unwrap(), key);
        }
        assert_eq!(StepKey::of_label("find_connection"), None);
        assert!(serde_json::from_value::<StepKey>("make_coffee".into()).is_err());
    }

    #[test]
    fn the_names_that_people_know_stay() {
        assert_eq!(StepKey::DEDUP_LOOKUP.label(), "dedup_lookup");
        assert_eq!(StepKey::CUSTOMER_CREATE.label(), "customer_create");
        assert_eq!(StepKey::LEAD_CREATE.label(), "lead_create");
        assert_eq!(StepKey::NOTE_ATTACH.label(), "note_attach");
    }

    #[test]
    fn what_was_made_is_stored_without_its_empty_slots() {
        let mut made = Made::default();
        made.set(Slot::Lead, Some(Record::new("lea_1")));
        let written = serde_json::to_value(&made).unwrap();
        assert_eq!(written, serde_json::json!({"lead": {"id": "lea_1"}}));
        assert_eq!(serde_json::from_value::<Made>(written).unwrap(), made);
        assert_eq!(made.get(Slot::Customer), None);
    }

    #[test]
    fn what_a_record_brings_along_fills_empty_slots_and_no_others() {
        let record = Record::new("cus_1").beside(Slot::Site, Record::new("loc_1"));
        let stored = serde_json::to_value(&record).unwrap();
        assert_eq!(
            stored,
            serde_json::json!({"id": "cus_1", "beside": {"site": {"id": "loc_1"}}})
        );
        let record: Record = serde_json::from_value(stored).unwrap();
        let mut made = Made::default();
        made.set(Slot::Customer, Some(record.clone()));
        assert_eq!(made.customer, Some(Record::new("cus_1")));
        assert_eq!(made.site, Some(Record::new("loc_1")));
        made.set(Slot::Site, Some(Record::new("loc_2")));
        made.set(Slot::Customer, Some(record));
        assert_eq!(made.site, Some(Record::new("loc_2")), "found is found");
    }
}
