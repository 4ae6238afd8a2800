//! What a lead becomes in Housecall Pro.

use leadrail_lead::{Lead, Marker};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::{customer_create, lead_create};
use super::{HOUSECALL_PRO, HousecallPro};
use crate::hostile::{hostile_lead, limit_of, texts_in};
use crate::scripted_crm::{Scene, lead_with, target};
use crate::{Links, PlannedRequest, Settings, StepKey, preview};

fn customer_of(lead: &Lead) -> Value {
    let scene = Scene::of(lead.clone());
    let request = customer_create(&scene.filing());
    request.json_body().unwrap().clone()
}

fn filed(lead: &Lead) -> Value {
    filed_with(lead, Links::WORDS)
}

fn filed_with(lead: &Lead, links: Links<'static>) -> Value {
    let mut scene = Scene::of(lead.clone()).for_customer("cus_a1");
    scene.links = links;
    let request = lead_create(&scene.filing()).unwrap();
    request.json_body().unwrap().clone()
}

fn previewed(lead: &Lead, links: Links<'_>, known_customer: Option<&str>) -> Vec<PlannedRequest> {
    let target = target(&HousecallPro, "https://crm.example/");
    preview(&HousecallPro, &target, lead, links, known_customer)
}

fn note_of(lead: &Lead) -> String {
    filed(lead)["note"].as_str().unwrap().to_owned()
}

#[test]
fn a_caller_becomes_a_customer_with_a_list_of_addresses() {
    let lead = lead_with(|_| {});
    assert_eq!(
        customer_of(&lead),
        json!({
            "first_name": "Maria",
            "last_name": "Gonzalez",
            "email": "maria@example.com",
            "mobile_number": "3055550182",
            "notifications_enabled": false,
            "lead_source": "Phone call",
            "tags": ["lr-7f3k2m9q"],
            "addresses": [{
                "street": "1420 NW 7th Ave", "city": "Miami", "state": "FL", "zip": "33136",
                "country": "US",
            }],
        })
    );
}

#[test]
fn a_call_becomes_a_lead_whose_note_says_it_all() {
    let lead = lead_with(|payload| {
        payload["routing"]["assigned_to"] = json!("pro_77");
        payload["service_request"]["urgency"] = json!("same_day");
        payload["service_request"]["preferred_schedule"] = json!("2026-05-27T08:00:00");
        payload["service_request"]["is_existing_customer"] = json!(false);
        payload["service_request"]["issue_description"] = json!("No heat.\nFurnace is dead.");
        payload["ai_analysis"]["sentiment"] = json!("neutral");
        payload["ai_analysis"]["conversion_intent_score"] = json!(0.925);
        payload["ai_analysis"]["qualifier_answers"] =
            json!({ "home_owner": true, "units": [1, 2], "brand": "Trane", "skipped": null });
    });
    let mut body = filed(&lead);
    let note = body["note"].take();
    assert_eq!(
        body,
        json!({
            "customer_id": "cus_a1",
            "address": {
                "street": "1420 NW 7th Ave", "city": "Miami", "state": "FL", "zip": "33136",
            },
            "assigned_employee_id": "pro_77",
            "lead_source": "Phone call",
            "note": null,
            "tags": ["lr-7f3k2m9q"],
        })
    );
    let service = "HVAC, heating repair";
    let expected = format!(
        "Phone call, qualified by AI\n\
         Caller: Maria Gonzalez\n\
         Phone: +13055550182\n\
         E-mail: maria@example.com\n\
         Address: 1420 NW 7th Ave, Miami, FL, 33136, US\n\
         Urgency: same day\n\
         Service: {service}\n\
         Preferred time: 2026-05-27T08:00:00\n\
         Says to be an existing customer: no\n\
         Issue: No heat.\nFurnace is dead.\n\
         Summary: No heat. Furnace is 12 years old. Wants someone today.\n\
         Answers:\n- brand: Trane\n- home owner: yes\n- units: 1, 2\n\
         Intent score: 0.93 of 1\n\
         Sentiment: neutral\n\
         Recording: (our link to the recording)\n\
         Transcript: (our link to the transcript)\n\
         Call: call_abc123\n\
         Ref: lr-7f3k2m9q"
    );
    assert_eq!(note.as_str().unwrap(), expected);
}

