//! What a lead becomes in Jobber.

use std::collections::BTreeSet;

use leadrail_lead::{Lead, Marker};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::requests::{client_create, note_create, property_create, request_create};
use super::{JOBBER, Jobber};
use crate::hostile::{hostile_lead, limit_of, texts_in};
use crate::http::answer::Effect;
use crate::scripted_crm::{Scene, lead_with, target};
use crate::{
    CrmRequest, Links, PlannedRequest, Record, SettingKind, Settings, Slot, StepKey, Verb, preview,
};

/// A lead of which everything before the step has been made.
fn scene_of(lead: &Lead) -> Scene {
    let mut scene = Scene::of(lead.clone()).for_customer("c1");
    scene.made.lead = Some(Record::new("r1"));
    scene
}

fn input(request: &CrmRequest) -> Value {
    assert_eq!(request.effect(), Effect::Write);
    request.json_body().unwrap()["variables"]["input"].clone()
}

fn client_of(lead: &Lead) -> Value {
    input(&client_create(&scene_of(lead).filing()))
}

fn request_of(lead: &Lead) -> Value {
    input(&request_create(&scene_of(lead).filing()).unwrap())
}

fn address_of(lead: &Lead) -> Option<Value> {
    let request = property_create(&scene_of(lead).filing())?;
    Some(input(&request)["properties"][0]["address"].clone())
}

