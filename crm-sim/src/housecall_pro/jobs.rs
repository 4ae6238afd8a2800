//! `/jobs/{job_id}/notes`, the one place that takes notes.

use serde_json::json;

use super::{HousecallPro, created, form, not_found};
use crate::routes::{Answer, Visit};

pub(super) fn add_note(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    let content = form.required_text("content");
    form::check(form)?;
    let note = crm
        .with(visit.company, |company| {
            company.add_note(visit.ids[0], content)
        })
        .ok_or_else(|| not_found("job not found"))?;
    created(&json!({"id": note.id, "content": note.content}))
}
