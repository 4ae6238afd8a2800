//! What a payload becomes: the same fields, tidied, with everything unknown kept.

use leadrail_lead::{
    CrmName, Direction, Lead, LeadEvent, QualificationStatus, Sentiment, Urgency, example,
};
use serde_json::{Value, json};

fn lead(payload: Value) -> Lead {
    Lead::from_value(payload).unwrap()
}

#[test]
fn the_example_goes_in_and_comes_out_as_it_is() {
    let lead = lead(example());
    assert_eq!(serde_json::to_value(&lead).unwrap(), example());
    assert_eq!(
        Lead::from_slice(example().to_string().as_bytes()).unwrap(),
        lead
    );
}

#[test]
fn reading_keeps_the_payload_as_it_was_given_beside_the_tidied_lead() {
    let mut payload = example();
    payload["contact"]["phone"] = json!("(305) 555-0182");
    let kept = Lead::parse(payload.to_string().as_bytes()).unwrap();
    assert_eq!(kept, payload);
    assert_eq!(Lead::from_value(kept).unwrap(), lead(payload));
    assert!(Lead::from_slice(b"null").is_err());
}

#[test]
fn a_round_trip_keeps_unknown_fields_of_every_object() {
    let mut payload = example();
    let unknown = json!({ "deep": [1.5, { "er": null }], "big": u64::MAX, "ünï": "cödé" });
    let objects = [
        "",
        "/call",
        "/contact",
        "/contact/address",
        "/service_request",
        "/ai_analysis",
        "/ai_analysis/qualifier_answers",
        "/routing",
    ];
    for at in objects {
        payload.pointer_mut(at).unwrap()["x_unknown"] = unknown.clone();
    }
    let once = lead(payload.clone());
    assert_eq!(once.contact.unknown["x_unknown"], unknown);
    assert_eq!(serde_json::to_value(&once).unwrap(), payload);
    let text = serde_json::to_string(&once).unwrap();
    let twice: Lead = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&twice).unwrap(), payload);
}

#[test]
fn unknown_words_pass_through_and_are_warned_of() {
    let mut payload = example();
    payload["call"]["direction"] = json!("sideways");
    payload["service_request"]["urgency"] = json!("yesterday");
    payload["ai_analysis"]["sentiment"] = json!("amused");
    payload["ai_analysis"]["qualification_status"] = json!("maybe");
    let lead = lead(payload.clone());
    assert_eq!(
        lead.call.direction,
        Some(Direction::Other("sideways".to_owned()))
    );
    assert_eq!(
        lead.ai_analysis.sentiment,
        Some(Sentiment::Other("amused".to_owned()))
    );
    assert_eq!(lead.priority(), 1);
    let warned: Vec<_> = lead.warnings.iter().map(|w| w.field.as_ref()).collect();
    assert_eq!(
        warned,
        [
            "/call/direction",
            "/service_request/urgency",
            "/ai_analysis/sentiment",
            "/ai_analysis/qualification_status",
        ]
    );
    assert_eq!(serde_json::to_value(&lead).unwrap(), payload);
}

#[test]
fn known_words_are_read_as_what_they_mean() {
    let lead = lead(example());
    assert_eq!(lead.event, LeadEvent::Qualified);
    assert_eq!(lead.call.direction, Some(Direction::Inbound));
    assert_eq!(
        lead.ai_analysis.qualification_status,
        Some(QualificationStatus::Qualified)
    );
    assert_eq!(lead.routing.destination_crm, Some(CrmName::HOUSECALL_PRO));
    assert!(lead.warnings.is_empty());
    for word in Urgency::KNOWN {
        assert_eq!(Urgency::from(*word).as_str(), *word);
        assert!(Urgency::from(*word).is_known());
    }
}

