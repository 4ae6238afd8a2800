//! What a company has from the beginning, and who asks.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::presets;
use super::problem::refused;
use super::{Pipedrive, done, page};
use crate::names::display_name;
use crate::routes::{Answer, Visit};

pub(super) fn me(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut user = presets::users()[0].clone();
    user["company_id"] = json!(7_001);
    user["company_name"] = json!(display_name(visit.company));
    user["company_domain"] = json!(visit.company);
    done(StatusCode::OK, &user)
}

/// All at once, and nothing is said of pages.
pub(super) fn users(_: &Pipedrive, _: &Visit<'_>) -> Answer {
    done(StatusCode::OK, &json!(presets::users()))
}

pub(super) fn lead_labels(_: &Pipedrive, _: &Visit<'_>) -> Answer {
    done(StatusCode::OK, &json!(presets::labels()))
}

pub(super) fn pipelines(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(visit, &presets::pipelines())
}

pub(super) fn pipeline(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    one(visit, presets::pipelines(), "Pipeline not found")
}

pub(super) fn stages(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut stages = presets::stages();
    if let Some(pipeline) = visit.call.parameter("pipeline_id") {
        let pipeline: Option<i64> = pipeline.parse().ok();
        stages.retain(|stage| stage["pipeline_id"].as_i64() == pipeline);
    }
    listed(visit, &stages)
}

pub(super) fn stage(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    one(visit, presets::stages(), "Stage not found")
}

pub(super) fn person_fields(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(visit, &presets::person_fields())
}

pub(super) fn deal_fields(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(visit, &presets::deal_fields())
}

fn listed(visit: &Visit<'_>, all: &[Value]) -> Answer {
    let (items, next) = page::cut(visit.call, all, 500)?;
    page::listed(&Value::Array(items), next.as_deref())
}

fn one(visit: &Visit<'_>, all: Vec<Value>, gone: &str) -> Answer {
    let mut all = all.into_iter();
    let id: Option<i64> = visit.ids[0].parse().ok();
    let found = all.find(|entry| entry["id"].as_i64() == id);
    match found {
        Some(entry) => done(StatusCode::OK, &entry),
        None => Err(refused(StatusCode::NOT_FOUND, gone)),
    }
}
