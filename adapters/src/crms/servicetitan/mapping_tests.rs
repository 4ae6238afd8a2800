//! What a lead becomes in ServiceTitan.

use leadrail_lead::Lead;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::caller::Caller;
use super::requests::{
    Subject, booking_create, customer_create, job_create, lead_create, location_create, note_create,
};
use super::{SERVICETITAN, ServiceTitan};
use crate::hostile::{hostile_lead, limit_of, texts_in};
use crate::scripted_crm::{Scene, lead_with};
use crate::{CrmAdapter, CrmRequest, Links, Record, Settings, StepKey};

pub(super) const GUID: &str = "8f0c2a1e-5b7d-4c3f-9a2b-1d4e6f708192";

/// All that booking mode requires.
pub(super) fn booking_mode() -> Settings {
    Settings::default()
        .with("tenant_id", "4829")
        .with("booking_provider", "99")
}

/// All that job mode requires.
pub(super) fn job_mode() -> Settings {
    Settings::default()
        .with("tenant_id", "4829")
        .with("mode", "job")
        .with("business_unit", "22")
        .with("job_type", "33")
        .with("campaign", "11")
}

/// All that lead mode requires.
pub(super) fn lead_mode() -> Settings {
    Settings::default()
        .with("tenant_id", "4829")
        .with("mode", "lead")
        .with("campaign", "11")
        .with("call_reason", "51")
}

/// A lead at a step of job mode whose customer, location and job are there.
pub(super) fn scene(lead: Lead, settings: Settings) -> Scene {
    let mut scene = Scene::of(lead);
    scene.settings = settings;
    scene.made.customer = Some(Record::new("700"));
    scene.made.site = Some(Record::new("800"));
    scene.made.lead = Some(Record::new("900"));
    scene
}

fn body(request: &CrmRequest) -> Value {
    request.json_body().unwrap().clone()
}

fn booking_of(lead: &Lead) -> Value {
    let mut scene = scene(lead.clone(), booking_mode());
    scene.made.customer = None;
    body(&booking_create(&scene.filing()))
}

fn customer_of(lead: &Lead) -> Value {
    body(&customer_create(&scene(lead.clone(), job_mode()).filing()))
}

fn job_of(lead: &Lead) -> Value {
    body(&job_create(&scene(lead.clone(), job_mode()).filing()).unwrap())
}

fn filed_lead_of(lead: &Lead) -> Value {
    body(&lead_create(&scene(lead.clone(), lead_mode()).filing()).unwrap())
}

fn note_of(lead: &Lead) -> String {
    let request = note_create(&scene(lead.clone(), job_mode()).filing(), Subject::Job).unwrap();
    body(&request)["text"].as_str().unwrap().to_owned()
}

fn foreign() -> Lead {
    lead_with(|payload| payload["contact"] = json!({ "phone": "+442079460958" }))
}

#[test]
fn a_call_becomes_a_booking_whose_summary_says_it_all() {
    let mut booking = booking_of(&lead_with(|_| {}));
    let summary = booking["summary"].take();
    assert_eq!(
        booking,
        json!({
            "source": "Phone call",
            "name": "Maria Gonzalez",
            "summary": null,
            "isFirstTimeClient": true,
            "externalId": "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
            "address": {
                "street": "1420 NW 7th Ave", "city": "Miami", "state": "FL", "zip": "33136",
                "country": "US",
            },
            "contacts": [
                { "type": "Phone", "value": "3055550182" },
                { "type": "Email", "value": "maria@example.com" },
            ],
            "priority": "High",
            "isSendConfirmationEmail": false,
        })
    );
    let summary = summary.as_str().unwrap();
    assert!(
        summary.contains("Issue: No heat. Furnace not turning on.\n"),
        "{summary}"
    );
    assert!(
        summary.contains("Preferred time: 2026-05-27T08:00:00\n"),
        "{summary}"
    );
    assert!(summary.contains("(our link to the recording)"), "{summary}");
    assert!(summary.ends_with("Ref: lr-7f3k2m9q"), "{summary}");
}

#[test]
fn a_caller_is_new_only_if_neither_the_number_nor_the_caller_says_otherwise() {
    for (known, says_so, first) in [
        (false, json!(null), true),
        (false, json!(false), true),
        (false, json!(true), false),
        (true, json!(false), false),
    ] {
        let lead = lead_with(|payload| {
            payload["service_request"]["is_existing_customer"] = says_so.clone();
        });
        let mut scene = scene(lead, booking_mode());
        scene.made.customer = known.then(|| Record::new("700"));
        let booking = body(&booking_create(&scene.filing()));
        assert_eq!(booking["isFirstTimeClient"], first, "{known} {says_so}");
    }
}

