//! Searches, and reading many at once.

use crate::api::Api;
use reqwest::Method;
use serde_json::{Value, json};

const SEARCH: &str = "/crm/objects/2026-03/contacts/search";

fn by(property: &str, operator: &str, value: &Value) -> Value {
    let field = if operator == "IN" { "values" } else { "value" };
    json!({"filters": [{"propertyName": property, "operator": operator, field: value}]})
}

async fn found(api: &Api, groups: Value) -> Vec<String> {
    let (status, body) = api
        .post(SEARCH, &json!({"filterGroups": groups, "limit": 200}))
        .await;
    assert_eq!(status, 200, "{body}");
    let all = body["results"].as_array().expect("a list").iter();
    all.map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_number_is_found_as_it_was_typed_or_by_its_digits() {
    let api = Api::start().await;
    let typed = api.contact(json!({"phone": "(305) 555-0182"})).await;
    let abroad = api
        .contact(json!({"mobilephone": "+44 20 7946 0018"}))
        .await;
    let raw = json!([by("phone", "EQ", &json!("+13055550182"))]);
    assert!(found(&api, raw).await.is_empty());
    let calculated = "hs_searchable_calculated_phone_number";
    let digits = json!([by(calculated, "EQ", &json!("3055550182"))]);
    assert_eq!(found(&api, digits).await, std::slice::from_ref(&typed));
    let any = json!([
        by("phone", "IN", &json!(["x", "(305) 555-0182"])),
        by("mobilephone", "EQ", &json!("+44 20 7946 0018")),
    ]);
    assert_eq!(found(&api, any).await, [typed, abroad]);
    let of_abroad = json!([by(
        "hs_searchable_calculated_mobile_number",
        "EQ",
        &json!("2079460018")
    )]);
    assert!(found(&api, of_abroad).await.is_empty());
}

#[tokio::test]
async fn a_search_lags_behind_and_a_read_by_a_unique_value_does_not() {
    let api = Api::start().await;
    assert_eq!(api.control("/index_lag", json!({"ms": 60_000})).await, 204);
    let id = api
        .contact(json!({"email": "ann@example.com", "leadrail_ref": "lr-1"}))
        .await;
    assert!(
        found(&api, json!([by("email", "EQ", &json!("ann@example.com"))]))
            .await
            .is_empty()
    );
    let path = "/crm/objects/2026-03/contacts/lr-1?idProperty=leadrail_ref";
    assert_eq!(api.get(path).await.1["id"], id.as_str());
    let batch =
        json!({"idProperty": "email", "inputs": [{"id": "ANN@example.com"}], "properties": []});
    let (status, body) = api
        .post("/crm/objects/2026-03/contacts/batch/read", &batch)
        .await;
    assert_eq!((status, &body["results"][0]["id"]), (200, &json!(id)));
    assert_eq!(api.control("/index_lag", json!({"ms": 0})).await, 204);
    assert_eq!(
        found(&api, json!([by("email", "EQ", &json!("ANN@EXAMPLE.COM"))])).await,
        [id]
    );
}

#[tokio::test]
async fn results_come_in_pages_in_the_order_that_is_asked_for() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(
            api.contact(json!({"city": "Miami", "zip": n.to_string()}))
                .await,
        );
    }
    let mut body = json!({
        "filterGroups": [by("city", "EQ", &json!("miami"))], "limit": 2, "properties": ["zip", "state"],
        "sorts": [{"propertyName": "zip", "direction": "DESCENDING"}],
    });
    let mut seen = Vec::new();
    loop {
        let (_, page) = api.post(SEARCH, &body).await;
        assert_eq!(page["total"], 5);
        for one in page["results"].as_array().expect("a list") {
            seen.push(one["id"].as_str().expect("an id").to_owned());
            assert_eq!(one["properties"]["state"], Value::Null);
        }
        match page["paging"]["next"]["after"].as_str() {
            Some(after) => body["after"] = json!(after),
            None => break,
        }
    }
    ids.reverse();
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_search_for_nothing_finds_everybody_and_a_wrong_one_is_refused() {
    let api = Api::start().await;
    api.contact(json!({"city": "Miami"})).await;
    assert_eq!(found(&api, json!([])).await.len(), 1);
    assert_eq!(
        api.control("/limits", json!({"company": "acme", "restore_rate": 100}))
            .await,
        204
    );
    let six: Vec<Value> = (0..6).map(|_| by("city", "EQ", &json!("x"))).collect();
    for body in [
        json!({"filterGroups": six}),
        json!({"filterGroups": [by("no_such", "EQ", &json!("x"))]}),
        json!({"filterGroups": [by("city", "LIKE", &json!("x"))]}),
        json!({"filterGroups": [by("city", "EQ", &json!(""))]}),
        json!({"filterGroups": [by("city", "IN", &json!([]))]}),
        json!({"filterGroups": [], "limit": 201}),
        json!({"filterGroups": [], "after": "10000"}),
        json!({"filters": []}),
    ] {
        assert_eq!(api.post(SEARCH, &body).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn a_batch_says_what_is_not_there() {
    let api = Api::start().await;
    let id = api.contact(json!({"phone": "1"})).await;
    let path = "/crm/objects/2026-03/contacts/batch/read";
    let body = json!({"inputs": [{"id": id}, {"id": "4711"}], "properties": ["phone"]});
    let (status, batch) = api.post(path, &body).await;
    assert_eq!(status, 207);
    assert_eq!(batch["results"][0]["properties"]["phone"], "1");
    assert_eq!(
        (&batch["numErrors"], &batch["errors"][0]["category"]),
        (&json!(1), &json!("OBJECT_NOT_FOUND"))
    );
    assert_eq!(batch["errors"][0]["context"]["ids"], json!(["4711"]));
    let many: Vec<Value> = (0..101).map(|n| json!({"id": n.to_string()})).collect();
    for inputs in [json!([]), json!(many), json!("x"), json!([{}])] {
        assert_eq!(api.post(path, &json!({"inputs": inputs})).await.0, 400);
    }
    // A body that is not declared as JSON is not read.
    let request = api.request(Method::POST, path).body(body.to_string());
    assert_eq!(request.send().await.expect("an answer").status(), 400);
}
