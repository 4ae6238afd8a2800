//! What a lead becomes in GoHighLevel.

use leadrail_lead::{Lead, Marker};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::{contact_create, note_create, opportunity_create};
use super::{GOHIGHLEVEL, GoHighLevel};
use crate::hostile::{hostile_lead, limit_of, texts_in};
use crate::scripted_crm::{Scene, lead_with, target};
use crate::{Links, PlannedRequest, Settings, StepKey, preview};

fn settings() -> Settings {
    Settings::default()
        .with("location_id", "loc_1")
        .with("pipeline", "pip_1")
        .with("stage", "stg_1")
}

fn scene(lead: &Lead) -> Scene {
    let mut scene = Scene::of(lead.clone()).for_customer("con_1");
    scene.settings = settings();
    scene
}

fn contact_of(lead: &Lead) -> Value {
    let scene = scene(lead);
    let request = contact_create(&scene.filing());
    request.json_body().unwrap().clone()
}

fn opportunity_of(lead: &Lead) -> Value {
    let scene = scene(lead);
    let request = opportunity_create(&scene.filing()).unwrap();
    request.json_body().unwrap().clone()
}

fn note_of(lead: &Lead, links: Links<'static>) -> String {
    let mut scene = scene(lead);
    scene.links = links;
    let request = note_create(&scene.filing()).unwrap();
    let body = request.json_body().unwrap();
    body["body"].as_str().unwrap().to_owned()
}

fn previewed(settings: Settings, known_customer: Option<&str>) -> Vec<PlannedRequest> {
    let target = target(&GoHighLevel, "https://crm.example/").with_settings(settings);
    let lead = lead_with(|_| {});
    preview(&GoHighLevel, &target, &lead, Links::WORDS, known_customer)
}

#[test]
fn a_caller_becomes_a_contact() {
    let lead = lead_with(|_| {});
    assert_eq!(
        contact_of(&lead),
        json!({
            "locationId": "loc_1",
            "firstName": "Maria",
            "lastName": "Gonzalez",
            "email": "maria@example.com",
            "phone": "+13055550182",
            "address1": "1420 NW 7th Ave",
            "city": "Miami",
            "state": "FL",
            "postalCode": "33136",
            "country": "US",
            "source": "Phone call",
        })
    );
}

#[test]
fn a_call_becomes_an_opportunity_whose_name_ends_with_the_marker() {
    let lead = lead_with(|payload| payload["routing"]["assigned_to"] = json!("usr_7"));
    assert_eq!(
        opportunity_of(&lead),
        json!({
            "locationId": "loc_1",
            "pipelineId": "pip_1",
            "pipelineStageId": "stg_1",
            "contactId": "con_1",
            "name": "Maria Gonzalez - HVAC, heating repair [lr-7f3k2m9q]",
            "status": "open",
            "assignedTo": "usr_7",
        })
    );
}

#[test]
fn the_note_says_it_all_and_ends_with_the_marker() {
    let lead = lead_with(|payload| {
        payload["service_request"]["urgency"] = json!("same_day");
        payload["ai_analysis"]["conversion_intent_score"] = json!(0.925);
        payload["ai_analysis"]["qualifier_answers"] = json!({"home_owner": true});
    });
    let note = note_of(&lead, Links::WORDS);
    for line in [
        "Caller: Maria Gonzalez",
        "Phone: +13055550182",
        "Urgency: same day",
        "Summary: No heat. Furnace is 12 years old. Wants someone today.",
        "- home owner: yes",
        "Intent score: 0.93 of 1",
        "Recording: (our link to the recording)",
        "Transcript: (our link to the transcript)",
        "Call: call_abc123",
    ] {
        assert!(note.lines().any(|known| known == line), "{line}: {note}");
    }
    assert!(note.ends_with("\nRef: lr-7f3k2m9q"), "{note}");
    let without = note_of(&lead, Links::NONE);
    assert!(without.contains("on request, by the call's id") && !without.contains("://"));
}

