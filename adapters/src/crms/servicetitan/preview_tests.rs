//! What a preview shows of a connection's settings and of each mode, and that it is what is sent.

use leadrail_lead::Marker;
use serde_json::{Value, json};

use super::mapping_tests::{GUID, booking_mode, job_mode, lead_mode};
use super::{SERVICETITAN, ServiceTitan};
use crate::scripted_crm::{KEY, Scene, Script, ScriptedCrm, lead_with, say, session_with, target};
use crate::{CrmAdapter, Links, PlannedRequest, Settings, preview};

/// Everything that a connection with these settings would send, as text.
fn everything(settings: &Settings) -> String {
    let target = target(&ServiceTitan, "https://crm.example/").with_settings(settings.clone());
    let lead = lead_with(|_| {});
    let planned = [None, Some("700")].into_iter().flat_map(|known| {
        let shown = preview(&ServiceTitan, &target, &lead, Links::WORDS, known);
        shown.into_iter()
    });
    serde_json::to_string(&planned.collect::<Vec<_>>()).unwrap()
}

#[test]
fn every_setting_that_is_advertised_changes_a_request() {
    for setting in SERVICETITAN.settings {
        let value: Value = match setting.name {
            "environment" => json!("integration"),
            "mode" => json!("job"),
            "source" => json!("Radio"),
            "note_on" => json!("customer"),
            "send_confirmation_email" => json!(true),
            "application_guid" => json!(GUID),
            _ => json!("424242"),
        };
        let changes = |base: Settings| {
            everything(&base) != everything(&base.clone().with(setting.name, value.clone()))
        };
        assert!(
            changes(booking_mode()) || changes(job_mode()) || changes(lead_mode()),
            "{}",
            setting.name
        );
    }
}

fn previewed(settings: Settings, known: Option<&str>) -> Vec<PlannedRequest> {
    let target = target(&ServiceTitan, "https://crm.example/").with_settings(settings);
    preview(
        &ServiceTitan,
        &target,
        &lead_with(|_| {}),
        Links::WORDS,
        known,
    )
}

fn steps(preview: &[PlannedRequest]) -> Vec<String> {
    let path = |url: &str| {
        let path = url.split('?').next().unwrap().to_owned();
        path.replace("https://crm.example", "")
    };
    preview
        .iter()
        .map(|step| format!("{} {} {}", step.activity, step.method, path(&step.url)))
        .collect()
}

#[test]
fn a_preview_of_a_booking_is_two_requests_with_secrets_masked() {
    for known in [None, Some("700")] {
        let preview = previewed(booking_mode(), known);
        assert_eq!(
            steps(&preview),
            [
                "dedup_lookup GET /crm/v2/tenant/4829/customers",
                "lead_create POST /crm/v2/tenant/4829/booking-provider/99/bookings",
            ]
        );
        assert_eq!(preview[0].headers["authorization"], "Bearer ********");
        assert_eq!(preview[0].headers["st-app-key"], "********");
        let booking = preview[1].body.as_ref().unwrap();
        assert_eq!(booking["isFirstTimeClient"], known.is_none());
        assert!(
            booking["summary"]
                .as_str()
                .unwrap()
                .ends_with(Marker::new(lead_with(|_| {}).event_id, "lead_create").as_str())
        );
    }
}

#[test]
fn a_preview_of_a_job_makes_a_location_only_for_a_known_customer() {
    let new = previewed(job_mode(), None);
    assert_eq!(
        steps(&new),
        [
            "dedup_lookup GET /crm/v2/tenant/4829/customers",
            "customer_create POST /crm/v2/tenant/4829/customers",
            "lead_create POST /jpm/v2/tenant/4829/jobs",
            "note_attach POST /jpm/v2/tenant/4829/jobs/(id%20of%20the%20lead%20created%20before)/notes",
        ]
    );
    let job = new[2].body.as_ref().unwrap();
    assert_eq!(job["customerId"], "(id of the customer created before)");
    assert_eq!(job["locationId"], "(id of the site created before)");

    let known = previewed(job_mode(), Some("700"));
    assert_eq!(
        steps(&known)[1..3],
        [
            "site_lookup GET /crm/v2/tenant/4829/locations",
            "site_create POST /crm/v2/tenant/4829/locations",
        ]
    );
    assert_eq!(known[2].body.as_ref().unwrap()["customerId"], 700);
    assert_eq!(known.len(), 5);
}

