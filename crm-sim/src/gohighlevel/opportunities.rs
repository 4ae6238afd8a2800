//! Opportunities: a contact's cards in a pipeline.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::books::Company;
use super::form;
use super::records::{Opportunity, PIPELINES, has_user, new_id};
use super::refusal::{bad_request, no_contact};
use super::{GoHighLevel, created, ok};
use crate::clock;
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

const STATUSES: [&str; 4] = ["open", "won", "lost", "abandoned"];

pub(super) fn create(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let mut opportunity = read(form::read(visit.call)?)?;
    crm.enter(visit, Some(&opportunity.location_id), "opportunities.write")?;
    opportunity.pipeline_stage_id = stage(&opportunity)?;
    if opportunity
        .assigned_to
        .as_deref()
        .is_some_and(|id| !has_user(id))
    {
        return Err(bad_request("The user id is invalid."));
    }
    let made = crm.with(visit.company, |company| {
        company
            .contact(&opportunity.contact_id)
            .ok_or_else(|| no_contact(&opportunity.contact_id))?;
        double(company, &opportunity)?;
        Ok::<_, Reply>(company.add_opportunity(opportunity))
    })?;
    created(&json!({"opportunity": made.show()}))
}

fn read(mut form: Form) -> Result<Opportunity, Reply> {
    let now = clock::now();
    form.require("status");
    let opportunity = Opportunity {
        id: new_id(),
        name: form.required_text("name"),
        location_id: form.required_text("locationId"),
        pipeline_id: form.required_text("pipelineId"),
        pipeline_stage_id: form.text("pipelineStageId").unwrap_or_default(),
        status: form.one_of("status", &STATUSES).unwrap_or_default(),
        contact_id: form.required_text("contactId"),
        assigned_to: form.text("assignedTo"),
        monetary_value: form.number("monetaryValue"),
        custom_fields: form::custom_fields(&mut form, "opportunity"),
        created_at: now,
        updated_at: now,
    };
    form::check(form)?;
    Ok(opportunity)
}

/// The stage that is meant: one of the pipeline's, its first where none is named.
fn stage(new: &Opportunity) -> Result<String, Reply> {
    let pipeline = PIPELINES.iter().find(|known| known.id == new.pipeline_id);
    let pipeline = pipeline.ok_or_else(|| bad_request("The pipeline id is invalid."))?;
    let wanted = new.pipeline_stage_id.as_str();
    let mut stages = pipeline.stages.iter();
    let meant = stages.find(|(id, _)| wanted.is_empty() || *id == wanted);
    let meant = meant.ok_or_else(|| bad_request("The pipeline stage id is invalid."))?;
    Ok(meant.0.to_owned())
}

/// 400 where the location forbids a contact's second opportunity in a pipeline, whatever became of the first.
fn double(company: &Company, new: &Opportunity) -> Result<(), Reply> {
    if company.settings.allow_duplicate_opportunity {
        return Ok(());
    }
    let mut known = company.opportunities_of(&new.contact_id).into_iter();
    let Some(known) = known.find(|known| known.pipeline_id == new.pipeline_id) else {
        return Ok(());
    };
    let mut body = json!({
        "statusCode": 400,
        "message": "Can not create duplicate opportunity for the contact.",
        "code": "OPPORTUNITY_NO_DUPLICATE",
    });
    if company.settings.names_duplicates {
        body["meta"] = json!({"existingId": known.id});
    }
    Err(Reply::json(StatusCode::BAD_REQUEST, &body))
}

pub(super) fn show(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    crm.permit(visit, "opportunities.readonly")?;
    let known: Option<Value> = crm.with(visit.company, |company| {
        let known = company.opportunities.get(visit.ids[0]);
        known.map(|known| known.show())
    });
    let known = known.ok_or_else(|| bad_request("The opportunity id is invalid."))?;
    ok(&json!({"opportunity": known}))
}