#[test]
fn parts_that_were_not_said_are_left_out() {
    let lead = lead_with(|payload| payload["contact"] = json!({"phone": "+442079460958"}));
    assert_eq!(
        contact_of(&lead),
        json!({
            "locationId": "loc_1", "firstName": "Caller", "phone": "+442079460958",
            "source": "Phone call",
        })
    );
    let nameless = lead_with(|payload| {
        payload["contact"] = json!({"phone": "+13055550182"});
        payload["service_request"] = json!({});
    });
    let name = opportunity_of(&nameless)["name"].clone();
    assert_eq!(name, "Caller - Phone call [lr-7f3k2m9q]");
}

#[test]
fn a_country_is_sent_by_its_code_or_not_at_all() {
    for (said, sent) in [
        ("us", json!("US")),
        ("U.S.A.", json!("US")),
        ("United States", json!("US")),
        ("canada", json!("CA")),
        ("MX", json!("MX")),
        ("XX", Value::Null),
        ("Miami-Dade", Value::Null),
        (" ", Value::Null),
    ] {
        let lead = lead_with(|payload| payload["contact"]["address"]["country"] = json!(said));
        assert_eq!(contact_of(&lead)["country"], sent, "{said}");
    }
}

#[test]
fn an_address_that_is_none_stands_in_the_note() {
    for said in [
        "maria at example.com",
        "maria@example",
        "maria@@example.com",
        "<maria@example.com>",
        "maria gonzalez@example.com",
        &format!("{}@example.com", "m".repeat(250)),
    ] {
        let mut lead = lead_with(|_| {});
        lead.contact.email = Some(said.to_owned());
        assert!(contact_of(&lead).get("email").is_none(), "{said}");
    }
    let mut lead = lead_with(|_| {});
    lead.contact.email = Some("maria at example.com".to_owned());
    assert!(note_of(&lead, Links::NONE).contains("E-mail: maria at example.com"));
}

#[test]
fn nobody_can_write_tags_into_a_record() {
    let said = "<script>alert(1)</script>";
    let lead = lead_with(|payload| {
        payload["contact"]["first_name"] = json!(said);
        payload["contact"]["address"]["street"] = json!(said);
        payload["service_request"]["sub_type"] = json!(said);
        payload["call"]["transcript_summary"] = json!(said);
    });
    for written in [
        contact_of(&lead).to_string(),
        opportunity_of(&lead).to_string(),
        note_of(&lead, Links::WORDS),
    ] {
        assert!(!written.contains(['<', '>']), "{written}");
        assert!(written.contains("\u{2039}script\u{203A}"), "{written}");
    }
}

#[test]
fn a_name_that_is_too_long_is_cut_between_letters_and_says_so() {
    let lead = lead_with(|payload| {
        payload["contact"]["first_name"] = json!("👩‍🔧".repeat(80));
        payload["service_request"]["sub_type"] = json!("ö".repeat(300));
    });
    let name = opportunity_of(&lead)["name"].as_str().unwrap().to_owned();
    assert!(name.chars().count() <= 150, "{name}");
    assert!(name.ends_with("... [lr-7f3k2m9q]"), "{name}");
    let first = contact_of(&lead)["firstName"].as_str().unwrap().to_owned();
    assert_eq!(first, "👩‍🔧".repeat(33));
}

#[test]
fn a_long_note_says_that_it_was_cut_and_keeps_its_end() {
    let lead = lead_with(|payload| {
        payload["call"]["transcript_summary"] = json!("é".repeat(50_000));
    });
    let note = note_of(&lead, Links::WORDS);
    assert_eq!(note.chars().count(), 5_000);
    assert!(note.contains("... (shortened)\n") && note.ends_with("Ref: lr-7f3k2m9q"));
}

