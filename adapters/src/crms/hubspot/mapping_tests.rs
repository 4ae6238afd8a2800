//! What a lead becomes in HubSpot.

use leadrail_lead::Lead;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::{
    Window, contact_create, contacts_like, deal_create, lead_create, note_body, note_create,
};
use super::{HUBSPOT, HubSpot, Kind, caller::Caller};
use crate::hostile::hostile_lead;
use crate::scripted_crm::{Scene, lead_with, target};
use crate::{Links, PlannedRequest, Record, Settings, preview};

/// A connection that files deals.
pub(super) fn deal_mode() -> Settings {
    Settings::default()
        .with("pipeline", "771")
        .with("stage", "7711")
}

/// A connection that files leads.
pub(super) fn lead_mode() -> Settings {
    Settings::default().with("mode", "lead")
}

/// The same connection with a property for references.
pub(super) fn with_ref(settings: Settings) -> Settings {
    settings.with("ref_property", "leadrail_ref")
}

/// A lead at a step whose contact and deal are there.
pub(super) fn scene(lead: Lead, settings: Settings) -> Scene {
    let mut scene = Scene::of(lead).for_customer("700");
    scene.made.lead = Some(Record::new("800"));
    scene.settings = settings;
    scene
}

fn contact_of(lead: &Lead) -> Value {
    let scene = Scene::of(lead.clone());
    let request = contact_create(&scene.filing());
    request.json_body().unwrap()["properties"].clone()
}

fn deal_of(lead: &Lead) -> Value {
    let scene = scene(lead.clone(), deal_mode());
    let request = deal_create(&scene.filing()).unwrap();
    request.json_body().unwrap().clone()
}

fn lead_of(lead: &Lead) -> Value {
    let scene = scene(lead.clone(), lead_mode());
    let request = lead_create(&scene.filing()).unwrap();
    request.json_body().unwrap().clone()
}

fn note_of(lead: &Lead, on: Kind) -> Value {
    let scene = scene(lead.clone(), deal_mode());
    let request = note_create(&scene.filing(), on).unwrap();
    request.json_body().unwrap().clone()
}

#[test]
fn a_caller_becomes_a_contact_that_bears_the_marker() {
    assert_eq!(
        contact_of(&lead_with(|_| {})),
        json!({
            "firstname": "Maria", "lastname": "Gonzalez", "email": "maria@example.com",
            "phone": "+13055550182", "address": "1420 NW 7th Ave", "city": "Miami", "state": "FL",
            "zip": "33136", "country": "US", "message": "lr-7f3k2m9q",
        })
    );
}

#[test]
fn a_call_becomes_a_deal_on_the_contact() {
    let associations = json!([{
        "to": {"id": "700"},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}],
    }]);
    assert_eq!(
        deal_of(&lead_with(|_| {})),
        json!({
            "properties": {
                "dealname": "HVAC, heating repair - Maria Gonzalez", "pipeline": "771",
                "dealstage": "7711",
                "description": "No heat. Furnace not turning on. Ref: lr-7f3k2m9q",
            },
            "associations": associations,
        })
    );
}

#[test]
fn a_call_becomes_a_lead_on_the_contact() {
    let associations = json!([{
        "to": {"id": "700"},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}],
    }]);
    assert_eq!(
        lead_of(&lead_with(|_| {})),
        json!({
            "properties": {"hs_lead_name": "HVAC, heating repair - Maria Gonzalez [lr-7f3k2m9q]"},
            "associations": associations,
        })
    );
}

#[test]
fn what_the_connection_sets_stands_in_what_is_made() {
    let settings = with_ref(lead_mode())
        .with("lead_pipeline", "882")
        .with("lead_stage", "8821")
        .with("owner", "501");
    let scene = scene(lead_with(|_| {}), settings);
    let request = lead_create(&scene.filing()).unwrap();
    let lead = &request.json_body().unwrap()["properties"];
    for (property, value) in [
        ("hs_pipeline", "882"),
        ("hs_pipeline_stage", "8821"),
        ("hubspot_owner_id", "501"),
        ("leadrail_ref", "lr-7f3k2m9q"),
    ] {
        assert_eq!(lead[property], value, "{property}");
    }
    let contact = contact_create(&scene.filing());
    let contact = &contact.json_body().unwrap()["properties"];
    assert_eq!(contact["leadrail_ref"], "lr-7f3k2m9q");
    assert_eq!(contact["message"], "lr-7f3k2m9q", "the setting may go away");
}

