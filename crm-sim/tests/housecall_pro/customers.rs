//! Customers: what is taken, what is refused.

use crate::support::{ACME, LONG, Server, read, rows};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_customer_comes_back_as_it_was_given_and_unknown_fields_do_not() {
    let server = Server::start().await;
    let address = json!({"street": "4521 Oak Ridge Dr", "city": "Phoenix", "state": "AZ",
                         "zip": "85016", "country": "US"});
    let given = json!({"first_name": "John", "last_name": "Martinez", "email": "j@example.com",
        "mobile_number": "6025551234", "notifications_enabled": true, "lead_source": "Calls",
        "tags": ["x"], "notes": "gate 4", "addresses": [address], "address": address, "age": 7});
    let (status, customer) = server.post(ACME, "/customers", &given).await;
    assert_eq!(status, 201);
    for field in [
        "first_name",
        "last_name",
        "email",
        "mobile_number",
        "tags",
        "notes",
    ] {
        assert_eq!(customer[field], given[field], "{field}");
    }
    assert_eq!(rows(&customer, "addresses").len(), 1);
    assert_eq!(customer["addresses"][0]["zip"], "85016");
    assert!(customer["id"].as_str().expect("an id").starts_with("cus_"));
    assert_eq!(
        (&customer["address"], &customer["age"]),
        (&Value::Null, &Value::Null)
    );
    let (_, sources) = server.get(ACME, "/lead_sources?q=calls").await;
    assert_eq!(sources["lead_sources"][0]["name"], "Calls");
}

#[tokio::test]
async fn the_same_phone_makes_a_second_customer() {
    let server = Server::start().await;
    for _ in 0..2 {
        server
            .customer(ACME, json!({"mobile_number": "6025551234"}))
            .await;
    }
    assert_eq!(
        server.get(ACME, "/customers?q=6025551234").await.1["total_items"],
        2
    );
}

#[tokio::test]
async fn a_customer_needs_a_name_an_email_or_a_phone() {
    let server = Server::start().await;
    for nobody in [
        json!({}),
        json!({"company": "Oak LLC", "notes": "x"}),
        json!({"first_name": "  ", "email": null}),
        json!({"phone_number": "6025551234"}),
    ] {
        let (status, body) = server.post(ACME, "/customers", &nobody).await;
        assert_eq!(status, 400, "{nobody}");
        assert!(
            body["message"]
                .as_str()
                .expect("a sentence")
                .contains("required")
        );
    }
    assert_eq!(rows(&server.records().await, "customers").len(), 0);
}

#[tokio::test]
async fn phone_numbers_are_ten_bare_digits() {
    let server = Server::start().await;
    for wrong in [
        "+16025551234",
        "16025551234",
        "602-555-1234",
        "602555123",
        "602555123x",
        "６０２５５５１２３４",
    ] {
        let (status, body) = server
            .post(ACME, "/customers", &json!({"mobile_number": wrong}))
            .await;
        assert_eq!(
            (status, &body["mobile_number"]),
            (400, &json!("is invalid")),
            "{wrong}"
        );
        assert!(body["message"].is_string());
    }
}

#[tokio::test]
async fn wrong_types_are_named_field_by_field() {
    let server = Server::start().await;
    let wrong = json!({"first_name": 7, "tags": "x", "notifications_enabled": "yes",
                       "addresses": [{"zip": 85016}, "home"], "mobile_number": ["6025551234"]});
    let (status, body) = server.post(ACME, "/customers", &wrong).await;
    let errors = json!({"errors": {
        "first_name": ["must be a string"],
        "tags": ["must be an array"],
        "notifications_enabled": ["must be a boolean"],
        "addresses": ["must be an object"],
        "addresses.zip": ["must be a string"],
        "mobile_number": ["must be a string"],
    }});
    assert_eq!((status, body), (422, errors));
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let server = Server::start().await;
    let send = async |media: &str, body: &'static str| {
        let request = server.client.post(server.url("/housecall_pro/customers"));
        let request = request.header("authorization", format!("Token {ACME}"));
        let request = request.header("content-type", media).body(body);
        read(request.send().await.expect("an answer")).await
    };
    for broken in ["{", "[]", "null", "{\"first_name\":NaN}", "\u{0}"] {
        let (status, body) = send("application/json", broken).await;
        assert_eq!(status, 400, "{broken}");
        assert!(body["message"].is_string());
    }
    assert_eq!(send("text/plain", "{\"first_name\":\"Ann\"}").await.0, 400);
    assert_eq!(
        send(
            "application/json; charset=utf-8",
            "{\"first_name\":\"Ann\"}"
        )
        .await
        .0,
        201
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_whole() {
    let server = Server::start().await;
    let body = json!({"first_name": "Ann", "notes": "x".repeat(5 * 1024 * 1024)});
    // The refusal may come while the body is still being sent, which can look like a cut.
    if let Ok(answer) = server
        .send((ACME, Method::POST, "/customers"), Some(&body), LONG)
        .await
    {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(rows(&server.records().await, "customers").len(), 0);
}