#[test]
fn a_preview_of_a_lead_makes_a_location_only_for_a_known_customer_who_gave_a_street() {
    let note = "note_attach POST /crm/v2/tenant/4829/leads/\
                (id%20of%20the%20lead%20created%20before)/notes";
    assert_eq!(
        steps(&previewed(lead_mode(), None)),
        [
            "dedup_lookup GET /crm/v2/tenant/4829/customers",
            "customer_create POST /crm/v2/tenant/4829/customers",
            "lead_create POST /crm/v2/tenant/4829/leads",
            note,
        ]
    );
    let known = [
        "dedup_lookup GET /crm/v2/tenant/4829/customers",
        "site_lookup GET /crm/v2/tenant/4829/locations",
        "site_create POST /crm/v2/tenant/4829/locations",
        "lead_create POST /crm/v2/tenant/4829/leads",
        note,
    ];
    assert_eq!(steps(&previewed(lead_mode(), Some("700"))), known);

    let target = target(&ServiceTitan, "https://crm.example/").with_settings(lead_mode());
    let lead = lead_with(|payload| payload["contact"]["address"] = json!({ "city": "Miami" }));
    let nowhere = preview(&ServiceTitan, &target, &lead, Links::WORDS, Some("700"));
    assert_eq!(steps(&nowhere), [known[0], known[1], known[3], known[4]]);
    let filed = nowhere[2].body.as_ref().unwrap();
    assert_eq!(filed.get("locationId"), None);
}

#[test]
fn a_preview_without_settings_names_what_is_missing() {
    let preview = previewed(Settings::default(), None);
    let url = &preview[1].url;
    assert!(url.contains("(tenant_id%20is%20not%20set)"), "{url}");
    assert!(url.contains("(booking_provider%20is%20not%20set)"), "{url}");
}

/// Takes all steps of a plan, as a workflow does, and shows that the preview said the same.
async fn a_preview_is_what_is_sent(settings: Settings, script: Vec<Script>, words: &[(&str, u64)]) {
    let crm = ScriptedCrm::start(script).await;
    let url = format!("{}/st/", crm.url);
    let session = session_with(&ServiceTitan, &url, settings.clone());
    let mut scene = Scene::new();
    scene.settings = settings.clone();
    for key in ServiceTitan.plan(&settings).keys() {
        if scene.made.get(key.slot).is_none() {
            scene.marker = Marker::new(scene.lead.event_id, key.label());
            let record = scene.take(&ServiceTitan, key, &session).await.unwrap();
            scene.made.set(key.slot, record);
        }
    }
    assert!(crm.is_over());

    let target = target(&ServiceTitan, &url).with_settings(settings);
    let preview = preview(&ServiceTitan, &target, &scene.lead, Links::WORDS, None);
    let seen = crm.seen();
    assert_eq!(preview.len(), seen.len());
    for (planned, seen) in preview.into_iter().zip(seen) {
        let mut planned = serde_json::to_string(&planned).unwrap();
        for (slot, id) in words {
            let words = format!("(id of the {slot} created before)");
            planned = planned.replace(&format!("\"{words}\""), &id.to_string());
            planned = planned.replace(&words.replace(' ', "%20"), &id.to_string());
        }
        let planned: Value = serde_json::from_str(&planned).unwrap();
        assert_eq!(planned["method"], seen.method.as_str());
        assert_eq!(planned["url"], format!("{}{}", crm.url, seen.target));
        assert_eq!(planned["body"], seen.body.unwrap_or_default());
        let mut headers = seen.headers;
        headers.remove("host");
        headers.remove("content-length");
        headers.insert("authorization".into(), "Bearer ********".into());
        assert_eq!(
            headers
                .insert("st-app-key".into(), "********".into())
                .unwrap(),
            KEY
        );
        assert_eq!(planned["headers"], json!(headers));
    }
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent_in_every_mode() {
    let nobody = || say(200, &json!({ "hasMore": false, "data": [] }));
    let booked = vec![nobody(), say(200, &json!({ "id": 900 }))];
    a_preview_is_what_is_sent(booking_mode(), booked, &[]).await;
    let words = [("customer", 700), ("site", 800), ("lead", 900)];
    for settings in [job_mode(), lead_mode()] {
        for note_on in ["lead", "customer"] {
            let made = vec![
                nobody(),
                say(200, &json!({ "id": 700, "locations": [{ "id": 800 }] })),
                say(200, &json!({ "id": 900 })),
                say(200, &json!({ "id": 950, "text": "x" })),
            ];
            let settings = settings.clone().with("note_on", note_on);
            a_preview_is_what_is_sent(settings, made, &words).await;
        }
    }
}
