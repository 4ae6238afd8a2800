//! One CRM in one plan, as data, and what promises ask of it.

use chrono::DateTime;
use leadrail_adapters::{Adapters, CrmAdapter, Plan, ReconcileClass, Slot, Step, StepKey};
use leadrail_lead::sample::{sample_lead_at, sample_phone};
use leadrail_lead::{CrmName, EventId, Marker};
use serde_json::{Value, json};

use crate::kit::{ACME, Access, Scene};

/// When all calls of these tests ended: long ago, so their links have expired and no simulator has
/// older records. 2024-03-05T10:00:00Z.
const CALLED: i64 = 1_709_632_800;

/// One CRM in one plan.
pub(crate) struct Subject {
    /// How it is reached, with settings that choose the plan.
    pub(crate) access: &'static Access,
    /// The plan's name.
    pub(crate) plan: &'static str,
    /// What its steps make, in the plan's order.
    pub(crate) makes: &'static [Making],
    /// The call's story with its links: the collection, and the field.
    pub(crate) story: (&'static str, &'static str),
    /// What it is called when people there delete a customer, where the plan has customers.
    pub(crate) deletion: Option<&'static str>,
    /// A part of the name or id of the account that `acme`'s secrets open.
    pub(crate) account: &'static str,
}

/// What one step makes, and where the simulator has it.
pub(crate) struct Making {
    /// The step.
    pub(crate) step: StepKey,
    /// The collection in the simulator's books.
    pub(crate) books: &'static str,
    /// Where it is made: the prefix, with the method `POST`, by which a fault rule meets the request.
    pub(crate) path: &'static str,
    /// What tells that it is ours.
    pub(crate) mark: Mark,
    /// What the same request makes besides, and whose own step is then left out.
    pub(crate) besides: &'static [Slot],
}

/// What tells that a record is ours.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// The step's marker, in the field of a row in a collection, which may be another one.
    Marker(&'static str, &'static str),
    /// The same, of a record that the CRM makes no second time: a value of its, such as the caller's
    /// address, is unique there.
    Unique(&'static str, &'static str),
    /// The event's id, in a field of the record.
    EventId(&'static str),
    /// Nothing of ours: it is known by the caller's own data.
    Itself,
}

impl Subject {
    pub(crate) fn crm(&self) -> &'static str {
        self.access.crm
    }

    pub(crate) fn adapter(&self) -> &'static dyn CrmAdapter {
        let name = CrmName::new(self.crm()).expect("a name");
        Adapters::all().get(&name).expect("an adapter")
    }

    pub(crate) fn plan(&self) -> &'static Plan {
        let mut plans = self.adapter().plans().iter();
        plans.find(|plan| plan.name == self.plan).expect("a plan")
    }

    pub(crate) fn step(&self, key: StepKey) -> &'static Step {
        self.plan().step(key).expect("a step")
    }

    /// What the step of that key makes, if the plan has it.
    pub(crate) fn making(&self, key: StepKey) -> Option<&'static Making> {
        self.makes.iter().find(|making| making.step == key)
    }

    /// The step that files the call itself.
    pub(crate) fn filing(&self) -> &'static Making {
        let mut makes = self.makes.iter();
        let found = makes.find(|making| making.step.slot == Slot::Lead);
        found.expect("every plan files a lead")
    }

    /// What the lead of an unknown caller makes by steps of its own.
    pub(crate) fn first_makes(&self) -> impl Iterator<Item = &'static Making> {
        self.makes.iter().filter(|making| !self.comes_along(making))
    }

    /// Whether an unknown caller's record of that kind comes with another one.
    pub(crate) fn comes_along(&self, making: &Making) -> bool {
        let mut makes = self.makes.iter();
        makes.any(|other| other.besides.contains(&making.step.slot))
    }

    /// Whether the answer to this step can be found out after it was lost.
    pub(crate) fn can_be_known(&self, making: &Making) -> bool {
        self.step(making.step).class() != Some(ReconcileClass::D)
    }

    /// The `n`th caller's lead, with all that a caller may say.
    pub(crate) fn lead(&self, n: u64) -> Value {
        let called = DateTime::from_timestamp(CALLED, 0).expect("a time");
        let mut lead = sample_lead_at(n, ACME, self.crm(), called);
        lead["contact"] = json!({
            "first_name": "Canaria", "last_name": "Vogelsang", "phone": sample_phone(n),
            "email": format!("canaria{n}@example.com"),
            "address": {"street": format!("{} Finkenschlag", n + 1), "city": "Miami",
                        "state": "FL", "zip": "33136", "country": "US"},
        });
        lead["service_request"]["is_existing_customer"] = false.into();
        lead
    }

    /// Another lead of the `n`th caller.
    pub(crate) fn second_lead_of(&self, n: u64) -> Value {
        let mut second = self.lead(n + 50_000);
        second["contact"] = self.lead(n)["contact"].clone();
        second
    }

    /// A lead of the `n`th caller that takes this step. Where the record of an unknown caller comes
    /// along with another, the caller is made known first, under another address.
    pub(crate) async fn lead_that_makes(&self, making: &Making, scene: &Scene, n: u64) -> Value {
        if !self.comes_along(making) {
            return self.lead(n);
        }
        let first = scene.submit(self.lead(n)).await.run_id;
        scene.to_the_end(first).await;
        let mut second = self.second_lead_of(n);
        second["contact"]["address"]["street"] = format!("{n} Lerchenfeld").into();
        second
    }

    /// At work, and connected.
    pub(crate) async fn connected(&self, settings: Value) -> Scene {
        let scene = Scene::working_at(self.access).await;
        scene.connect(settings).await;
        scene
    }

    /// At work, quick to give up on a call, and without a wait before a look.
    pub(crate) async fn impatient(&self) -> Scene {
        let settings = json!({"call_timeout_ms": 400, "settle_seconds": 0});
        self.connected(settings).await
    }
}

impl Making {
    /// Whether the CRM itself makes no second one.
    pub(crate) fn is_unique(&self) -> bool {
        matches!(self.mark, Mark::Unique(..))
    }

    /// A rule that meets the request that makes it.
    pub(crate) fn met(&self, times: u64) -> Value {
        json!({"method": "POST", "path_prefix": self.path, "times": times})
    }

    /// Whether a row of the books is the record that a run calls `id`.
    pub(crate) fn is(&self, row: &Value, id: &str) -> bool {
        let known = match &row["id"] {
            Value::Number(number) => number.to_string() == id,
            known => known == id,
        };
        // A record without an id in the API is called by its marker.
        let by_marker = matches!(self.mark, Mark::Marker(_, field) if contains(&row[field], id));
        known || by_marker
    }

    /// Whether the record of this event bears its mark, in the books as they stand.
    pub(crate) fn is_marked(&self, scene: &Scene, event_id: EventId, row: &Value) -> bool {
        let marker = Marker::new(event_id, self.step.label());
        match self.mark {
            Mark::Itself => true,
            Mark::EventId(field) => row[field] == event_id.to_string(),
            Mark::Marker(books, field) | Mark::Unique(books, field) if books == self.books => {
                contains(&row[field], marker.as_str())
            }
            Mark::Marker(books, field) | Mark::Unique(books, field) => {
                let mut rows = scene.books(books).into_iter();
                rows.any(|row| contains(&row[field], marker.as_str()))
            }
        }
    }
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(whole) => whole.contains(text),
        Value::Array(items) => items.iter().any(|item| contains(item, text)),
        _ => false,
    }
}