fn note_of(lead: &Lead) -> String {
    let request = note_create(&scene_of(lead).filing()).unwrap();
    input(&request)["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_caller_becomes_a_client_without_what_jobber_would_refuse() {
    assert_eq!(
        client_of(&lead_with(|_| {})),
        json!({
            "firstName": "Maria",
            "lastName": "Gonzalez",
            "phones": [{"number": "+13055550182", "description": "MAIN", "primary": true}],
            "emails": [{"address": "maria@example.com", "description": "MAIN", "primary": true}],
        })
    );
}

#[test]
fn what_is_not_known_of_a_caller_is_left_out() {
    let phone = |number: &str| json!([{"number": number, "description": "MAIN", "primary": true}]);
    let rows = [
        (
            json!({"phone": "+13055550182"}),
            json!({"firstName": "Caller", "phones": phone("+13055550182")}),
        ),
        (
            json!({"phone": "+442079460958", "last_name": "Smith", "first_name": " "}),
            json!({"lastName": "Smith", "phones": phone("+442079460958")}),
        ),
        (
            json!({"phone": "+442079460958", "first_name": "Ann"}),
            json!({"firstName": "Ann", "phones": phone("+442079460958")}),
        ),
    ];
    for (contact, expected) in rows {
        assert_eq!(
            client_of(&lead_with(|payload| payload["contact"] = contact)),
            expected
        );
    }
}

#[test]
fn an_address_becomes_a_property_of_the_client() {
    let scene = scene_of(&lead_with(|_| {}));
    let request = property_create(&scene.filing()).unwrap();
    let address = json!({
        "street1": "1420 NW 7th Ave", "city": "Miami", "province": "FL", "postalCode": "33136",
        "country": "US",
    });
    assert_eq!(
        request.json_body().unwrap()["variables"],
        json!({"client": "c1", "input": {"properties": [{"address": address}]}})
    );
}

#[test]
fn an_address_without_a_street_stands_in_the_note() {
    let lead = lead_with(|payload| {
        payload["contact"]["address"] = json!({"city": "Miami", "zip": "33136"});
    });
    assert!(address_of(&lead).is_none());
    assert!(note_of(&lead).contains("\nAddress: Miami, 33136\n"));
}

#[test]
fn a_call_becomes_a_request_with_the_marker_in_its_title() {
    let lead = lead_with(|payload| payload["routing"]["assigned_to"] = json!("VXNlci83"));
    let mut scene = scene_of(&lead);
    scene.made.site = Some(Record::new("p1"));
    let items = json!([
        {"label": "Service", "answerText": "HVAC, heating repair"},
        {"label": "Urgency", "answerText": "same day"},
        {"label": "Issue", "answerText": "No heat. Furnace not turning on."},
        {"label": "Preferred time", "answerText": "2026-05-27T08:00:00"},
        {"label": "Call", "answerText": "call_abc123"},
    ]);
    assert_eq!(
        input(&request_create(&scene.filing()).unwrap()),
        json!({
            "clientId": "c1",
            "propertyId": "p1",
            "title": "HVAC, heating repair [lr-7f3k2m9q]",
            "requestDetails": {"form": {"sections": [{"label": "Call", "items": items}]}},
            "salespersonId": "VXNlci83",
        })
    );
}

#[test]
fn a_request_of_a_caller_who_said_nothing_still_has_a_title() {
    let lead = lead_with(|payload| payload["service_request"] = json!({}));
    let request = request_of(&lead);
    assert_eq!(request["title"], "Phone call [lr-7f3k2m9q]");
    assert!(request.get("propertyId").is_none() && request.get("salespersonId").is_none());
}

#[test]
fn a_long_title_gives_way_to_the_marker() {
    let lead = lead_with(|payload| {
        payload["service_request"]["service_type"] = json!("é".repeat(300));
    });
    let title = request_of(&lead)["title"].as_str().unwrap().to_owned();
    assert_eq!(title.chars().count(), 150);
    assert!(title.ends_with("é [lr-7f3k2m9q]"), "{title}");
}

#[test]
fn the_note_says_it_all_and_carries_no_link_but_ours() {
    let mut scene = scene_of(&lead_with(|_| {}));
    let request = note_create(&scene.filing()).unwrap();
    assert_eq!(request.json_body().unwrap()["variables"]["request"], "r1");
    let fresh = input(&request);
    assert!(fresh.get("pinned").is_none());
    let fresh = fresh["message"].as_str().unwrap();
    assert!(
        fresh.contains("Summary: No heat.") && fresh.contains("(our link to the recording)"),
        "{fresh}"
    );
    assert!(fresh.ends_with("\nRef: lr-7f3k2m9q"), "{fresh}");
    scene.links = Links::NONE;
    let old = input(&note_create(&scene.filing()).unwrap());
    let old = old["message"].as_str().unwrap();
    assert!(
        old.contains("on request") && !old.contains("https://"),
        "{old}"
    );
}

#[test]
fn an_id_or_e_mail_that_is_too_long_is_left_out_and_not_cut() {
    let mut lead = lead_with(|_| {});
    lead.routing.assigned_to = Some("p".repeat(101));
    lead.contact.email = Some(format!("{}@example.com", "m".repeat(250)));
    assert!(request_of(&lead).get("salespersonId").is_none());
    assert!(client_of(&lead).get("emails").is_none());
}

fn previewed(settings: Settings, links: Links<'_>, known: Option<&str>) -> Vec<PlannedRequest> {
    let target = target(&Jobber, "https://crm.example/").with_settings(settings);
    preview(&Jobber, &target, &lead_with(|_| {}), links, known)
}

fn steps(preview: &[PlannedRequest]) -> Vec<&str> {
    preview.iter().map(|step| step.activity.as_str()).collect()
}

#[test]
fn a_preview_shows_each_step_with_secrets_masked() {
    let preview = previewed(Settings::default(), Links::WORDS, None);
    assert_eq!(
        steps(&preview),
        [
            "dedup_lookup",
            "customer_create",
            "site_lookup",
            "site_create",
            "lead_create",
            "note_attach"
        ]
    );
    for step in &preview {
        assert_eq!(
            (step.method.as_str(), step.url.as_str()),
            ("POST", "https://crm.example/api/graphql")
        );
        assert_eq!(step.headers["authorization"], "Bearer ********");
        assert_eq!(step.headers["x-jobber-graphql-version"], "2026-05-12");
    }
}

#[test]
fn a_preview_for_a_known_client_creates_none() {
    let preview = previewed(Settings::default(), Links::NONE, Some("c7"));
    assert_eq!(
        steps(&preview),
        [
            "dedup_lookup",
            "site_lookup",
            "site_create",
            "lead_create",
            "note_attach"
        ]
    );
    let variables = |step: usize| &preview[step].body.as_ref().unwrap()["variables"];
    assert_eq!(variables(1)["client"], "c7");
    assert_eq!(variables(3)["input"]["clientId"], "c7");
    assert!(
        !variables(4)["input"]["message"]
            .as_str()
            .unwrap()
            .contains("https://")
    );
}

#[test]
fn a_preview_of_a_caller_without_an_address_has_no_site() {
    let lead = lead_with(|payload| payload["contact"]["address"] = Value::Null);
    let target = target(&Jobber, "https://crm.example/");
    let preview = preview(&Jobber, &target, &lead, Links::WORDS, None);
    assert_eq!(
        steps(&preview),
        [
            "dedup_lookup",
            "customer_create",
            "lead_create",
            "note_attach"
        ]
    );
    let input = &preview[2].body.as_ref().unwrap()["variables"]["input"];
    assert!(input.get("propertyId").is_none());
}

#[test]
fn a_preview_marks_each_step_as_the_live_calls_will() {
    let lead = lead_with(|_| {});
    let preview = previewed(Settings::default(), Links::WORDS, None);
    let body = |step: usize| preview[step].body.as_ref().unwrap().to_string();
    for (step, key) in [(4, StepKey::LEAD_CREATE), (5, StepKey::NOTE_ATTACH)] {
        let marker = Marker::new(lead.event_id, key.label());
        assert!(body(step).contains(marker.as_str()));
    }
}

#[test]
fn every_setting_that_is_offered_changes_a_request() {
    let usual = previewed(Settings::default(), Links::WORDS, None);
    for setting in JOBBER.settings {
        let value = match setting.kind {
            SettingKind::Switch => json!(true),
            _ => json!("2025-04-16"),
        };
        let given = Map::from_iter([(setting.name.to_owned(), value)]);
        let settings = Settings::check(&JOBBER, &given).unwrap();
        assert!(
            previewed(settings, Links::WORDS, None) != usual,
            "{}",
            setting.name
        );
    }
}

#[test]
fn a_connection_chooses_source_pin_and_version() {
    let settings = Settings::default()
        .with("lead_source", "Radio")
        .with("pin_note", true)
        .with("api_version", "2025-04-16");
    let preview = previewed(settings, Links::WORDS, None);
    let input = |step: usize| &preview[step].body.as_ref().unwrap()["variables"]["input"];
    assert_eq!(
        input(1)["sourceAttribution"],
        json!({"sourceText": "Radio"})
    );
    assert_eq!(input(5)["pinned"], true);
    assert!(
        preview
            .iter()
            .all(|step| step.headers["x-jobber-graphql-version"] == "2025-04-16")
    );
}

#[test]
fn every_list_is_asked_for_with_a_limit_and_reads_are_no_writes() {
    let preview = previewed(Settings::default(), Links::WORDS, None);
    for step in &preview {
        let query = step.body.as_ref().unwrap()["query"].as_str().unwrap();
        assert_eq!(
            query.matches("nodes").count(),
            query.matches("first: $first").count(),
            "{query}"
        );
        let makes = step.activity.ends_with("_create") || step.activity == "note_attach";
        assert_eq!(query.starts_with("mutation "), makes, "{query}");
    }
    let scene = scene_of(&lead_with(|_| {}));
    for step in the_plan().steps {
        let request = (step.request)(&scene.filing()).unwrap();
        let is_find = step.key().verb == Verb::Find;
        assert_eq!(request.effect() == Effect::Read, is_find, "{}", step.key());
    }
}

#[test]
fn every_step_that_makes_can_look_by_a_list() {
    use crate::ReconcileClass::C;
    let classes: Vec<_> = the_plan()
        .steps
        .iter()
        .filter_map(crate::Step::class)
        .collect();
    assert_eq!(classes, [C, C, C, C]);
    let slots: BTreeSet<Slot> = the_plan().steps.iter().map(|step| step.slot).collect();
    assert_eq!(slots.len(), 4);
}

fn the_plan() -> &'static crate::Plan {
    crate::CrmAdapter::plan(&Jobber, &Settings::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(lead in hostile_lead()) {
        let client = client_of(&lead);
        prop_assert!(client.get("firstName").or(client.get("lastName")).is_some());
        let request = request_of(&lead);
        prop_assert!(request["title"].as_str().unwrap().ends_with(" [lr-7f3k2m9q]"));
        let note = json!({ "message": note_of(&lead) });
        prop_assert!(note["message"].as_str().unwrap().ends_with("Ref: lr-7f3k2m9q"));
        let address = address_of(&lead).unwrap_or_default();
        for (field, text) in texts_in(&[&client, &request, &note, &address]) {
            prop_assert!(text.chars().count() <= limit_of(&JOBBER, field, 254), "{} is too long", field);
            prop_assert!(!text.is_empty(), "{} is empty", field);
            let broken = |c: char| c.is_control() && c != '\n';
            prop_assert!(!text.contains(broken), "{} has controls", field);
            prop_assert!(field == "message" || !text.contains('\n'), "{} has lines", field);
        }
    }
}
