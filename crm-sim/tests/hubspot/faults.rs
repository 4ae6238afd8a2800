//! Shared faults in HubSpot's own words.

use crate::api::{Api, deal, faults};
use serde_json::{Value, json};

async fn arm(api: &Api, path: &str, fault: Value) {
    let matching = json!({"method": "POST", "path_prefix": path, "times": 1});
    let rule = json!({"match": matching, "fault": fault});
    assert_eq!(api.control("/faults", rule).await, 201);
}

#[tokio::test]
async fn a_rule_meets_a_creation_and_no_search() {
    let api = Api::start().await;
    let path = "/crm/objects/2026-03/contacts#create";
    arm(&api, path, json!({"kind": "status_before", "status": 503})).await;
    assert_eq!(
        api.post("/crm/objects/2026-03/contacts/search", &json!({}))
            .await
            .0,
        200
    );
    let batch = json!({"inputs": [{"id": "1"}]});
    assert_eq!(
        api.post("/crm/objects/2026-03/contacts/batch/read", &batch)
            .await
            .0,
        207
    );
    let contact = json!({"properties": {}});
    assert_eq!(api.create("contacts", &contact).await.0, 503);
    assert_eq!(api.create("contacts", &contact).await.0, 201);
}

#[tokio::test]
async fn refusals_by_a_rule_look_like_the_vendors() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let path = "/crm/objects/2026-03/deals#create";
    arm(&api, path, json!({"kind": "reject"})).await;
    let (status, refusal) = api.create("deals", &deal(&contact)).await;
    assert_eq!(
        (status, faults(&refusal)),
        (400, vec!["dealname INVALID_STRING_LENGTH".to_owned()])
    );
    arm(&api, path, json!({"kind": "unauthorized"})).await;
    let (status, refusal) = api.create("deals", &deal(&contact)).await;
    assert_eq!(
        (status, &refusal["category"]),
        (401, &json!("EXPIRED_AUTHENTICATION"))
    );
    arm(&api, path, json!({"kind": "throttle"})).await;
    let (status, refusal) = api.create("deals", &deal(&contact)).await;
    assert_eq!(
        (status, &refusal["policyName"]),
        (429, &json!("TEN_SECONDLY_ROLLING"))
    );
    assert!(api.books("deals").is_empty());
}

#[tokio::test]
async fn a_deal_whose_answer_was_lost_is_there() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let path = "/crm/objects/2026-03/deals#create";
    arm(&api, path, json!({"kind": "status_after", "status": 502})).await;
    assert_eq!(api.create("deals", &deal(&contact)).await.0, 502);
    assert_eq!(api.books("deals").len(), 1);
}