#[test]
fn an_address_that_is_there_is_named_by_its_id() {
    let mut scene = Scene::new().for_customer("cus_a1");
    scene.made.site = Some(crate::Record::new("adr_1"));
    let request = super::requests::lead_create(&scene.filing()).unwrap();
    let body = request.json_body().unwrap();
    assert_eq!(
        (&body["address_id"], &body["address"]),
        (&json!("adr_1"), &Value::Null)
    );
}

#[test]
fn a_note_without_links_of_ours_carries_none_and_says_by_what_to_ask() {
    let lead = lead_with(|_| {});
    let filed = filed_with(&lead, Links::NONE);
    let note = filed["note"].as_str().unwrap();
    assert!(!note.contains("https://"), "{note}");
    assert!(
        note.contains("Recording and Transcript: on request, by the call's id\n")
            && note.contains("Summary: No heat."),
        "{note}"
    );
    assert!(note.contains("Call: call_abc123"), "{note}");
}

#[test]
fn a_lead_without_links_says_nothing_about_them() {
    let lead = lead_with(|payload| {
        payload["call"]["recording_url"] = Value::Null;
        payload["call"]["transcript_url"] = Value::Null;
    });
    let filed = filed_with(&lead, Links::NONE);
    assert!(!filed["note"].as_str().unwrap().contains("on request"));
}

#[test]
fn unknown_parts_of_a_caller_are_left_out() {
    let lead = lead_with(|payload| payload["contact"] = json!({ "phone": "+13055550182" }));
    assert_eq!(
        customer_of(&lead),
        json!({
            "mobile_number": "3055550182",
            "notifications_enabled": false,
            "lead_source": "Phone call",
            "tags": ["lr-7f3k2m9q"],
            "addresses": [],
        })
    );
    assert!(filed(&lead).get("address").is_none());
}

#[test]
fn an_address_without_a_street_stands_in_the_note() {
    let lead = lead_with(|payload| {
        payload["contact"]["address"] = json!({ "city": "Miami", "zip": "33136" });
    });
    assert_eq!(customer_of(&lead)["addresses"], json!([]));
    assert!(filed(&lead).get("address").is_none());
    assert!(note_of(&lead).contains("\nAddress: Miami, 33136\n"));
}

#[test]
fn a_foreign_number_goes_into_the_notes_and_never_into_the_number_field() {
    let lead = lead_with(|payload| {
        payload["contact"] = json!({ "phone": "+442079460958", "email": "ann@example.com" });
    });
    let customer = customer_of(&lead);
    assert!(customer.get("mobile_number").is_none());
    assert_eq!(customer["notes"], "Phone: +442079460958");
    assert!(customer.get("first_name").is_none(), "the e-mail is enough");
    assert!(note_of(&lead).contains("\nPhone: +442079460958\n"));
}

#[test]
fn a_caller_with_nothing_but_a_foreign_number_still_has_a_name() {
    let lead = lead_with(|payload| payload["contact"] = json!({ "phone": "+442079460958" }));
    assert_eq!(customer_of(&lead)["first_name"], "Caller");
    assert_eq!(customer_of(&lead)["last_name"], "+442079460958");
}

#[test]
fn a_connection_chooses_source_tag_and_messages() {
    let mut scene = Scene::new();
    scene.settings = Settings::default()
        .with("lead_source", "Radio")
        .with("tag", "ai call")
        .with("notifications_enabled", true);
    let request = customer_create(&scene.filing());
    let body = request.json_body().unwrap();
    assert_eq!(body["lead_source"], "Radio");
    assert_eq!(body["tags"], json!(["lr-7f3k2m9q", "ai call"]));
    assert_eq!(body["notifications_enabled"], true);
}

