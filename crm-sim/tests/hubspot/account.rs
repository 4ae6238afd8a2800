//! Pipelines, owners and properties.

use crate::api::Api;
use serde_json::{Value, json};

fn names(list: &Value, field: &str) -> Vec<String> {
    let all = list["results"].as_array().expect("a list").iter();
    all.map(|one| one[field].as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn pipelines_come_with_their_stages() {
    let api = Api::start().await;
    let (status, deals) = api.get("/crm/pipelines/2026-03/deals").await;
    assert_eq!(
        (status, names(&deals, "id")),
        (200, vec!["default".into(), "771".into(), "772".into()])
    );
    assert_eq!(deals["results"][1]["stages"][0]["id"], "7711");
    assert_eq!(deals["results"][2]["archived"], true);
    let (_, leads) = api.get("/crm/pipelines/2026-03/leads").await;
    assert_eq!(names(&leads, "id"), ["lead-pipeline-id", "882"]);
}

#[tokio::test]
async fn owners_are_listed_in_pages_and_those_who_left_apart() {
    let api = Api::start().await;
    let (_, first) = api.get("/crm/owners/2026-03?limit=1").await;
    assert_eq!(names(&first, "id"), ["501"]);
    let after = first["paging"]["next"]["after"].as_str().expect("a cursor");
    let (_, second) = api
        .get(&format!("/crm/owners/2026-03?limit=1&after={after}"))
        .await;
    assert_eq!(names(&second, "id"), ["502"]);
    assert_eq!(second.get("paging"), None);
    let (_, gone) = api.get("/crm/owners/2026-03?archived=true").await;
    assert_eq!(names(&gone, "id"), ["503"]);
    assert_eq!(api.get("/crm/owners/2026-03/501").await.0, 200);
    assert_eq!(api.get("/crm/owners/2026-03/503").await.0, 404);
}

#[tokio::test]
async fn a_property_is_made_once_and_its_values_are_unique_from_then_on() {
    let api = Api::start().await;
    let path = "/crm/properties/2026-03/deals";
    let new = json!({"name": "call_ref", "label": "Call", "type": "string", "fieldType": "text",
                     "groupName": "dealinformation", "hasUniqueValue": true});
    assert_eq!(api.get(&format!("{path}/call_ref")).await.0, 404);
    assert_eq!(api.post(path, &new).await.0, 201);
    assert_eq!(api.post(path, &new).await.0, 409);
    let (status, shown) = api.get(&format!("{path}/call_ref")).await;
    assert_eq!((status, &shown["hasUniqueValue"]), (200, &json!(true)));
    let (_, all) = api.get(path).await;
    assert!(names(&all, "name").contains(&"call_ref".to_owned()));
}

#[tokio::test]
async fn no_kind_has_more_than_ten_unique_properties() {
    let api = Api::start().await;
    let path = "/crm/properties/2026-03/deals";
    let mut made = 0;
    for n in 0..12 {
        let new = json!({"name": format!("ref_{n}"), "label": "Ref", "type": "string",
                         "fieldType": "text", "groupName": "g", "hasUniqueValue": true});
        made += usize::from(api.post(path, &new).await.0 == 201);
    }
    assert_eq!(made, 9, "leadrail_ref is the tenth");
}

#[tokio::test]
async fn a_property_that_was_removed_is_unknown() {
    let api = Api::start().await;
    let removed = json!({"remove_property": {"object": "deals", "name": "leadrail_ref"}});
    let event = json!({"company": "acme", "event": removed});
    assert_eq!(api.control("/office", event).await, 204);
    assert_eq!(
        api.get("/crm/properties/2026-03/deals/leadrail_ref")
            .await
            .0,
        404
    );
    assert_eq!(
        api.get("/crm/properties/2026-03/contacts/leadrail_ref")
            .await
            .0,
        200
    );
}
