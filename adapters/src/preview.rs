//! The requests that filing a lead would send, made by the functions that the live calls use.

use std::collections::BTreeMap;

use leadrail_lead::{Lead, LeadEvent, Marker};
use serde::Serialize;
use serde_json::Value;

use crate::contract::CrmAdapter;
use crate::http::request::{Body, CrmRequest};
use crate::http::target::Target;
use crate::http::wire::{MASK, Wire};
use crate::plan::{Filing, Links, Made, Record, Slot, Step, Verb};

/// A request that a preview shows: everything as it would be sent, secrets masked. It holds the
/// lead's personal data, so it is for the eyes that asked for it.
#[derive(Clone, PartialEq, Serialize)]
pub struct PlannedRequest {
    /// The step it belongs to.
    pub activity: String,
    /// The HTTP method.
    pub method: String,
    /// The full URL.
    pub url: String,
    /// The headers we set; HTTP adds `Host` and `Content-Length`.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or a form as an object of its fields.
    pub body: Option<Value>,
}

/// The first request of every step that filing this lead would take, in order. `known_customer` is
/// what the look-up of the caller would have found; records that would only come into being are
/// named in words where their ids would stand. None of an unqualified lead: no CRM is told of it.
#[must_use]
pub fn preview(
    adapter: &dyn CrmAdapter,
    target: &Target,
    lead: &Lead,
    links: Links<'_>,
    known_customer: Option<&str>,
) -> Vec<PlannedRequest> {
    if lead.event == LeadEvent::Unqualified {
        return Vec::new();
    }
    let mut made = Made::default();
    let mut planned = Vec::new();
    for step in adapter.plan(target.settings()).steps {
        if made.get(step.slot).is_some() {
            continue;
        }
        let marker = Marker::new(lead.event_id, step.key().label());
        let request = (step.request)(&Filing {
            lead,
            settings: target.settings(),
            marker: &marker,
            links,
            since: lead.timestamp_utc,
            made: &made,
        });
        made.set(step.slot, outcome(step, request.as_ref(), known_customer));
        planned.extend(request.map(|request| masked(&request, step, target)));
    }
    planned
}

/// What a step would leave in its slot.
fn outcome(
    step: &Step,
    request: Option<&CrmRequest>,
    known_customer: Option<&str>,
) -> Option<Record> {
    match (step.key().verb, step.slot) {
        (Verb::Find, Slot::Customer) => known_customer.map(Record::new),
        (Verb::Find, _) => None,
        (Verb::Make | Verb::Upsert, slot) => {
            let besides = request?.made_besides().iter();
            Some(besides.fold(unmade(slot), |record, &slot| {
                record.beside(slot, unmade(slot))
            }))
        }
    }
}

/// A record that would only come into being.
fn unmade(slot: Slot) -> Record {
    Record::new(format!("(id of the {} created before)", slot.as_str()))
}

fn masked(request: &CrmRequest, step: &Step, target: &Target) -> PlannedRequest {
    // The usual way in: a preview needs no connection.
    let wire = Wire::of(request, target, &target.crm().auth[0], |_| MASK.to_owned());
    PlannedRequest {
        activity: step.key().label().to_owned(),
        method: request.method().to_string(),
        url: wire.url().into(),
        headers: wire
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), header.value.clone()))
            .collect(),
        body: wire.body.as_ref().map(shown),
    }
}

fn shown(body: &Body) -> Value {
    match body {
        Body::Json(value) => value.clone(),
        Body::Form(fields) => fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect(),
    }
}
