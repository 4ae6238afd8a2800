//! The payload's JSON Schema and a complete example of it, for people and their tools.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::Lead;

/// The JSON Schema (draft 2020-12) of the payload.
///
/// It is as lenient as the validator: fields may be added anywhere, and word lists are open.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Lead>();
    schema.insert("title".into(), "Leadrail lead payload 1.0".into());
    schema.insert("examples".into(), json!([example()]));
    schema.to_value()
}

/// A complete payload with every known field.
#[must_use]
pub fn example() -> Value {
    json!({
        "schema_version": "1.0",
        "event": "lead.qualified",
        "event_id": "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
        "timestamp_utc": "2026-05-26T14:32:00Z",
        "callsetter_account_id": "acct_xyz",
        "call": {
            "call_id": "call_abc123",
            "direction": "inbound",
            "duration_seconds": 142,
            "started_at": "2026-05-26T14:29:38Z",
            "ended_at": "2026-05-26T14:32:00Z",
            "recording_url": "https://storage.example.com/recordings/call_abc123.mp3?signature=5f2c",
            "transcript_url": "https://storage.example.com/transcripts/call_abc123.txt?signature=9d0a",
            "transcript_summary": "No heat. Furnace is 12 years old. Wants someone today."
        },
        "contact": {
            "first_name": "Maria",
            "last_name": "Gonzalez",
            "phone": "+13055550182",
            "email": "maria@example.com",
            "address": {
                "street": "1420 NW 7th Ave",
                "city": "Miami",
                "state": "FL",
                "zip": "33136",
                "country": "US"
            }
        },
        "service_request": {
            "service_type": "HVAC",
            "sub_type": "heating_repair",
            "urgency": "same_day",
            "issue_description": "No heat. Furnace not turning on.",
            "preferred_schedule": "2026-05-27T08:00:00",
            "is_existing_customer": false
        },
        "ai_analysis": {
            "sentiment": "neutral",
            "conversion_intent_score": 0.87,
            "qualification_status": "qualified",
            "disqualification_reason": null,
            "qualifier_answers": {
                "owns_home": true,
                "issue_type": "heating_repair",
                "has_existing_service_contract": false
            }
        },
        "routing": {
            "destination_crm": "housecall_pro",
            "crm_account_id": "hcp_tenant_4829",
            "assigned_to": null
        }
    })
}