#[test]
fn a_property_for_references_replaces_nothing_that_was_said() {
    let settings = deal_mode().with("ref_property", "email");
    let mut scene = Scene::new();
    scene.settings = settings;
    let request = contact_create(&scene.filing());
    let contact = &request.json_body().unwrap()["properties"];
    assert_eq!(contact["email"], "maria@example.com");
}

#[test]
fn a_note_hangs_on_the_contact_and_on_its_deal() {
    let kinds = |note: &Value| {
        let all = note["associations"].as_array().unwrap().iter();
        let all = all.map(|one| {
            let kind = &one["types"][0]["associationTypeId"];
            (
                one["to"]["id"].as_str().unwrap().to_owned(),
                kind.as_u64().unwrap(),
            )
        });
        all.collect::<Vec<_>>()
    };
    let lead = lead_with(|_| {});
    let on_deal = note_of(&lead, Kind::Deal);
    assert_eq!(
        kinds(&on_deal),
        [("700".to_owned(), 202), ("800".to_owned(), 214)]
    );
    assert_eq!(
        kinds(&note_of(&lead, Kind::Contact)),
        [("700".to_owned(), 202)]
    );
    assert_eq!(
        on_deal["properties"]["hs_timestamp"],
        "2026-05-26T14:32:00.000Z"
    );
}

#[test]
fn a_note_says_it_all_and_only_our_links_are_links() {
    let mut scene = scene(
        lead_with(|payload| {
            payload["contact"]["first_name"] = json!("<b>Maria</b>");
            payload["service_request"]["issue_description"] =
                json!("It's \"out\" & <script>alert(1)</script>\nhttps://evil.example/");
        }),
        deal_mode(),
    );
    scene.links = Links {
        recording: Some("https://leads.example.com/r/abc?a=1&b=2"),
        transcript: None,
    };
    let html = note_body(&scene.filing());
    for line in [
        "Caller: &lt;b&gt;Maria&lt;/b&gt; Gonzalez<br>",
        "Phone: +13055550182<br>",
        "E-mail: maria@example.com<br>",
        "Address: 1420 NW 7th Ave, Miami, FL, 33136, US<br>",
        "Urgency: same day<br>",
        "Issue: It&#39;s &quot;out&quot; &amp; &lt;script&gt;alert(1)&lt;/script&gt;<br>https://evil.example/<br>",
        "Summary: No heat. Furnace is 12 years old. Wants someone today.<br>",
        "Answers:<br>- has existing service contract: no<br>",
        "Intent score: 0.87 of 1<br>",
        "Recording: <a href=\"https://leads.example.com/r/abc?a=1&amp;b=2\">https://leads.example.com/r/abc?a=1&amp;b=2</a><br>",
        "Transcript: on request, by the call&#39;s id<br>",
    ] {
        assert!(html.contains(line), "{line} is not in {html}");
    }
    assert!(
        html.ends_with("Call: call_abc123<br>Ref: lr-7f3k2m9q"),
        "{html}"
    );
}

#[test]
fn what_was_not_said_is_not_sent() {
    let nobody = lead_with(|payload| {
        payload["contact"] = json!({"phone": "+13055550182"});
        payload["service_request"] = json!({});
        payload["call"]["transcript_summary"] = Value::Null;
    });
    assert_eq!(
        contact_of(&nobody),
        json!({"firstname": "Caller", "phone": "+13055550182", "message": "lr-7f3k2m9q"})
    );
    let deal = deal_of(&nobody);
    assert_eq!(deal["properties"]["dealname"], "Phone call - +13055550182");
    assert_eq!(deal["properties"]["description"], "Ref: lr-7f3k2m9q");
}

