//! The search for persons: stored texts, whole or from the beginning of a word.

use crate::api::Api;
use serde_json::{Value, json};

async fn found(api: &Api, query: &str) -> Vec<Value> {
    let (status, found) = api.get(&format!("/api/v2/persons/search?{query}")).await;
    assert_eq!(status, 200, "{query}: {found}");
    let items = found["data"]["items"].as_array().expect("items").iter();
    items.map(|hit| hit["item"]["id"].clone()).collect()
}

#[tokio::test]
async fn an_exact_search_compares_stored_texts_and_nothing_else() {
    let api = Api::start().await;
    let ours = api.person("+13055550182").await;
    api.person("(305) 555-0182").await;
    let exact = "fields=phone&exact_match=true";
    assert_eq!(
        found(&api, &format!("term=%2B13055550182&{exact}")).await,
        [ours]
    );
    for term in ["13055550182", "3055550182", "%2B1305555018"] {
        assert!(
            found(&api, &format!("term={term}&{exact}"))
                .await
                .is_empty(),
            "{term}"
        );
    }
}

#[tokio::test]
async fn a_search_for_a_part_begins_where_a_word_begins() {
    let api = Api::start().await;
    api.person("+13055550182").await;
    let written = api.person("(305) 555-0182").await;
    let bare = api.person("3055550182 ext 9").await;
    assert_eq!(found(&api, "term=555-0182&fields=phone").await, [written]);
    assert_eq!(found(&api, "term=3055550182&fields=phone").await, [bare]);
    assert_eq!(found(&api, "term=ann&fields=name").await.len(), 3);
    assert!(found(&api, "term=nn&fields=name").await.is_empty());
}

#[tokio::test]
async fn only_the_named_fields_are_searched_and_case_is_nothing() {
    let api = Api::start().await;
    let body = json!({"name": "Bob", "emails": [{"value": "Bob@Example.com"}]});
    api.post("/api/v2/persons", &body).await;
    let exact = "term=bob%40example.COM&exact_match=true";
    assert_eq!(found(&api, &format!("{exact}&fields=email")).await.len(), 1);
    assert!(
        found(&api, &format!("{exact}&fields=phone"))
            .await
            .is_empty()
    );
    assert!(
        found(&api, &format!("{exact}&fields=name,phone"))
            .await
            .is_empty()
    );
    assert_eq!(found(&api, exact).await.len(), 1);
    let (_, hit) = api.get(&format!("/api/v2/persons/search?{exact}")).await;
    let item = &hit["data"]["items"][0]["item"];
    assert_eq!(
        item["emails"],
        json!(["Bob@Example.com"]),
        "texts, and no objects"
    );
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused() {
    let api = Api::start().await;
    for query in [
        "",
        "term=",
        "term=a",
        "term=&exact_match=true",
        "term=ab&fields=phones",
        "term=ab&exact_match=maybe",
        "term=ab&limit=101",
        "term=ab&cursor=x",
    ] {
        let (status, refusal) = api.get(&format!("/api/v2/persons/search?{query}")).await;
        assert_eq!(
            (status, &refusal["success"]),
            (400, &json!(false)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn searches_and_lists_show_no_younger_records_than_the_lag_allows() {
    let api = Api::start().await;
    api.person("+13055550182").await;
    let exact = "term=%2B13055550182&fields=phone&exact_match=true";
    api.control("/index_lag", json!({"ms": 60_000})).await;
    assert!(found(&api, exact).await.is_empty());
    let (_, list) = api.get("/api/v2/persons").await;
    assert_eq!(list["data"], json!([]));
    api.control("/index_lag", json!({"ms": 0})).await;
    assert_eq!(found(&api, exact).await.len(), 1);
}
