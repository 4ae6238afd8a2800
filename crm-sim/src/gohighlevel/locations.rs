//! A location, and what it has from its first day: custom fields, users, pipelines.

use serde_json::{Value, json};

use super::records::{CUSTOM_FIELDS, PIPELINES, Pipeline, USERS};
use super::{GoHighLevel, ok};
use crate::names::display_name;
use crate::routes::{Answer, Visit};

pub(super) fn show(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let id = visit.ids[0];
    crm.enter(visit, Some(id), "locations.readonly")?;
    let settings = crm.with(visit.company, |company| {
        json!({
            "allowDuplicateContact": company.settings.allow_duplicate_contact,
            "allowDuplicateOpportunity": company.settings.allow_duplicate_opportunity,
        })
    });
    ok(&json!({"location": {
        "id": id, "companyId": "sim-agency", "name": display_name(visit.company),
        "timezone": "America/New_York", "country": "US", "settings": settings,
    }}))
}

/// Of contacts, unless `model` says otherwise.
pub(super) fn custom_fields(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let location = visit.ids[0];
    crm.enter(visit, Some(location), "locations/customFields.readonly")?;
    let model = visit.call.parameter("model").unwrap_or("contact");
    let fields = CUSTOM_FIELDS.iter();
    let fields = fields.filter(|(.., whose)| model == "all" || *whose == model);
    let fields: Vec<Value> = fields
        .map(|(id, name, kind, whose)| {
            json!({
                "id": id, "name": name, "dataType": kind, "model": whose,
                "fieldKey": format!("{whose}.{}", name.to_lowercase().replace(' ', "_")),
                "locationId": location, "position": 0,
            })
        })
        .collect();
    ok(&json!({"customFields": fields}))
}

pub(super) fn users(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    crm.enter(visit, visit.call.parameter("locationId"), "users.readonly")?;
    let users: Vec<Value> = USERS
        .iter()
        .map(|(id, name, gone)| json!({"id": id, "name": name, "deleted": gone}))
        .collect();
    ok(&json!({"users": users}))
}

pub(super) fn pipelines(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let location = visit.call.parameter("locationId");
    crm.enter(visit, location, "opportunities.readonly")?;
    let pipelines: Vec<Value> = PIPELINES
        .iter()
        .map(|Pipeline { id, name, stages }| {
            let stages = stages.iter().enumerate();
            let stages: Vec<Value> = stages
                .map(|(place, (id, name))| json!({"id": id, "name": name, "position": place}))
                .collect();
            json!({"id": id, "name": name, "stages": stages, "locationId": location})
        })
        .collect();
    ok(&json!({"pipelines": pipelines}))
}
