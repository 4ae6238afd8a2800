//! Keys, companies, what is there and what is not.

use crate::api::{Api, each};
use crate::support::read;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_key_in_the_documented_header_opens_its_company() {
    let api = Api::start().await;
    let ask = async |header: (&str, &str)| {
        let url = api.server.url("/pipedrive/api/v1/users/me");
        let request = api.server.client.get(url).header(header.0, header.1);
        read(request.send().await.expect("an answer")).await
    };
    for valid in [
        ("x-api-token", "sim-acme"),
        ("authorization", "Bearer sim-acme"),
    ] {
        let (status, me) = ask(valid).await;
        assert_eq!(
            (status, &me["data"]["company_domain"]),
            (200, &json!("acme"))
        );
        assert!(me["data"]["company_id"].is_u64());
    }
    for wrong in [
        ("x-api-token", "acme"),
        ("authorization", "sim-acme"),
        ("authorization", "Basic sim-acme"),
    ] {
        let (status, body) = ask(wrong).await;
        assert_eq!(
            (status, &body["success"]),
            (401, &json!(false)),
            "{wrong:?}"
        );
        assert_eq!(body["errorCode"], 401);
    }
}

#[tokio::test]
async fn companies_never_see_each_others_records() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    let lead = api.lead(&person, "HVAC").await;
    let other = async |path: &str| api.call("sim-other", Method::GET, path, None).await;
    assert_eq!(other(&format!("/api/v2/persons/{person}")).await.0, 404);
    assert_eq!(other(&format!("/api/v1/leads/{lead}")).await.0, 404);
    let (_, found) =
        other("/api/v2/persons/search?term=%2B13055550182&fields=phone&exact_match=true").await;
    assert_eq!(found["data"]["items"], json!([]));
    let stolen = json!({"title": "x", "person_id": person});
    let stolen = api.call("sim-other", Method::POST, "/api/v1/leads", Some(&stolen));
    assert_eq!(stolen.await.0, 400);
}

#[tokio::test]
async fn persons_of_v1_are_gone_and_so_is_what_there_never_was() {
    let api = Api::start().await;
    for path in [
        "/api/v1/persons",
        "/v1/persons",
        "/api/v2/leads",
        "/api/v3/persons",
    ] {
        let (status, body) = api.get(path).await;
        assert_eq!((status, &body["success"]), (404, &json!(false)), "{path}");
    }
}

#[tokio::test]
async fn the_look_ups_of_a_connection_wizard_answer() {
    let api = Api::start().await;
    for (path, name) in [
        ("/api/v1/users", "name"),
        ("/api/v1/leadLabels", "name"),
        ("/api/v2/pipelines", "name"),
        ("/api/v2/stages", "name"),
        ("/api/v2/personFields", "field_name"),
        ("/api/v2/dealFields", "field_name"),
    ] {
        let (status, list) = api.get(path).await;
        assert_eq!(status, 200, "{path}");
        let names = each(&list, name);
        assert!(
            !names.is_empty() && names.iter().all(|name| name.is_string()),
            "{path}"
        );
    }
    let (_, stages) = api.get("/api/v2/stages?pipeline_id=2").await;
    assert_eq!(each(&stages, "id"), [&json!(21), &json!(22)]);
    let (_, stage) = api.get("/api/v2/stages/12").await;
    assert_eq!(stage["data"]["pipeline_id"], 1);
    for path in ["/api/v2/stages/99", "/api/v2/pipelines/99"] {
        let (status, body) = api.get(path).await;
        assert_eq!((status, &body["data"]), (404, &Value::Null), "{path}");
    }
}