#[test]
fn a_caller_becomes_a_customer_with_a_location_and_marks_in_memos() {
    let address = json!({
        "street": "1420 NW 7th Ave", "city": "Miami", "state": "FL", "zip": "33136",
        "country": "US",
    });
    let contacts = json!([
        { "type": "Phone", "value": "3055550182", "memo": "Ref: lr-7f3k2m9q" },
        { "type": "Email", "value": "maria@example.com", "memo": "Ref: lr-7f3k2m9q" },
    ]);
    let lead = lead_with(|_| {});
    let location = json!({ "name": "Maria Gonzalez", "address": address, "contacts": contacts });
    assert_eq!(
        customer_of(&lead),
        json!({
            "name": "Maria Gonzalez", "address": address, "contacts": contacts,
            "locations": [location],
        })
    );
    let mut of_known = location;
    of_known["customerId"] = json!(700);
    let request = location_create(&scene(lead, job_mode()).filing()).unwrap();
    assert_eq!(body(&request), of_known);
}

#[test]
fn a_call_becomes_a_job_with_a_note() {
    let lead = lead_with(|_| {});
    assert_eq!(
        job_of(&lead),
        json!({
            "customerId": 700, "locationId": 800, "businessUnitId": 22, "jobTypeId": 33,
            "priority": "High", "campaignId": 11,
            "appointments": [{ "start": "2026-05-26T14:32:00Z", "end": "2026-05-26T15:32:00Z" }],
            "summary": "No heat. Furnace not turning on. The time of the appointment is to be \
                        agreed with the caller. Ref: lr-7f3k2m9q",
        })
    );
    let request = note_create(&scene(lead, job_mode()).filing(), Subject::Job).unwrap();
    let mut note = body(&request);
    let text = note["text"].take();
    assert_eq!(note, json!({ "text": null, "pinToTop": false }));
    let text = text.as_str().unwrap();
    assert!(text.contains("Issue: No heat."), "{text}");
    assert!(
        text.ends_with("Call: call_abc123\nRef: lr-7f3k2m9q"),
        "{text}"
    );
}

#[test]
fn a_call_becomes_a_lead_of_its_customer_with_the_reason_for_the_follow_up() {
    let lead = lead_with(|_| {});
    let expected = json!({
        "customerId": 700, "locationId": 800, "campaignId": 11, "callReasonId": 51,
        "priority": "High", "summary": "No heat. Furnace not turning on. Ref: lr-7f3k2m9q",
    });
    assert_eq!(filed_lead_of(&lead), expected);
    for (name, field) in [
        ("business_unit", "businessUnitId"),
        ("job_type", "jobTypeId"),
    ] {
        assert!(expected.get(field).is_none());
        let scene = scene(lead_with(|_| {}), lead_mode().with(name, "22"));
        let set = body(&lead_create(&scene.filing()).unwrap());
        assert_eq!(set[field], 22);
    }
}

#[test]
fn a_lead_of_which_little_is_known_has_its_mark_and_no_location() {
    let mut lead = lead_with(|payload| {
        payload["service_request"]["urgency"] = Value::Null;
        payload["service_request"]["issue_description"] = Value::Null;
    });
    lead.call.transcript_summary = None;
    let mut scene = scene(lead, lead_mode());
    scene.made.site = None;
    assert_eq!(
        body(&lead_create(&scene.filing()).unwrap()),
        json!({ "customerId": 700, "campaignId": 11, "callReasonId": 51,
                "summary": "Ref: lr-7f3k2m9q" })
    );
}

#[test]
fn a_note_stands_on_what_was_filed_or_on_the_customer() {
    let to_customer = |settings: Settings| settings.with("note_on", "customer");
    for (settings, path) in [
        (job_mode(), "/jpm/v2/tenant/4829/jobs/900/notes"),
        (lead_mode(), "/crm/v2/tenant/4829/leads/900/notes"),
        (
            to_customer(job_mode()),
            "/crm/v2/tenant/4829/customers/700/notes",
        ),
        (
            to_customer(lead_mode()),
            "/crm/v2/tenant/4829/customers/700/notes",
        ),
    ] {
        let scene = scene(lead_with(|_| {}), settings);
        let plan = ServiceTitan.plan(&scene.settings);
        let step = plan.step(StepKey::NOTE_ATTACH).unwrap();
        let request = (step.request)(&scene.filing()).unwrap();
        assert_eq!(format!("/{}", request.segments().join("/")), path);
        assert_eq!(body(&request)["text"], note_of(&scene.lead));
    }
}

