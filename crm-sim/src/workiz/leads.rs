//! Leads: list, one of them, a new one, and changes.

use serde_json::json;

use super::books::Item;
use super::list::{Asked, whole};
use super::problem::{done, not_found};
use super::{Workiz, form};
use crate::routes::{Answer, Visit};

pub(super) fn list(crm: &Workiz, visit: &Visit<'_>) -> Answer {
    let asked = Asked::read(visit.call)?;
    let (cut, behavior) = crm.with(visit.company, |company| {
        let behavior = company.behavior;
        (asked.cut(company.leads(), behavior), behavior)
    });
    asked.answer(cut, behavior, Item::shown)
}

pub(super) fn show(crm: &Workiz, visit: &Visit<'_>) -> Answer {
    let (lead, behavior) = crm.with(visit.company, |company| {
        (company.lead(visit.ids[1]).cloned(), company.behavior)
    });
    let lead = lead.ok_or_else(|| not_found("Lead was not found"))?;
    Ok(whole(behavior, json!([lead.shown()])))
}

pub(super) fn create(crm: &Workiz, visit: &Visit<'_>) -> Answer {
    let form::NewLead {
        client_id,
        time,
        fields,
    } = form::lead(form::read(visit)?)?;
    let lead = crm.with(visit.company, |company| {
        company.add_lead(client_id, time, fields)
    });
    let lead = lead.ok_or_else(|| not_found("ClientId was not found"))?;
    Ok(done(&json!([{
        "UUID": lead.uuid, "ClientId": lead.client_id, "link": lead.link(),
    }])))
}

pub(super) fn update(crm: &Workiz, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit)?;
    let uuid = form.required_text("UUID");
    let changes = form::changes(form)?;
    let updated = crm.with(visit.company, |company| company.update(&uuid, &changes));
    updated.ok_or_else(|| not_found("Lead was not found"))?;
    Ok(done(&json!([{"UUID": uuid}])))
}
