//! What a lead becomes in Workiz.

use leadrail_lead::Lead;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::lead_create;
use super::schedule::ZONES;
use super::{WORKIZ, Workiz};
use crate::hostile::{hostile, hostile_lead};
use crate::scripted_crm::{Scene, lead_with, target};
use crate::{Links, PlannedRequest, Settings, preview};

/// The fields of the request with what limits them.
const LIMITED: [(&str, &str); 12] = [
    ("FirstName", "lead.first_name"),
    ("LastName", "lead.last_name"),
    ("Email", "lead.email"),
    ("Address", "lead.address"),
    ("City", "lead.city"),
    ("State", "lead.state"),
    ("PostalCode", "lead.postal_code"),
    ("Country", "lead.country"),
    ("JobType", "lead.job_type"),
    ("JobSource", "lead.job_source"),
    ("ServiceArea", "lead.service_area"),
    ("LeadNotes", "lead.notes"),
];

fn new_york() -> Settings {
    Settings::default().with("time_zone", "America/New_York")
}

fn scene(lead: Lead, settings: Settings) -> Scene {
    let mut scene = Scene::of(lead);
    scene.settings = settings;
    scene
}

fn body(scene: &Scene) -> Value {
    let request = lead_create(&scene.filing());
    request.json_body().unwrap().clone()
}

fn filed(lead: Lead) -> Value {
    body(&scene(lead, new_york()))
}

/// A call an hour before its lead is filed.
fn just_called(change: impl FnOnce(&mut Value)) -> Lead {
    lead_with(|payload| {
        payload["timestamp_utc"] = json!("2026-06-10T08:00:00Z");
        change(payload);
    })
}

#[test]
fn a_call_becomes_a_lead_whose_notes_say_it_all() {
    let mut body = filed(just_called(|payload| {
        payload["service_request"]["urgency"] = json!("same_day");
        payload["ai_analysis"]["conversion_intent_score"] = json!(0.925);
        payload["ai_analysis"]["qualifier_answers"] = json!({ "home_owner": true });
    }));
    let notes = body["LeadNotes"].take();
    assert_eq!(
        body,
        json!({
            "LeadDateTime": "2026-06-10 04:00:00", "LeadEndDateTime": "2026-06-10 05:00:00",
            "Phone": "3055550182", "Email": "maria@example.com",
            "FirstName": "Maria", "LastName": "Gonzalez",
            "Address": "1420 NW 7th Ave", "City": "Miami", "State": "FL", "PostalCode": "33136",
            "Country": "US", "LeadNotes": null,
        })
    );
    let notes = notes.as_str().unwrap();
    for said in [
        "Caller: Maria Gonzalez\n",
        "Urgency: same day\n",
        "- home owner: yes\n",
        "Intent score: 0.93 of 1\n",
        "Recording: (our link to the recording)\n",
    ] {
        assert!(notes.contains(said), "{said} is not in {notes}");
    }
    assert!(notes.ends_with("\nRef: lr-7f3k2m9q"), "{notes}");
}

#[test]
fn a_known_client_is_named_by_the_id_as_it_is_written() {
    for (id, expected) in [("1002", json!(1002)), ("CL-9", json!("CL-9"))] {
        let known = scene(just_called(|_| {}), new_york()).for_customer(id);
        assert_eq!(body(&known)["ClientId"], expected);
    }
    assert!(filed(just_called(|_| {})).get("ClientId").is_none());
}

