//! What people at a company do with their records, where all CRMs have it.

use serde_json::Value;

/// The id in `{"delete_customer": {"id": "cus_1"}}`, where the event is called `name`.
pub(crate) fn deleted(event: &Value, name: &str) -> Result<String, String> {
    let id = event[name]["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| format!("the event is {{\"{name}\": {{\"id\": \"...\"}}}}"))
}