#[test]
fn a_number_from_abroad_and_an_address_abroad_are_sent_as_they_are() {
    let abroad = lead_with(|payload| {
        payload["contact"]["phone"] = json!("+442079460018");
        payload["contact"]["address"] = json!({"street": "10 Downing St", "city": "London", "zip": "SW1A 2AA", "country": "UK"});
    });
    let contact = contact_of(&abroad);
    assert_eq!(contact["phone"], "+442079460018");
    assert_eq!(contact["zip"], "SW1A 2AA");
    assert_eq!(contact["state"], Value::Null);
}

#[test]
fn only_an_address_that_may_be_taken_is_sent() {
    for (email, sent) in [
        ("maria@example.com", true),
        ("Maria.Lopez+hvac@mail.example.co.uk", true),
        ("maria@example", false),
        ("maria at example.com", false),
        ("maria@exa mple.com", false),
        ("märia@example.com", false),
        ("maria@example..com", false),
        ("@example.com", false),
        ("a@b@example.com", false),
    ] {
        let mut lead = lead_with(|_| {});
        lead.contact.email = Some(email.to_owned());
        assert_eq!(contact_of(&lead)["email"].is_string(), sent, "{email}");
    }
    let mut lead = lead_with(|_| {});
    lead.contact.email = Some(format!("{}@example.com", "a".repeat(65)));
    assert_eq!(contact_of(&lead)["email"], Value::Null);
}

#[test]
fn a_long_text_is_cut_between_letters_and_says_so() {
    let lead = lead_with(|payload| {
        payload["service_request"]["issue_description"] = json!("👩‍🔧".repeat(3_000));
        payload["call"]["transcript_summary"] = json!("👩‍🔧".repeat(3_000));
    });
    let deal = deal_of(&lead);
    let told = deal["properties"]["description"].as_str().unwrap();
    assert!(
        told.ends_with("👩‍🔧... (shortened) Ref: lr-7f3k2m9q"),
        "{told}"
    );
    let note = note_of(&lead, Kind::Deal);
    let note = note["properties"]["hs_note_body"].as_str().unwrap();
    assert!(note.contains("👩‍🔧... (shortened)<br>"));
}

fn searched(lead: &Lead) -> Value {
    let caller = Caller::of(&lead.contact).unwrap();
    let window = Window {
        size: 50,
        after: None,
    };
    contacts_like(&caller, window).json_body().unwrap().clone()
}

#[test]
fn a_caller_is_searched_by_all_ways_of_typing_the_number_and_by_address() {
    let body = searched(&lead_with(|payload| {
        payload["contact"]["email"] = json!("Maria@Example.com");
    }));
    let filters = |place: usize| body["filterGroups"][place]["filters"][0].clone();
    let typed = json!([
        "+13055550182",
        "13055550182",
        "3055550182",
        "+1 (305) 555-0182",
        "(305) 555-0182",
        "+1 305-555-0182",
        "305-555-0182",
        "+1 305.555.0182",
        "305.555.0182",
    ]);
    for (place, property) in ["phone", "mobilephone"].into_iter().enumerate() {
        let expected = json!({"propertyName": property, "operator": "IN", "values": typed});
        assert_eq!(filters(place), expected);
    }
    for (place, property) in [
        (2, "hs_searchable_calculated_phone_number"),
        (3, "hs_searchable_calculated_mobile_number"),
    ] {
        let expected = json!({"propertyName": property, "operator": "EQ", "value": "3055550182"});
        assert_eq!(filters(place), expected);
    }
    let email = json!({"propertyName": "email", "operator": "EQ", "value": "maria@example.com"});
    assert_eq!(filters(4), email);
    assert_eq!(
        body["filterGroups"].as_array().unwrap().len(),
        5,
        "HubSpot takes no more"
    );
    let newest = json!([{"propertyName": "createdate", "direction": "DESCENDING"}]);
    assert_eq!((&body["sorts"], &body["limit"]), (&newest, &json!(50)));
}

#[test]
fn nothing_is_searched_for_a_caller_who_left_nothing() {
    let mut lead = lead_with(|_| {});
    (lead.contact.phone, lead.contact.email) = (None, None);
    assert!(Caller::of(&lead.contact).is_none());
    lead.contact.email = Some("maria@example.com".to_owned());
    assert_eq!(searched(&lead)["filterGroups"].as_array().unwrap().len(), 1);
}