#[test]
fn what_was_not_said_is_said_to_be_missing_and_required_fields_are_there() {
    let of = |contact: Value| {
        let lead = just_called(|payload| payload["contact"] = contact);
        let body = filed(lead);
        let field = |name: &str| body[name].as_str().expect("it is there").to_owned();
        (
            ["FirstName", "LastName", "Phone", "Email"].map(field),
            ["Address", "City", "State", "PostalCode", "Country"].map(field),
        )
    };
    let nowhere = ["Not given", "Not given", "Not given", "Not given", "US"].map(str::to_owned);
    let rows = [
        (
            json!({ "phone": "3055550182" }),
            ["Caller", "Not given", "3055550182", ""],
        ),
        (
            json!({ "phone": "3055550182", "first_name": "Ann" }),
            ["Ann", "Not given", "3055550182", ""],
        ),
        (
            json!({ "email": "ann@example.com", "last_name": "Lee" }),
            ["Not given", "Lee", "", "ann@example.com"],
        ),
        (
            json!({ "phone": "+442079460958", "first_name": "Ann", "last_name": "Lee" }),
            ["Ann", "Lee", "", ""],
        ),
    ];
    for (contact, expected) in rows {
        let (caller, place) = of(contact);
        assert_eq!(caller, expected);
        assert_eq!(place, nowhere);
    }
    let (_, place) = of(json!({
        "phone": "+442079460958",
        "address": { "street": "10 Downing St", "city": "London", "zip": "SW1A 2AA", "country": "GB" },
    }));
    assert_eq!(
        place,
        ["10 Downing St", "London", "Not given", "SW1A 2AA", "GB"]
    );
}

#[test]
fn a_number_from_abroad_stands_in_the_notes_and_in_no_field() {
    let body = filed(just_called(|payload| {
        payload["contact"]["phone"] = json!("+442079460958");
    }));
    assert_eq!(body["Phone"], "");
    let notes = body["LeadNotes"].as_str().unwrap();
    assert!(notes.contains("\nPhone: +442079460958\n"), "{notes}");
}

#[test]
fn no_text_of_a_caller_can_be_taken_for_html() {
    let body = filed(just_called(|payload| {
        payload["contact"]["first_name"] = json!("<b>Ann");
        payload["contact"]["email"] = json!("<ann@example.com");
        payload["contact"]["address"]["street"] = json!("1 Main <!-- St");
        payload["service_request"]["issue_description"] = json!("leaks <script>");
    }));
    assert!(!body.to_string().contains(['<', '>']), "{body}");
    assert_eq!(body["FirstName"], "‹b›Ann");
    assert_eq!(body["Email"], "");
    assert!(
        body["LeadNotes"]
            .as_str()
            .unwrap()
            .ends_with("\nRef: lr-7f3k2m9q")
    );
}

#[test]
fn a_lead_stands_at_the_time_of_its_call_by_the_accounts_clock() {
    let rows = [
        (
            "America/New_York",
            "2026-06-10T08:00:00Z",
            "2026-06-10 04:00:00",
        ),
        (
            "America/Phoenix",
            "2026-06-10T03:59:59Z",
            "2026-06-09 20:59:59",
        ),
        (
            "Pacific/Auckland",
            "2026-06-10T08:00:00Z",
            "2026-06-10 20:00:00",
        ),
        ("UTC", "2026-06-07T09:00:00Z", "2026-06-07 09:00:00"),
    ];
    for (zone, called, expected) in rows {
        let lead = lead_with(|payload| payload["timestamp_utc"] = json!(called));
        let settings = Settings::default().with("time_zone", zone);
        assert_eq!(
            body(&scene(lead, settings))["LeadDateTime"],
            expected,
            "{zone}"
        );
    }
}

#[test]
fn a_call_long_past_or_still_to_come_stands_at_the_time_of_its_filing() {
    for called in [
        "1999-12-31T23:59:59Z",
        "2026-06-07T08:59:59Z",
        "2026-06-10T09:00:01Z",
    ] {
        let lead = lead_with(|payload| payload["timestamp_utc"] = json!(called));
        assert_eq!(
            filed(lead)["LeadDateTime"],
            "2026-06-10 05:00:00",
            "{called}"
        );
    }
}

#[test]
fn a_wanted_time_stays_words() {
    let body = filed(just_called(|payload| {
        payload["service_request"]["preferred_schedule"] = json!("2026-06-12T08:00:00-04:00");
    }));
    assert_eq!(body["LeadDateTime"], "2026-06-10 04:00:00");
    let notes = body["LeadNotes"].as_str().unwrap();
    assert!(notes.contains("Preferred time: 2026-06-12T08:00:00-04:00"));
}

#[test]
fn every_time_zone_that_can_be_chosen_is_one() {
    for zone in ZONES {
        assert!(zone.parse::<chrono_tz::Tz>().is_ok(), "{zone}");
    }
}

