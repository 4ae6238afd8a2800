//! Jobs, which here come from converted leads only.

use serde_json::{Value, json};

use super::Workiz;
use super::books::Item;
use super::list::Asked;
use crate::routes::{Answer, Visit};

pub(super) fn list(crm: &Workiz, visit: &Visit<'_>) -> Answer {
    let asked = Asked::read(visit.call)?;
    let (cut, behavior) = crm.with(visit.company, |company| {
        let behavior = company.behavior;
        (asked.cut(company.jobs(), behavior), behavior)
    });
    asked.answer(cut, behavior, shown)
}

/// As a list shows a job: ids are numbers.
fn shown(job: &Item) -> Value {
    let mut shown = job.shown();
    let time = shown["LeadDateTime"].take();
    shown["JobDateTime"] = time;
    shown["SerialId"] = job.serial.into();
    shown["ClientId"] = job.client_id.into();
    shown["Comments"] = json!([{"Comment": "Converted from a lead"}]);
    shown
}