#[test]
fn only_a_time_with_an_offset_becomes_an_appointment() {
    let lead = lead_with(|payload| {
        payload["service_request"]["preferred_schedule"] = json!("2026-05-27T08:00:00-04:00");
    });
    let job = job_of(&lead);
    assert_eq!(
        job["appointments"],
        json!([{ "start": "2026-05-27T12:00:00Z", "end": "2026-05-27T13:00:00Z" }])
    );
    let summary = job["summary"].as_str().unwrap();
    assert!(!summary.contains("to be agreed"), "{summary}");
    assert_eq!(booking_of(&lead)["start"], "2026-05-27T12:00:00Z");
    for vague in ["2026-05-27T08:00:00", "tomorrow morning", "0000", ""] {
        let mut lead = lead_with(|_| {});
        lead.service_request.preferred_schedule = Some(vague.to_owned());
        assert!(booking_of(&lead).get("start").is_none(), "{vague}");
        assert_eq!(
            job_of(&lead)["appointments"][0]["start"],
            "2026-05-26T14:32:00Z"
        );
    }
}

#[test]
fn urgency_becomes_priority() {
    for (urgency, priority) in [
        ("emergency", "Urgent"),
        ("same_day", "High"),
        ("same_week", "Normal"),
        ("flexible", "Normal"),
        ("whenever", "Normal"),
    ] {
        let lead = lead_with(|payload| payload["service_request"]["urgency"] = json!(urgency));
        assert_eq!(job_of(&lead)["priority"], priority);
        assert_eq!(booking_of(&lead)["priority"], priority);
    }
    let lead = lead_with(|payload| payload["service_request"]["urgency"] = Value::Null);
    assert_eq!(job_of(&lead)["priority"], "Normal", "a job must have one");
    assert!(booking_of(&lead).get("priority").is_none());
}

#[test]
fn unknown_parts_of_a_caller_are_left_out_of_a_booking() {
    let lead = lead_with(|payload| {
        payload["contact"] = json!({ "phone": "+13055550182", "first_name": "Ann" });
    });
    let booking = booking_of(&lead);
    assert_eq!(booking["name"], "Ann");
    assert_eq!(
        booking["contacts"],
        json!([{ "type": "Phone", "value": "3055550182" }])
    );
    assert!(booking.get("address").is_none());
}

#[test]
fn a_customer_of_whom_little_is_known_says_so() {
    let lead = lead_with(|payload| payload["contact"] = json!({ "phone": "+13055550182" }));
    let customer = customer_of(&lead);
    let nowhere = json!({
        "street": "Not given", "city": "Not given", "state": "Not given", "zip": "Not given",
        "country": "USA",
    });
    assert_eq!(
        (&customer["name"], &customer["address"]),
        (&json!("Caller"), &nowhere)
    );
    assert_eq!(customer["locations"][0]["address"], nowhere);
}

#[test]
fn less_than_an_address_stands_in_words() {
    let lead = lead_with(|payload| {
        payload["contact"]["address"] = json!({ "city": "Miami", "zip": "33136" });
    });
    let booking = booking_of(&lead);
    assert!(booking.get("address").is_none());
    let summary = booking["summary"].as_str().unwrap();
    assert!(summary.contains("\nAddress: Miami, 33136\n"), "{summary}");
    assert!(note_of(&lead).contains("\nAddress: Miami, 33136\n"));
    let address = &customer_of(&lead)["address"];
    assert_eq!(
        (&address["street"], &address["zip"]),
        (&json!("Not given"), &json!("33136"))
    );
}

#[test]
fn a_foreign_number_is_told_in_words_and_the_location_carries_the_marker() {
    let lead = foreign();
    let booking = booking_of(&lead);
    assert_eq!(booking["contacts"], json!([]));
    let summary = booking["summary"].as_str().unwrap();
    assert!(summary.contains("\nPhone: +442079460958\n"), "{summary}");
    assert!(note_of(&lead).contains("\nPhone: +442079460958\n"));
    let customer = customer_of(&lead);
    assert_eq!(customer["contacts"], json!([]));
    assert_eq!(customer["name"], "Caller");
    assert_eq!(customer["locations"][0]["name"], "Caller (lr-7f3k2m9q)");
    assert!(
        Caller::of(&lead.contact).is_none(),
        "there is nothing to search by"
    );
}

#[test]
fn what_is_no_e_mail_address_is_no_contact_and_stands_in_words() {
    for email in [
        format!("{}@example.com", "m".repeat(250)),
        "maria".into(),
        "a b@c".into(),
    ] {
        let mut lead = lead_with(|_| {});
        lead.contact.email = Some(email);
        let booking = booking_of(&lead);
        assert_eq!(booking["contacts"].as_array().unwrap().len(), 1);
        let summary = booking["summary"].as_str().unwrap();
        assert!(summary.contains("\nE-mail: "), "{summary}");
    }
}

