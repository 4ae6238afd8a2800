//! What people at the company do with what was filed.

use crate::api::{Api, BOOKINGS, booking};
use crate::support::rows;
use reqwest::Method;
use serde_json::{Value, json};

async fn happens(api: &Api, event: Value) -> u16 {
    let body = json!({"company": "acme", "event": event});
    api.control(Method::POST, "/office", Some(body)).await.0
}

#[tokio::test]
async fn a_converted_booking_leads_to_its_job() {
    let api = Api::start().await;
    let (_, filed) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    let id = &filed["id"];
    assert_eq!(
        happens(&api, json!({"convert_booking": {"id": id}})).await,
        204
    );
    let (_, converted) = api.get("crm", &format!("/bookings/{id}")).await;
    assert_eq!(converted["status"], "Converted");
    let (_, jobs) = api.get("jpm", &format!("/jobs?bookingId={id}")).await;
    let job = &jobs["data"][0];
    assert_eq!(
        (&job["id"], &job["jobTypeId"]),
        (&converted["jobId"], &json!(33))
    );
    let (_, found) = api.get("crm", "/customers?phone=6025551234").await;
    assert_eq!(found["data"][0]["id"], job["customerId"]);
    assert_eq!(
        happens(&api, json!({"complete_job": {"id": job["id"]}})).await,
        204
    );
    let (_, done) = api.get("jpm", &format!("/jobs/{}", job["id"])).await;
    assert_eq!(done["jobStatus"], "Completed");
    assert!(done["completedOn"].is_string());
}

#[tokio::test]
async fn a_handled_booking_can_be_neither_amended_nor_handled_again() {
    let api = Api::start().await;
    let (_, filed) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    let dismiss = json!({"dismiss_booking": {"id": filed["id"]}});
    assert_eq!(happens(&api, dismiss.clone()).await, 204);
    assert_eq!(happens(&api, dismiss).await, 422);
    let path = format!("{BOOKINGS}/{}", filed["id"]);
    assert_eq!(
        api.patch("crm", &path, &json!({"name": "Ann"})).await.0,
        409
    );
    assert_eq!(api.get("crm", &path).await.1["status"], "Dismissed");
}

#[tokio::test]
async fn a_merged_customer_says_into_which_and_is_hidden() {
    let api = Api::start().await;
    let old = api.customer("6025551234").await;
    let new = api.customer("6025551234").await;
    let merge = json!({"merge_customer": {"id": old["id"], "into": new["id"]}});
    assert_eq!(happens(&api, merge.clone()).await, 204);
    assert_eq!(happens(&api, merge).await, 422);
    let (_, all) = api
        .get("crm", "/customers?phone=6025551234&active=Any")
        .await;
    assert_eq!(all["data"][0]["mergedToId"], new["id"]);
    assert_eq!(all["data"][0]["active"], false);
    let (_, shown) = api.get("crm", "/customers?phone=6025551234").await;
    assert_eq!(rows(&shown, "data").len(), 1);
}

#[tokio::test]
async fn what_cannot_happen_is_said() {
    let api = Api::start().await;
    for nonsense in [
        json!({"convert_booking": {"id": 1}}),
        json!({"merge_customer": {"id": 1, "into": 1}}),
        json!({"rain": {}}),
        json!("convert_booking"),
    ] {
        assert_eq!(happens(&api, nonsense).await, 422);
    }
    let body = json!({"company": "acme", "event": {}});
    let answer = api
        .server
        .control_of("housecall_pro", Method::POST, "/office", Some(body))
        .await;
    assert_eq!(answer.0, 422);
}
