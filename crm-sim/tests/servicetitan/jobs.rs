//! Jobs: everything that one must name, and that it fits together.

use crate::api::{Api, refused, with};
use crate::support::rows;
use serde_json::{Value, json};

fn job(customer: &Value) -> Value {
    json!({"customerId": customer["id"], "locationId": customer["locations"][0]["id"],
           "businessUnitId": 22, "jobTypeId": 33, "priority": "Normal", "campaignId": 11,
           "summary": "AC not cooling",
           "appointments": [{"start": "2026-12-01T16:00:00Z", "end": "2026-12-01T18:00:00Z"}]})
}

#[tokio::test]
async fn a_job_is_scheduled_found_again_and_takes_notes() {
    let api = Api::start().await;
    let customer = api.customer("6025551234").await;
    let guid = "0b6f1c52-5a0e-4c8f-9f5e-3c2f6f0a7d11";
    let data = json!({"applicationGuid": guid, "externalData": [{"key": "event", "value": "e-1"}]});
    let (status, made) = api
        .post("jpm", "/jobs", &with(job(&customer), "externalData", data))
        .await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(
        (&made["jobStatus"], &made["appointmentCount"]),
        (&json!("Scheduled"), &json!(1))
    );
    assert_eq!(made["externalData"][0]["value"], "e-1");
    let external =
        format!("externalDataApplicationGuid={guid}&externalDataKey=event&externalDataValues=e-1");
    for (query, count) in [
        (external, 1),
        (format!("customerId={}", customer["id"]), 1),
        ("customerId=1".to_owned(), 0),
        ("jobStatus=Scheduled".to_owned(), 1),
        ("jobStatus=Completed".to_owned(), 0),
        ("jobTypeId=33&campaignId=11".to_owned(), 1),
        ("jobTypeId=34".to_owned(), 0),
        ("bookingId=5".to_owned(), 0),
        (
            format!("number={}", made["jobNumber"].as_str().expect("a number")),
            1,
        ),
    ] {
        let (_, list) = api.get("jpm", &format!("/jobs?{query}")).await;
        assert_eq!(rows(&list, "data").len(), count, "{query}");
    }
    let notes = format!("/jobs/{}/notes", made["id"]);
    let (status, note) = api.post("jpm", &notes, &json!({"text": "Gate 4"})).await;
    assert_eq!((status, &note["text"]), (200, &json!("Gate 4")));
    assert_eq!(note.get("id"), None, "a job's notes have no id");
    assert_eq!(rows(&api.get("jpm", &notes).await.1, "data").len(), 1);
    let row = &api.books("jobs")[0];
    assert_eq!(row["appointments"][0]["start"], "2026-12-01T16:00:00Z");
    assert_eq!(
        (&row["company"], &row["applicationGuid"]),
        (&json!("acme"), &json!(guid))
    );
}

#[tokio::test]
async fn every_documented_field_of_a_job_is_needed() {
    let api = Api::start().await;
    let customer = api.customer("6025551234").await;
    for field in [
        "customerId",
        "locationId",
        "businessUnitId",
        "jobTypeId",
        "priority",
        "campaignId",
        "appointments",
    ] {
        let body = with(job(&customer), field, Value::Null);
        let (status, problem) = api.post("jpm", "/jobs", &body).await;
        assert_eq!((status, refused(&problem).len()), (400, 1), "{field}");
        assert!(refused(&problem)[0].eq_ignore_ascii_case(field));
    }
    assert_eq!(api.books("jobs").len(), 0);
}

#[tokio::test]
async fn what_a_job_names_must_fit_together() {
    let api = Api::start().await;
    let customer = api.customer("6025551234").await;
    let other = api.customer("6025550000").await;
    let at = |start: &str, end: &str| json!([{"start": start, "end": end}]);
    for (field, value, named) in [
        ("customerId", json!(1), "CustomerId"),
        (
            "locationId",
            other["locations"][0]["id"].clone(),
            "LocationId",
        ),
        ("locationId", json!(1), "LocationId"),
        ("jobTypeId", json!(34), "JobTypeId"),
        ("jobTypeId", json!(35), "JobTypeId"),
        ("campaignId", json!(13), "CampaignId"),
        ("priority", json!("Soon"), "Priority"),
        ("appointments", json!([]), "Appointments"),
        (
            "appointments",
            json!([{"start": "2026-12-01T16:00:00Z"}]),
            "Appointments[0].End",
        ),
        (
            "appointments",
            at("2026-12-01T16:00:00Z", "2026-12-01T16:00:00Z"),
            "Appointments[0].End",
        ),
        (
            "appointments",
            at("noon", "2026-12-01T16:00:00Z"),
            "Appointments[0].Start",
        ),
        ("bookingId", json!(5), "BookingId"),
    ] {
        let body = with(job(&customer), field, value);
        let (status, problem) = api.post("jpm", "/jobs", &body).await;
        assert_eq!((status, refused(&problem)), (400, vec![named]), "{body}");
    }
    let sent = json!([{"start": "2026-12-01T16:00:00Z", "end": "2026-12-01T18:00:00Z",
                       "technicianIds": [1]}]);
    let body = with(job(&customer), "appointments", sent);
    assert_eq!(api.post("jpm", "/jobs", &body).await.0, 400);
    assert_eq!(api.books("jobs").len(), 0);
}
