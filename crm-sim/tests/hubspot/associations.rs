//! What is tied to what.

use crate::api::{Api, to};
use serde_json::{Value, json};

async fn linked(api: &Api, path: &str, input: Value) -> (u16, Value) {
    let path = format!("/crm/associations/2026-03/{path}/batch/read");
    api.post(&path, &json!({"inputs": [input]})).await
}

#[tokio::test]
async fn ties_are_seen_from_both_sides() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let deal = api.deal(&contact).await;
    let (status, of_contact) = linked(&api, "contacts/deals", json!({"id": contact})).await;
    assert_eq!(status, 200);
    let target = &of_contact["results"][0]["to"][0]["toObjectId"];
    assert_eq!(target.as_u64().expect("a number").to_string(), deal);
    let (_, of_deal) = linked(&api, "deals/contacts", json!({"id": deal})).await;
    let kind = &of_deal["results"][0]["to"][0]["associationTypes"][0]["typeId"];
    assert_eq!(*kind, 3);
}

#[tokio::test]
async fn no_ties_and_no_record_are_a_part_that_failed() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    for id in [contact.as_str(), "4711"] {
        let (status, body) = linked(&api, "contacts/notes", json!({"id": id})).await;
        assert_eq!(
            (status, body["results"].as_array().expect("a list").len()),
            (207, 0)
        );
        let sub = &body["errors"][0]["subCategory"];
        assert_eq!(*sub, "crm.associations.NO_ASSOCIATIONS_FOUND");
    }
}

#[tokio::test]
async fn many_ties_come_in_pages_the_newest_first() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let mut made = Vec::new();
    for _ in 0..60 {
        let note = json!({"properties": {"hs_timestamp": "2026-05-26T14:32:00Z"},
                          "associations": [to(&contact, 202)]});
        let (status, body) = api.create("notes", &note).await;
        assert_eq!(status, 201);
        made.push(body["id"].as_str().expect("an id").to_owned());
    }
    let ids = |page: &Value| {
        let all = page["results"][0]["to"].as_array().expect("a list").clone();
        let all = all.into_iter();
        all.map(|one| one["toObjectId"].as_u64().expect("an id").to_string())
            .collect::<Vec<_>>()
    };
    let (_, first) = linked(&api, "contacts/notes", json!({"id": contact})).await;
    let after = first["results"][0]["paging"]["next"]["after"].clone();
    let (_, second) = linked(
        &api,
        "contacts/notes",
        json!({"id": contact, "after": after}),
    )
    .await;
    assert_eq!(second["results"][0].get("paging"), None);
    let mut all = ids(&first);
    all.extend(ids(&second));
    made.reverse();
    assert_eq!((ids(&first).len(), all), (50, made));
}