#[test]
fn an_id_or_e_mail_that_is_too_long_is_left_out_and_not_cut() {
    let mut lead = lead_with(|_| {});
    lead.routing.assigned_to = Some("p".repeat(101));
    lead.contact.email = Some(format!("{}@example.com", "m".repeat(250)));
    assert!(filed(&lead).get("assigned_employee_id").is_none());
    assert!(customer_of(&lead).get("email").is_none());
}

#[test]
fn a_long_note_keeps_its_end() {
    let lead = lead_with(|payload| {
        payload["call"]["transcript_summary"] = json!("é".repeat(50_000));
    });
    let note = note_of(&lead);
    assert_eq!(note.chars().count(), 10_000);
    assert!(note.contains("... (shortened)\n"));
    assert!(note.contains("(our link to the recording)") && note.ends_with("Ref: lr-7f3k2m9q"));
}

#[test]
fn links_that_would_crowd_out_the_note_are_left_out_and_named() {
    let long = format!("https://leads.example/{}", "a".repeat(6_000)).leak();
    let links = Links {
        recording: Some(long),
        ..Links::WORDS
    };
    let filed = filed_with(&lead_with(|_| {}), links);
    let note = filed["note"].as_str().unwrap();
    assert!(note.contains("on request, by the call's id") && !note.contains("aaaa"));
    assert!(note.contains("Summary: No heat.") && note.ends_with("Ref: lr-7f3k2m9q"));
}

fn steps(preview: &[PlannedRequest]) -> Vec<(&str, &str)> {
    preview
        .iter()
        .map(|step| (step.activity.as_str(), step.method.as_str()))
        .collect()
}

#[test]
fn a_preview_shows_each_step_with_secrets_masked() {
    let preview = previewed(&lead_with(|_| {}), Links::WORDS, None);
    assert_eq!(
        steps(&preview),
        [
            ("dedup_lookup", "GET"),
            ("customer_create", "POST"),
            ("lead_create", "POST")
        ]
    );
    assert!(
        preview
            .iter()
            .all(|step| step.headers["authorization"] == "Token ********")
    );
    assert_eq!(preview[2].url, "https://crm.example/leads");
}

#[test]
fn a_preview_for_a_known_customer_creates_none() {
    let preview = previewed(&lead_with(|_| {}), Links::WORDS, Some("cus_7"));
    assert_eq!(
        steps(&preview),
        [("dedup_lookup", "GET"), ("lead_create", "POST")]
    );
    assert_eq!(preview[1].body.as_ref().unwrap()["customer_id"], "cus_7");
}

#[test]
fn a_preview_without_links_of_ours_shows_none() {
    let preview = previewed(&lead_with(|_| {}), Links::NONE, Some("cus_7"));
    let note = preview[1].body.as_ref().unwrap()["note"].as_str().unwrap();
    assert!(
        note.contains("on request") && !note.contains("https://"),
        "{note}"
    );
}

#[test]
fn a_preview_marks_each_step_as_the_live_calls_will() {
    let lead = lead_with(|_| {});
    let preview = previewed(&lead, Links::WORDS, None);
    for (step, key) in [(1, StepKey::CUSTOMER_CREATE), (2, StepKey::LEAD_CREATE)] {
        let marker = Marker::new(lead.event_id, key.label());
        assert_eq!(
            preview[step].body.as_ref().unwrap()["tags"][0],
            marker.as_str()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(lead in hostile_lead()) {
        let customer = customer_of(&lead);
        let reachable = ["first_name", "last_name", "email", "mobile_number"];
        prop_assert!(reachable.iter().any(|field| customer.get(field).is_some()));
        let filed = filed(&lead);
        prop_assert!(filed["note"].as_str().unwrap().ends_with("Ref: lr-7f3k2m9q"));
        for (field, text) in texts_in(&[&customer, &filed]) {
            prop_assert!(text.chars().count() <= limit_of(&HOUSECALL_PRO, field, 100), "{} is too long", field);
            prop_assert!(!text.is_empty(), "{} is empty", field);
            let broken = |c: char| c.is_control() && c != '\n';
            prop_assert!(!text.contains(broken), "{} has controls", field);
            prop_assert!(field == "note" || !text.contains('\n'), "{} has lines", field);
        }
    }
}