#[test]
fn a_connection_chooses_owner_fields_source_and_tag() {
    let mut scene = scene(&lead_with(|_| {}));
    scene.settings = settings()
        .with("owner", "usr_1")
        .with("contact_field", "cf_1")
        .with("opportunity_field", "cf_2")
        .with("lead_source", "Radio")
        .with("tag", "ai call");
    let request = contact_create(&scene.filing());
    let contact = request.json_body().unwrap();
    let value = |id: &str| json!([{"id": id, "field_value": "lr-7f3k2m9q"}]);
    assert_eq!(contact["customFields"], value("cf_1"));
    assert_eq!(
        (&contact["source"], &contact["tags"], &contact["assignedTo"]),
        (&json!("Radio"), &json!(["ai call"]), &json!("usr_1"))
    );
    let request = opportunity_create(&scene.filing()).unwrap();
    let opportunity = request.json_body().unwrap();
    assert_eq!(opportunity["customFields"], value("cf_2"));
    assert_eq!(opportunity["assignedTo"], "usr_1");
    let name = opportunity["name"].as_str().unwrap();
    assert!(
        name.ends_with("[lr-7f3k2m9q]"),
        "in the name as well: {name}"
    );
}

#[test]
fn a_preview_shows_the_steps_of_each_mode() {
    let shown = |settings, known| {
        let planned = previewed(settings, known);
        let masked = |one: &PlannedRequest| {
            one.headers["authorization"] == "Bearer ********"
                && one.headers["version"] == "2021-07-28"
        };
        assert!(planned.iter().all(masked));
        let steps = planned.into_iter();
        steps
            .map(|one| (one.activity, one.url.replace("https://crm.example", "")))
            .collect::<Vec<_>>()
    };
    let step = |activity: &str, path: &str| (activity.to_owned(), path.to_owned());
    let look_up = "/contacts/search/duplicate?locationId=loc_1&number=%2B13055550182";
    let notes = "/contacts/(id%20of%20the%20customer%20created%20before)/notes";
    assert_eq!(
        shown(settings(), None),
        [
            step("dedup_lookup", look_up),
            step("customer_create", "/contacts/"),
            step("lead_create", "/opportunities/"),
            step("note_attach", notes),
        ]
    );
    let contact = settings().with("mode", "contact");
    assert_eq!(
        shown(contact.clone(), Some("con_7")),
        [
            step("dedup_lookup", look_up),
            step("lead_create", "/contacts/con_7/notes"),
        ]
    );
    assert_eq!(shown(contact, None).len(), 3);
    let version = settings().with("api_version", "2023-02-21");
    assert!(
        previewed(version, None)
            .iter()
            .all(|one| one.headers["version"] == "2023-02-21")
    );
}

#[test]
fn a_preview_without_settings_says_in_words_what_would_stand_there() {
    let planned = previewed(Settings::default(), None);
    let body = planned[2].body.as_ref().unwrap();
    assert_eq!(body["pipelineId"], "(the setting pipeline)");
    assert_eq!(body["locationId"], "(the setting location_id)");
    let marker = Marker::new(lead_with(|_| {}).event_id, StepKey::LEAD_CREATE.label());
    assert!(body["name"].as_str().unwrap().contains(marker.as_str()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(lead in hostile_lead()) {
        let contact = contact_of(&lead);
        prop_assert!(contact.get("firstName").is_some() || contact.get("lastName").is_some());
        let note = json!({"body": note_of(&lead, Links::WORDS)});
        prop_assert!(note["body"].as_str().unwrap().ends_with("Ref: lr-7f3k2m9q"));
        let opportunity = opportunity_of(&lead);
        prop_assert!(opportunity["name"].as_str().unwrap().ends_with(" [lr-7f3k2m9q]"));
        for (field, text) in texts_in(&[&contact, &opportunity, &note]) {
            prop_assert!(text.chars().count() <= limit_of(&GOHIGHLEVEL, field, 100), "{} is too long", field);
            prop_assert!(!text.is_empty(), "{} is empty", field);
            let broken = |c: char| c.is_control() && c != '\n';
            prop_assert!(!text.contains(broken), "{} has controls", field);
            prop_assert!(field == "body" || !text.contains('\n'), "{} has lines", field);
            prop_assert!(field == "assignedTo" || !text.contains(['<', '>']), "{} has tags", field);
        }
    }
}