fn previewed(settings: Settings, known: Option<&str>) -> Vec<PlannedRequest> {
    let target = target(&HubSpot, "https://crm.example/").with_settings(settings);
    preview(&HubSpot, &target, &lead_with(|_| {}), Links::WORDS, known)
}

fn steps(preview: &[PlannedRequest]) -> Vec<String> {
    let path = |url: &str| url.replace("https://crm.example", "");
    let steps = preview.iter();
    steps
        .map(|step| format!("{} {} {}", step.activity, step.method, path(&step.url)))
        .collect()
}

#[test]
fn a_preview_shows_the_requests_of_both_modes_with_the_secret_masked() {
    for (settings, made) in [(deal_mode(), "deals"), (lead_mode(), "leads")] {
        let new = previewed(settings.clone(), None);
        assert_eq!(
            steps(&new),
            [
                "dedup_lookup POST /crm/objects/2026-03/contacts/search".to_owned(),
                "customer_create POST /crm/objects/2026-03/contacts".to_owned(),
                format!("lead_create POST /crm/objects/2026-03/{made}"),
                "note_attach POST /crm/objects/2026-03/notes".to_owned(),
            ]
        );
        assert_eq!(new[0].headers["authorization"], "Bearer ********");
        let lead = new[2].body.as_ref().unwrap();
        assert_eq!(
            lead["associations"][0]["to"]["id"],
            "(id of the customer created before)"
        );
        let known = previewed(settings, Some("700"));
        assert_eq!(known.len(), 3);
        let lead = known[1].body.as_ref().unwrap();
        assert_eq!(lead["associations"][0]["to"]["id"], "700");
    }
}

#[test]
fn a_preview_without_settings_names_what_is_missing() {
    let preview = previewed(Settings::default(), None);
    let deal = &preview[2].body.as_ref().unwrap()["properties"];
    assert_eq!(deal["pipeline"], "(pipeline is not set)");
    assert_eq!(deal["dealstage"], "(stage is not set)");
}

#[test]
fn every_setting_that_is_advertised_changes_a_request() {
    let everything = |settings: Settings| {
        let planned = [None, Some("700")].into_iter();
        let planned = planned.flat_map(|known| previewed(settings.clone(), known));
        serde_json::to_string(&planned.collect::<Vec<_>>()).unwrap()
    };
    for setting in HUBSPOT.settings {
        let value = match setting.name {
            "mode" => "lead",
            _ => "4242",
        };
        let changes =
            |base: Settings| everything(base.clone()) != everything(base.with(setting.name, value));
        assert!(
            changes(deal_mode()) || changes(lead_mode()),
            "{}",
            setting.name
        );
    }
}

fn limit_of(kind: &str, property: &str) -> usize {
    let field = format!("{kind}.{property}");
    let whole = HUBSPOT.limits.iter().find(|limit| limit.field == field);
    // The marker stands behind what is cut, and the word that says so.
    let behind = if property == "description" { 60 } else { 0 };
    whole.map_or(60, |limit| limit.max_chars + behind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(lead in hostile_lead()) {
        let made = [
            ("contact", json!({"properties": contact_of(&lead)})),
            ("deal", deal_of(&lead)),
            ("lead", lead_of(&lead)),
            ("note", note_of(&lead, Kind::Deal)),
        ];
        for (kind, body) in made {
            for (property, value) in body["properties"].as_object().unwrap() {
                let value = value.as_str().unwrap();
                let broken = value.contains(char::is_control);
                prop_assert!(!value.trim().is_empty() && !broken, "{kind} {property}");
                let most = limit_of(kind, property);
                prop_assert!(value.chars().count() <= most, "{kind} {property} is too long");
            }
        }
        let note = note_of(&lead, Kind::Deal);
        let html = note["properties"]["hs_note_body"].as_str().unwrap();
        prop_assert!(html.ends_with("Ref: lr-7f3k2m9q"));
        let tags = html.match_indices('<').map(|(at, _)| &html[at..]);
        prop_assert!(tags.clone().all(|tag| tag.starts_with("<br>")), "{html}");
    }
}