#[test]
fn settings_name_what_the_account_has() {
    let settings = new_york()
        .with("job_type", "AC Repair")
        .with("job_source", "Acme Calls")
        .with("service_area", "metro1");
    let body = body(&scene(just_called(|_| {}), settings));
    assert_eq!(
        (&body["JobType"], &body["JobSource"], &body["ServiceArea"]),
        (&json!("AC Repair"), &json!("Acme Calls"), &json!("metro1"))
    );
}

#[test]
fn whoever_names_no_country_is_in_the_accounts() {
    for (zone, expected) in [
        ("America/Denver", "US"),
        ("America/Toronto", "CA"),
        ("Europe/London", "GB"),
        ("Australia/Perth", "AU"),
    ] {
        let settings = Settings::default().with("time_zone", zone);
        let unsaid = just_called(|payload| payload["contact"]["address"]["country"] = Value::Null);
        assert_eq!(
            body(&scene(unsaid, settings))["Country"],
            expected,
            "{zone}"
        );
    }
}

fn previewed(lead: &Lead, settings: Settings, known: Option<&str>) -> Vec<PlannedRequest> {
    let target = target(&Workiz, "https://crm.example/").with_settings(settings);
    preview(&Workiz, &target, lead, Links::WORDS, known)
}

#[test]
fn a_preview_shows_what_is_looked_for_and_made_and_no_secret() {
    let lead = just_called(|_| {});
    let planned = previewed(&lead, new_york(), None);
    let urls: Vec<&str> = planned.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(
        urls,
        [
            "https://crm.example/********/lead/all/?start_date=2026-05-11&only_open=false\
             &offset=0&records=100",
            "https://crm.example/********/lead/create/",
        ]
    );
    assert_eq!(planned[1].body.as_ref().unwrap()["auth_secret"], "********");
    let known = previewed(&lead, new_york(), Some("1002"));
    assert_eq!(known[1].body.as_ref().unwrap()["ClientId"], 1002);
}

#[test]
fn a_preview_names_a_missing_time_zone_in_words_and_looks_for_nobody_without_a_trace() {
    let lead = just_called(|payload| payload["contact"] = json!({ "phone": "+442079460958" }));
    let planned = previewed(&lead, Settings::default(), None);
    assert_eq!(planned.len(), 1, "there is nothing to look by");
    let time = &planned[0].body.as_ref().unwrap()["LeadDateTime"];
    assert_eq!(time, "(the call's time in the account's time zone)");
}

#[test]
fn a_long_story_is_cut_where_it_says_so_and_the_marker_stays() {
    let body = filed(just_called(|payload| {
        payload["service_request"]["issue_description"] = json!("👩‍🔧 leaks ".repeat(2_000));
    }));
    let notes = body["LeadNotes"].as_str().unwrap();
    assert!(notes.chars().count() <= WORKIZ.limit("lead.notes"));
    assert!(notes.contains("... (shortened)\n"), "{notes}");
    assert!(notes.ends_with("\nRef: lr-7f3k2m9q"), "{notes}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(
        mut lead in hostile_lead(),
        job_type in hostile(),
        service_area in hostile(),
    ) {
        lead.timestamp_utc = just_called(|_| {}).timestamp_utc;
        let settings = new_york()
            .with("job_type", job_type)
            .with("service_area", service_area);
        let body = body(&scene(lead, settings));
        for (field, limit) in LIMITED {
            let text = body[field].as_str().unwrap_or_default();
            prop_assert!(text.chars().count() <= WORKIZ.limit(limit), "{}", field);
            prop_assert!(!text.contains(['<', '>', '\u{0}', '\u{202e}']), "{}", field);
        }
        for required in ["FirstName", "LastName", "Address", "City", "State", "PostalCode"] {
            prop_assert!(!body[required].as_str().unwrap().trim().is_empty(), "{}", required);
        }
        let notes = body["LeadNotes"].as_str().unwrap();
        prop_assert!(notes.ends_with("\nRef: lr-7f3k2m9q"));
    }
}
