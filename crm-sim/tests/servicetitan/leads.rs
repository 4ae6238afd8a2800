//! Leads: what one needs, and how it is found without an id of ours.

use crate::api::{Api, refused, with};
use crate::support::rows;
use serde_json::{Value, json};

fn lead() -> Value {
    json!({"campaignId": 11, "summary": "Asked for a price [e-1]", "callReasonId": 51})
}

#[tokio::test]
async fn a_lead_needs_a_campaign_a_summary_and_a_reason_or_a_day() {
    let api = Api::start().await;
    let (status, made) = api.post("crm", "/leads", &lead()).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(
        (&made["status"], &made["priority"]),
        (&json!("Open"), &json!("Normal"))
    );
    let by_day = with(lead(), "callReasonId", Value::Null);
    let by_day = with(by_day, "followUpDate", json!("2026-12-01T16:00:00Z"));
    assert_eq!(api.post("crm", "/leads", &by_day).await.0, 200);
    for (field, value, named) in [
        ("campaignId", Value::Null, "CampaignId"),
        ("summary", Value::Null, "Summary"),
        ("callReasonId", Value::Null, "CallReasonId"),
        ("callReasonId", json!(50), "CallReasonId"),
        ("customerId", json!(1), "CustomerId"),
        ("locationId", json!(1), "LocationId"),
        ("externalId", json!("e-1"), "ExternalId"),
        ("priority", json!("Now"), "Priority"),
        ("followUpDate", json!("soon"), "FollowUpDate"),
    ] {
        let (status, problem) = api.post("crm", "/leads", &with(lead(), field, value)).await;
        assert_eq!((status, refused(&problem)), (400, vec![named]), "{field}");
    }
    assert_eq!(api.books("leads").len(), 2);
}

#[tokio::test]
async fn a_lead_is_found_among_its_customers_and_takes_notes() {
    let api = Api::start().await;
    let customer = api.customer("6025551234").await;
    let other = api.customer("6025550000").await;
    let body = with(lead(), "customerId", customer["id"].clone());
    let foreign = with(
        body.clone(),
        "locationId",
        other["locations"][0]["id"].clone(),
    );
    let (status, problem) = api.post("crm", "/leads", &foreign).await;
    assert_eq!((status, refused(&problem)), (400, vec!["LocationId"]));
    let body = with(body, "locationId", customer["locations"][0]["id"].clone());
    let (_, made) = api.post("crm", "/leads", &body).await;
    let (_, list) = api
        .get("crm", &format!("/leads?customerId={}", customer["id"]))
        .await;
    assert_eq!(list["data"][0]["summary"], body["summary"]);
    for (query, count) in [
        ("status=Open", 1),
        ("status=Converted", 0),
        ("customerId=1", 0),
    ] {
        let (_, list) = api.get("crm", &format!("/leads?{query}")).await;
        assert_eq!(rows(&list, "data").len(), count, "{query}");
    }
    assert_eq!(api.get("crm", "/leads?status=New").await.0, 400);
    assert_eq!(api.get("crm", "/leads?customerId=x").await.0, 400);
    let path = format!("/leads/{}/notes", made["id"]);
    assert_eq!(
        api.post("crm", &path, &json!({"text": "Call back"}))
            .await
            .0,
        200
    );
    assert_eq!(
        api.get("crm", &path).await.1["data"][0]["text"],
        "Call back"
    );
    assert_eq!(api.books("notes")[0]["leadId"], made["id"]);
    assert_eq!(
        api.get("crm", &format!("/leads/{}", made["id"])).await.1["id"],
        made["id"]
    );
}
