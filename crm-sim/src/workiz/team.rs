//! The people of a company.

use serde_json::json;

use super::Workiz;
use super::list::whole;
use crate::routes::{Answer, Visit};

/// Proves the token, and only that.
pub(super) fn list(crm: &Workiz, visit: &Visit<'_>) -> Answer {
    let behavior = crm.with(visit.company, |company| company.behavior);
    let member = |id: u32, name: String, role: &str, field_tech: bool| {
        json!({
            "id": id.to_string(), "name": name, "role": role, "email": format!("m{id}@company.example"),
            "active": true, "fieldTech": field_tech, "serviceAreas": [], "skills": [],
        })
    };
    let people = json!([
        member(
            228_777,
            format!("Olivia of {}", visit.company),
            "admin",
            false
        ),
        member(246_389, "Sam Ortiz".to_owned(), "tech", true),
    ]);
    Ok(whole(behavior, people))
}
