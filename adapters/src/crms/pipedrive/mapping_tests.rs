//! What a lead becomes in Pipedrive.

use leadrail_lead::{Lead, Marker};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::{
    deal_create, deal_note_create, lead_create, lead_note_create, person_create,
};
use super::steps;
use super::{PIPEDRIVE, Pipedrive};
use crate::hostile::{hostile_lead, texts_in};
use crate::scripted_crm::{Scene, ScriptedCrm, lead_with, say, session_with, target};
use crate::{CrmRequest, Filing, Links, PlannedRequest, Record, Settings, StepKey, preview};

fn scene(lead: &Lead) -> Scene {
    let mut scene = Scene::of(lead.clone()).for_customer("700");
    scene.made.lead = Some(Record::new("800"));
    scene
}

fn body(scene: &Scene, request: impl Fn(&Filing<'_>) -> Option<CrmRequest>) -> Value {
    let request = request(&scene.filing()).expect("a request");
    request.json_body().unwrap().clone()
}

fn person(lead: &Lead) -> Value {
    body(&scene(lead), |filing| Some(person_create(filing)))
}

#[test]
fn a_caller_becomes_a_person_with_number_and_address() {
    assert_eq!(
        person(&lead_with(|_| {})),
        json!({
            "name": "Maria Gonzalez",
            "phones": [{"value": "+13055550182", "primary": true}],
            "emails": [{"value": "maria@example.com", "primary": true}],
        })
    );
}

#[test]
fn a_call_becomes_a_lead_of_the_person_with_the_events_id_as_its_origin() {
    let lead = lead_with(|_| {});
    assert_eq!(
        body(&scene(&lead), lead_create),
        json!({
            "title": "HVAC, heating repair: Maria Gonzalez [lr-7f3k2m9q]",
            "person_id": 700,
            "origin_id": lead.event_id.to_string(),
        })
    );
}

#[test]
fn a_call_becomes_a_deal_of_the_person() {
    assert_eq!(
        body(&scene(&lead_with(|_| {})), deal_create),
        json!({
            "title": "HVAC, heating repair: Maria Gonzalez [lr-7f3k2m9q]",
            "person_id": 700,
        })
    );
}

#[test]
fn the_note_stands_on_the_lead_or_on_the_deal_and_says_it_all() {
    let lead = lead_with(|payload| {
        payload["contact"]["first_name"] = json!("<b onclick=alert(1)>Maria</b>");
        payload["service_request"]["urgency"] = json!("same_day");
        payload["ai_analysis"]["conversion_intent_score"] = json!(0.925);
        payload["ai_analysis"]["qualifier_answers"] = json!({"home_owner": true});
    });
    let mut on_lead = scene(&lead);
    on_lead.links = Links {
        recording: Some("https://leads.example.com/r/1"),
        ..Links::WORDS
    };
    let note = body(&on_lead, lead_note_create);
    assert_eq!(note["lead_id"], "800");
    assert!(note.get("deal_id").is_none() && note.get("pinned_to_lead_flag").is_none());
    let content = note["content"].as_str().unwrap();
    for said in [
        "Caller: &lt;b onclick=alert(1)&gt;Maria&lt;/b&gt; Gonzalez<br>",
        "<br>Phone: +13055550182<br>",
        "<br>Address: 1420 NW 7th Ave, Miami, FL, 33136, US<br>",
        "<br>Urgency: same day<br>",
        "<br>Summary: No heat. Furnace is 12 years old. Wants someone today.<br>",
        "<br>- home owner: yes<br>",
        "<br>Intent score: 0.93 of 1<br>",
        "<br>Recording: <a href=\"https://leads.example.com/r/1\">https://leads.example.com/r/1</a><br>",
        "<br>Call: call_abc123<br>Ref: lr-7f3k2m9q",
    ] {
        assert!(content.contains(said), "{said} is not in {content}");
    }
    let note = body(&scene(&lead), deal_note_create);
    assert_eq!(note["deal_id"], 800);
    assert!(note.get("lead_id").is_none());
}

#[test]
fn whoever_left_little_is_a_person_all_the_same() {
    let with = |contact: Value| person(&lead_with(|payload| payload["contact"] = contact));
    assert_eq!(
        with(json!({"phone": "+13055550182"})),
        json!({"name": "Caller", "phones": [{"value": "+13055550182", "primary": true}]})
    );
    assert_eq!(
        with(json!({"phone": "+442079460018", "last_name": "O'Neil"})),
        json!({"name": "O'Neil", "phones": [{"value": "+442079460018", "primary": true}]})
    );
    assert_eq!(
        with(json!({"first_name": "Ann", "email": "ann@example.com"})),
        json!({"name": "Ann", "emails": [{"value": "ann@example.com", "primary": true}]})
    );
    // By nothing else would a look find whoever left neither.
    let bare = |name: &str| json!({"first_name": name, "address": {"street": "1 A St"}});
    assert_eq!(with(bare("Ann")), json!({"name": "Ann [lr-7f3k2m9q]"}));
    assert_eq!(with(bare(" ")), json!({"name": "Caller [lr-7f3k2m9q]"}));
}

#[test]
fn a_title_says_whatever_is_known() {
    let title = |change: fn(&mut Value)| {
        let lead = lead_with(change);
        body(&scene(&lead), lead_create)["title"].clone()
    };
    let nameless = title(|payload| payload["contact"] = json!({"phone": "+13055550182"}));
    assert_eq!(nameless, "HVAC, heating repair: +13055550182 [lr-7f3k2m9q]");
    let unknown = title(|payload| {
        payload["contact"] = json!({"address": {"street": "1 A St"}});
        payload["service_request"]["service_type"] = Value::Null;
        payload["service_request"]["sub_type"] = Value::Null;
    });
    assert_eq!(unknown, "Phone call [lr-7f3k2m9q]");
}

#[test]
fn an_e_mail_address_that_is_none_or_too_long_is_left_out_and_not_cut() {
    let mut lead = lead_with(|_| {});
    for bad in [
        "m".repeat(250) + "@example.com",
        "ann at example".into(),
        "a@b <x@y>".into(),
    ] {
        lead.contact.email = Some(bad);
        assert!(person(&lead).get("emails").is_none());
    }
}

#[test]
fn a_connection_chooses_owner_label_channel_place_and_fields() {
    let field = "a".repeat(40);
    let mut scene = scene(&lead_with(|_| {}));
    scene.settings = Settings::default()
        .with("owner", "901")
        .with("lead_label", "label-1")
        .with("channel", "52")
        .with("pipeline", "1")
        .with("stage", "11")
        .with("person_field", field.as_str())
        .with("deal_field", field.as_str())
        .with("pin_note", true);
    let person = body(&scene, |filing| Some(person_create(filing)));
    assert_eq!(person["owner_id"], 901);
    assert_eq!(
        person["custom_fields"],
        json!({field.as_str(): "lr-7f3k2m9q"})
    );
    let lead = body(&scene, lead_create);
    assert_eq!(
        (&lead["owner_id"], &lead["label_ids"], &lead["channel"]),
        (&json!(901), &json!(["label-1"]), &json!(52))
    );
    let deal = body(&scene, deal_create);
    assert_eq!(
        (&deal["pipeline_id"], &deal["stage_id"]),
        (&json!(1), &json!(11))
    );
    assert_eq!(
        deal["custom_fields"],
        json!({field.as_str(): "lr-7f3k2m9q"})
    );
    assert_eq!(body(&scene, lead_note_create)["pinned_to_lead_flag"], 1);
    assert_eq!(body(&scene, deal_note_create)["pinned_to_deal_flag"], 1);
}

#[test]
fn a_lead_that_names_a_user_is_theirs() {
    for (named, owner) in [("77", json!(77)), ("pro_77", json!(901)), ("0", json!(901))] {
        let mut scene = scene(&lead_with(|payload| {
            payload["routing"]["assigned_to"] = json!(named)
        }));
        scene.settings = Settings::default().with("owner", "901");
        let bodies = [
            body(&scene, |filing| Some(person_create(filing))),
            body(&scene, lead_create),
            body(&scene, deal_create),
        ];
        assert!(
            bodies.iter().all(|body| body["owner_id"] == owner),
            "{named}"
        );
    }
}

#[test]
fn a_preview_shows_each_step_with_secrets_masked_and_its_own_mark() {
    for mode in ["lead", "deal"] {
        let settings = Settings::default().with("mode", mode);
        let target = target(&Pipedrive, "https://crm.example/").with_settings(settings);
        let lead = lead_with(|_| {});
        let show = |known| preview(&Pipedrive, &target, &lead, Links::WORDS, known);
        let steps = |planned: &[PlannedRequest]| -> Vec<String> {
            planned.iter().map(|step| step.activity.clone()).collect()
        };
        let planned = show(None);
        assert_eq!(
            steps(&planned),
            [
                "dedup_lookup",
                "customer_create",
                "lead_create",
                "note_attach"
            ]
        );
        assert!(
            planned
                .iter()
                .all(|step| step.headers["x-api-token"] == "********")
        );
        let marker = Marker::new(lead.event_id, StepKey::LEAD_CREATE.label());
        let title = planned[2].body.as_ref().unwrap()["title"].as_str().unwrap();
        assert!(title.ends_with(&format!("[{marker}]")), "{title}");
        let known = show(Some("77"));
        assert_eq!(
            steps(&known),
            ["dedup_lookup", "lead_create", "note_attach"]
        );
        assert_eq!(known[1].body.as_ref().unwrap()["person_id"], 77);
    }
}

#[tokio::test]
async fn a_record_has_a_page_only_where_the_companys_own_host_is_known() {
    let made = json!({"success": true, "data": {"id": "ld-1"}});
    let crm = ScriptedCrm::start([say(201, &made)]).await;
    let session = session_with(&Pipedrive, &crm.url, Settings::default());
    let scene = Scene::new().for_customer("700");
    let filed = scene.take(&Pipedrive, StepKey::LEAD_CREATE, &session).await;
    assert_eq!(filed.unwrap().unwrap().url, None);
    for (base, expected) in [
        (
            "https://acme.pipedrive.com",
            Some("https://acme.pipedrive.com/leads/inbox/ld-1"),
        ),
        ("https://api.pipedrive.com", None),
        ("https://acme.pipedrive.com.evil.example", None),
    ] {
        let session = session_with(&Pipedrive, base, Settings::default());
        let record = steps::lead_record(&session, "ld-1".to_owned());
        assert_eq!(record.url.as_deref(), expected, "{base}");
    }
}

fn limit_of(field: &str) -> usize {
    match field {
        "content" => PIPEDRIVE.limit("note.content"),
        "title" => PIPEDRIVE.limit("lead.title"),
        "name" => PIPEDRIVE.limit("person.name"),
        "value" => PIPEDRIVE.limit("person.email"),
        _ => 40,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(lead in hostile_lead()) {
        let scene = scene(&lead);
        let person = body(&scene, |filing| Some(person_create(filing)));
        let known = person.get("phones").is_some() || person.get("emails").is_some();
        prop_assert!(known || person["name"].as_str().unwrap().ends_with("[lr-7f3k2m9q]"));
        let filed = body(&scene, lead_create);
        prop_assert!(filed["title"].as_str().unwrap().ends_with("[lr-7f3k2m9q]"));
        let note = body(&scene, lead_note_create);
        let content = note["content"].as_str().unwrap();
        prop_assert!(content.ends_with("<br>Ref: lr-7f3k2m9q"));
        prop_assert!(!content.replace("<br>", "").contains(['<', '>']));
        for (field, text) in texts_in(&[&person, &filed, &note]) {
            prop_assert!(text.chars().count() <= limit_of(field), "{} is too long", field);
            prop_assert!(!text.is_empty() && !text.contains(char::is_control), "{}", field);
        }
    }
}
