//! The direct look-up and the two searches.

use crate::asking::{LOCATION, contact, get, happen, opportunity, post};
use crate::support::{Server, rows};
use reqwest::Method;
use serde_json::{Value, json};

async fn lag(server: &Server, ms: u64) {
    let body = Some(json!({"ms": ms}));
    let told = server.control_of("gohighlevel", Method::POST, "/index_lag", body);
    assert_eq!(told.await.0, 204);
}

async fn direct(server: &Server, query: &str) -> Value {
    let path = format!("/contacts/search/duplicate?locationId=loc-acme&{query}");
    let (status, body) = get(server, &path).await;
    assert_eq!(status, 200, "{body}");
    body["contact"]["id"].clone()
}

async fn searched(server: &Server, body: Value) -> (u16, Value) {
    let mut whole = json!({"locationId": LOCATION, "page": 1, "pageLimit": 50});
    for (name, value) in body.as_object().expect("fields") {
        whole[name] = value.clone();
    }
    post(server, "/contacts/search", &whole).await
}

#[tokio::test]
async fn the_direct_look_up_knows_at_once_by_address_first_and_then_by_number() {
    let server = Server::start().await;
    lag(&server, 60_000).await;
    let ann = contact(
        &server,
        json!({"email": "Ann@example.com", "phone": "+13055550182"}),
    )
    .await;
    let bob = contact(&server, json!({"phone": "+12125550100"})).await;
    for (query, found) in [
        ("number=%2B13055550182", json!(ann)),
        ("email=ann%40EXAMPLE.com", json!(ann)),
        ("number=%2B12125550100&email=ann%40example.com", json!(ann)),
        (
            "number=%2B12125550100&email=nobody%40example.com",
            json!(bob),
        ),
        ("number=+13055550182", Value::Null),
        ("number=3055550182", Value::Null),
        ("phone=%2B13055550182", Value::Null),
        ("", Value::Null),
    ] {
        assert_eq!(direct(&server, query).await, found, "{query}");
    }
    happen(&server, &json!({"delete_contact": {"id": ann}}));
    assert_eq!(direct(&server, "number=%2B13055550182").await, Value::Null);
}

#[tokio::test]
async fn the_search_is_exact_pages_and_lags() {
    let server = Server::start().await;
    for number in 0..5 {
        contact(
            &server,
            json!({"firstName": format!("Ann {number}"), "phone": "+13055550182"}),
        )
        .await;
    }
    contact(&server, json!({"phone": "+13055550183"})).await;
    let filters = json!([{"field": "phone", "operator": "eq", "value": "+13055550182"}]);
    let page = async |page: u64| {
        let body = json!({"filters": filters, "page": page, "pageLimit": 2});
        let (status, body) = searched(&server, body).await;
        assert_eq!((status, &body["total"]), (200, &json!(5)));
        let names = rows(&body, "contacts").iter();
        names
            .map(|one| one["firstName"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(page(1).await, ["Ann 4", "Ann 3"], "newest first");
    assert_eq!(page(3).await, ["Ann 0"]);
    let loose = json!({"filters": [{"field": "phone", "operator": "eq", "value": "3055550182"}]});
    assert_eq!(searched(&server, loose).await.1["total"], 0);
    lag(&server, 60_000).await;
    assert_eq!(searched(&server, json!({})).await.1["total"], 0);
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused() {
    let server = Server::start().await;
    for wrong in [
        json!({"pageLimit": 501}),
        json!({"pageLimit": null}),
        json!({"page": 0}),
        json!({"phone": "+13055550182"}),
        json!({"filters": [{"field": "ssn", "operator": "eq", "value": "1"}]}),
        json!({"filters": [{"field": "phone", "operator": "like", "value": "1"}]}),
        json!({"filters": [{"field": "phone", "operator": "eq"}]}),
    ] {
        assert_eq!(searched(&server, wrong.clone()).await.0, 422, "{wrong}");
    }
}

async fn cards(server: &Server, query: &str) -> (u16, Value) {
    get(server, &format!("/opportunities/search?{query}")).await
}

#[tokio::test]
async fn a_contacts_opportunities_are_listed_by_page_and_lag() {
    let server = Server::start().await;
    let ann = contact(
        &server,
        json!({"firstName": "Ann", "phone": "+13055550182"}),
    )
    .await;
    let bob = contact(&server, json!({"firstName": "Bob"})).await;
    for (contact, name) in [(&ann, "a"), (&ann, "b"), (&bob, "c"), (&ann, "d")] {
        let mut body = opportunity(contact);
        body["name"] = json!(name);
        assert_eq!(post(&server, "/opportunities/", &body).await.0, 201);
    }
    let names = async |query: &str| {
        let (status, body) = cards(&server, &format!("location_id=loc-acme&{query}")).await;
        assert_eq!(status, 200, "{body}");
        let names = rows(&body, "opportunities").iter();
        let names: Vec<Value> = names.map(|one| one["name"].clone()).collect();
        (names, body["meta"].clone())
    };
    let (all, meta) = names(&format!("contact_id={ann}")).await;
    assert_eq!(
        (all, &meta["total"]),
        (vec![json!("d"), json!("b"), json!("a")], &json!(3))
    );
    let (page, meta) = names(&format!("contact_id={ann}&limit=2&page=1")).await;
    assert_eq!(
        (page, &meta["nextPage"]),
        (vec![json!("d"), json!("b")], &json!(2))
    );
    let (page, meta) = names(&format!("contact_id={ann}&limit=2&page=2")).await;
    assert_eq!((page, &meta["nextPage"]), (vec![json!("a")], &Value::Null));
    assert_eq!(names("pipeline_id=pipInstall0000000002").await.0.len(), 0);
    assert_eq!(names("status=won").await.0.len(), 0);
    assert_eq!(names("status=all").await.0.len(), 4);
    lag(&server, 60_000).await;
    assert_eq!(names(&format!("contact_id={ann}")).await.0.len(), 0);
}

#[tokio::test]
async fn the_parameters_of_that_search_are_written_otherwise() {
    let server = Server::start().await;
    for wrong in [
        "locationId=loc-acme",
        "location_id=loc-acme&contactId=x",
        "location_id=loc-acme&limit=101",
        "location_id=loc-acme&page=0",
        "location_id=loc-acme&status=lukewarm",
        "contact_id=x",
    ] {
        assert_eq!(cards(&server, wrong).await.0, 422, "{wrong}");
    }
}