#[test]
fn urgency_sets_the_priority_and_an_unqualified_lead_comes_last() {
    let cases = [
        (json!("emergency"), 0),
        (json!("same_day"), 1),
        (json!("same_week"), 2),
        (json!("flexible"), 3),
        (json!("whenever"), 1),
        (json!("EMERGENCY"), 0),
        (json!(null), 3),
    ];
    for (urgency, priority) in cases {
        let mut payload = example();
        payload["service_request"]["urgency"] = urgency;
        assert_eq!(lead(payload.clone()).priority(), priority);
        payload["event"] = json!("lead.unqualified");
        assert_eq!(lead(payload).priority(), 5);
    }
}

#[test]
fn the_least_a_sender_can_send_is_a_lead() {
    let least = json!({
        "schema_version": "1.0",
        "event": "lead.qualified",
        "event_id": "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
        "timestamp_utc": "2026-05-26T14:32:00Z",
        "callsetter_account_id": "a",
        "call": { "call_id": "c" },
        "contact": { "phone": "305 555 0182" },
        "service_request": {},
        "routing": { "destination_crm": "jobber" },
    });
    let lead = lead(least);
    assert_eq!(
        lead.contact.phone.as_ref().unwrap().as_str(),
        "+13055550182"
    );
    assert_eq!(lead.contact.full_name(), None);
    assert_eq!(lead.contact.address, None);
    assert_eq!(lead.ai_analysis.conversion_intent_score, None);
}

#[test]
fn values_are_tidied_on_the_way_in() {
    let mut payload = example();
    payload["timestamp_utc"] = json!("2026-05-26T10:32:00-04:00");
    payload["call"]["duration_seconds"] = json!(142.9);
    payload["call"]["recording_url"] = json!("");
    payload["contact"]["last_name"] = json!("  ");
    payload["contact"]["phone"] = json!(" (305) 555-0182 ");
    payload["contact"]["email"] = json!(" maria@example.com\n");
    let tidied = lead(payload);
    assert_eq!(tidied.timestamp_utc, lead(example()).timestamp_utc);
    assert_eq!(tidied.call.duration_seconds, Some(142));
    assert_eq!(tidied.call.recording_url, None);
    assert_eq!(tidied.contact.full_name().as_deref(), Some("Maria"));
    assert_eq!(
        tidied.contact.phone.as_ref().unwrap().as_str(),
        "+13055550182"
    );
    assert_eq!(tidied.contact.email.as_deref(), Some("maria@example.com"));
}

#[test]
fn a_time_far_ahead_is_the_time_of_receipt() {
    let received = lead(example()).timestamp_utc;
    let at = |text: &str| {
        let mut payload = example();
        payload["timestamp_utc"] = json!(text);
        Lead::received(payload, received).unwrap()
    };
    let near = at("2026-05-27T14:31:59Z");
    assert_eq!(
        (near.timestamp_utc > received, near.warnings.len()),
        (true, 0)
    );
    let far = at("2026-05-27T14:32:01Z");
    assert_eq!(
        (far.timestamp_utc, far.warnings[0].code),
        (received, "future")
    );
    assert_eq!(at("soon").timestamp_utc, received);
}

#[test]
fn links_die_a_day_after_the_event() {
    let lead = lead(example());
    assert_eq!(
        lead.links_expire_at().to_rfc3339(),
        "2026-05-27T14:32:00+00:00"
    );
}

#[test]
fn debug_shows_ids_and_nothing_of_the_caller() {
    let mut payload = example();
    payload["x_note"] = json!("Gonzalez");
    let lead = lead(payload);
    let shown = format!(
        "{lead:?} {:?} {:?} {:?} {:?} {:?}",
        lead.call, lead.contact, lead.contact.phone, lead.service_request, lead.ai_analysis
    );
    assert!(shown.contains("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10"));
    for personal in [
        "Maria", "Gonzalez", "0182", "maria@", "7th Ave", "furnace", "Furnace", "sign",
    ] {
        assert!(!shown.contains(personal), "{personal} in {shown}");
    }
}