#[test]
fn nobody_writes_tags_into_the_summary_of_a_job_or_a_lead() {
    let lead = lead_with(|payload| {
        payload["service_request"]["issue_description"] =
            json!("No heat <img src=x onerror=alert(1)>\nsince today");
    });
    let job = job_of(&lead);
    for filed in [job, filed_lead_of(&lead)] {
        let summary = filed["summary"].as_str().unwrap();
        assert!(
            summary.starts_with("No heat img src=x onerror=alert(1) since today "),
            "{summary}"
        );
    }
}

#[test]
fn without_links_of_ours_a_booking_and_a_note_carry_none_and_say_so() {
    for (settings, create) in [
        (booking_mode(), StepKey::LEAD_CREATE),
        (job_mode(), StepKey::NOTE_ATTACH),
        (lead_mode(), StepKey::NOTE_ATTACH),
    ] {
        let mut scene = scene(lead_with(|_| {}), settings);
        scene.links = Links::NONE;
        let step = ServiceTitan.plan(&scene.settings).step(create).unwrap();
        let sent = body(&(step.request)(&scene.filing()).unwrap()).to_string();
        assert!(
            sent.contains("on request") && !sent.contains("https://"),
            "{sent}"
        );
    }
}

#[test]
fn a_long_summary_keeps_its_end() {
    let lead = lead_with(|payload| {
        payload["call"]["transcript_summary"] = json!("é".repeat(50_000));
        payload["service_request"]["issue_description"] = json!("é ".repeat(3_000));
    });
    let booking = booking_of(&lead);
    let summary = booking["summary"].as_str().unwrap();
    assert_eq!(summary.chars().count(), 10_000);
    assert!(
        summary.contains("(our link to the recording)") && summary.ends_with("Ref: lr-7f3k2m9q")
    );
    let job = job_of(&lead);
    let summary = job["summary"].as_str().unwrap();
    assert!(summary.chars().count() < 1_200 && summary.ends_with("Ref: lr-7f3k2m9q"));
}

#[test]
fn external_data_marks_what_a_connection_with_an_application_makes() {
    let settings = job_mode().with("application_guid", GUID);
    let mut scene = scene(lead_with(|_| {}), settings);
    let expected = json!({
        "applicationGuid": GUID,
        "externalData": [{ "key": "leadrail_ref", "value": "lr-7f3k2m9q" }],
    });
    assert_eq!(
        body(&customer_create(&scene.filing()))["externalData"],
        expected
    );
    assert_eq!(
        body(&job_create(&scene.filing()).unwrap())["externalData"],
        expected
    );
    scene.settings = job_mode();
    assert!(
        body(&customer_create(&scene.filing()))
            .get("externalData")
            .is_none()
    );
}

#[test]
fn a_booking_names_unit_type_and_campaign_only_if_they_are_set() {
    let mut scene = scene(lead_with(|_| {}), booking_mode());
    let unset = body(&booking_create(&scene.filing()));
    for (name, field) in [
        ("business_unit", "businessUnitId"),
        ("job_type", "jobTypeId"),
        ("campaign", "campaignId"),
    ] {
        assert!(unset.get(field).is_none());
        scene.settings = booking_mode().with(name, "22");
        assert_eq!(body(&booking_create(&scene.filing()))[field], 22);
    }
}

fn most_of(field: &str) -> usize {
    match field {
        // A marker stands behind a location's name, two sentences and one behind a job's summary.
        "name" => 120,
        "summary" => 10_000,
        _ => limit_of(&SERVICETITAN, field, 100),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_breaks_the_mapping_or_a_limit(lead in hostile_lead()) {
        let (booking, customer, job) = (booking_of(&lead), customer_of(&lead), job_of(&lead));
        let filed = filed_lead_of(&lead);
        let site = location_create(&scene(lead.clone(), job_mode()).filing()).unwrap();
        let site = body(&site);
        let note = json!({ "text": note_of(&lead) });
        for marked in [&booking["summary"], &job["summary"], &filed["summary"], &note["text"]] {
            prop_assert!(marked.as_str().unwrap().ends_with("Ref: lr-7f3k2m9q"));
        }
        prop_assert!(customer["locations"].to_string().contains("lr-7f3k2m9q"));
        for (field, text) in texts_in(&[&booking, &customer, &job, &filed, &site, &note]) {
            prop_assert!(text.chars().count() <= most_of(field), "{} is too long", field);
            prop_assert!(!text.is_empty(), "{} is empty", field);
            let broken = |c: char| c.is_control() && c != '\n';
            prop_assert!(!text.contains(broken), "{} has controls", field);
            let lines = field == "text" || field == "summary";
            prop_assert!(lines || !text.contains('\n'), "{} has lines", field);
        }
        for line in [&job["summary"], &filed["summary"]] {
            prop_assert!(!line.as_str().unwrap().contains(['\n', '<', '>']));
            prop_assert!(line.as_str().unwrap().chars().count() < 1_200);
        }
    }
}
