//! The API says what it serves, and serves what it says.

use std::collections::BTreeSet;

use leadrail_server::openapi;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Api, event_id, lead};

fn operations() -> BTreeSet<(String, String)> {
    let spec = openapi();
    let paths = spec["paths"].as_object().expect("paths");
    let methods = |item: &Value| {
        let item = item.as_object().expect("an item");
        item.keys().cloned().collect::<Vec<_>>()
    };
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(|m| (m, path.clone())))
        .collect()
}

#[test]
fn the_description_has_every_promised_call_and_no_other() {
    let promised = [
        ("get", "/docs"),
        ("get", "/healthz"),
        ("get", "/metrics"),
        ("get", "/openapi.json"),
        ("get", "/oauth/{provider}/callback"),
        ("get", "/oauth/{provider}/start/{ticket}"),
        ("get", "/readyz"),
        ("delete", "/v1/connections/{id}"),
        ("get", "/v1/audit"),
        ("get", "/v1/connections"),
        ("get", "/v1/connections/{id}"),
        ("get", "/v1/connections/{id}/options"),
        ("get", "/v1/crms"),
        ("get", "/v1/crms/{crm}"),
        ("delete", "/v1/keys/{key_id}"),
        ("delete", "/v1/leads/{event_id}/links"),
        ("get", "/v1/keys"),
        ("get", "/v1/leads"),
        ("get", "/v1/leads/{event_id}"),
        ("get", "/v1/leads/{event_id}/links"),
        ("get", "/v1/me"),
        ("delete", "/v1/providers/{provider}/{environment}"),
        ("get", "/v1/providers"),
        ("get", "/v1/runs/{run_id}/state/{name}"),
        ("patch", "/v1/connections/{id}"),
        ("post", "/v1/connections"),
        ("post", "/v1/connections/{id}/disable"),
        ("post", "/v1/connections/{id}/enable"),
        ("post", "/v1/connections/{id}/pause"),
        ("post", "/v1/connections/{id}/reconnect"),
        ("post", "/v1/connections/{id}/resume"),
        ("post", "/v1/connections/{id}/test"),
        ("post", "/v1/erasures"),
        ("post", "/v1/keys"),
        ("post", "/v1/leads"),
        ("post", "/v1/leads/{event_id}/cancel"),
        ("post", "/v1/providers"),
        ("post", "/v1/runs/{run_id}/signals/{name}"),
        ("post", "/v1/sign-ins"),
    ];
    let promised = promised.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(operations(), BTreeSet::from(promised));
}

#[tokio::test]
async fn every_described_call_is_served_and_the_other_methods_are_not() {
    let api = Api::start().await;
    let described = operations();
    let paths: BTreeSet<_> = described.iter().map(|(_, path)| path.clone()).collect();
    for path in paths {
        let filled = path
            .replace("{event_id}", "x")
            .replace("{id}", "x")
            .replace("{crm}", "jobber");
        for method in ["get", "post", "put", "patch", "delete"] {
            let verb = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let status = api.call(verb, &filled).await.status;
            let served = described.contains(&(method.to_owned(), path.clone()));
            assert_eq!(status != 405, served, "{method} {path} answered {status}");
            assert_ne!(status, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_served_description_is_the_one_without_a_server() {
    let api = Api::start().await;
    let served = api.get("/openapi.json").await.json();
    assert_eq!(served, openapi());
    assert_eq!(served["openapi"], "3.1.0");
}

/// Every `$ref` below a value.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let spec = openapi();
    let mut found = Vec::new();
    references(&spec, &mut found);
    assert!(found.contains(&"#/components/schemas/Lead"), "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("in this document");
        assert!(spec.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_lead_is_described_by_the_schema_of_the_payload() {
    let spec = openapi();
    let lead = &spec["components"]["schemas"]["Lead"];
    let schema = leadrail_lead::schema();
    assert_eq!(lead["required"], schema["required"]);
    assert_eq!(lead["examples"], schema["examples"]);
    let names = |schema: &Value| {
        let fields: &Map<_, _> = schema["properties"].as_object().expect("fields");
        fields.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(lead), names(&schema));
}

/// An answer, or the one that it refers to.
fn followed<'s>(spec: &'s Value, answer: &'s Value) -> &'s Value {
    let pointer = answer["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    pointer.map_or(answer, |pointer| spec.pointer(pointer).expect("an answer"))
}

#[test]
fn every_call_says_what_all_calls_may_answer() {
    let spec = openapi();
    for (method, path) in operations() {
        let about = &spec["paths"][&path][&method];
        let parameters = about.get("parameters");
        assert!(parameters.is_none_or(Value::is_array), "{method} {path}");
        let answers = &about["responses"];
        for status in ["403", "408", "414", "429", "431", "500"] {
            assert!(answers.get(status).is_some(), "{method} {path}: {status}");
        }
        let is_public = about.get("security").is_some();
        assert_ne!(answers.get("401").is_some(), is_public, "{method} {path}");
    }
}

#[test]
fn every_link_leads_from_an_answer_to_a_parameter_of_a_call() {
    let spec = openapi();
    let calls = operations();
    let about = |(method, path): &(String, String)| &spec["paths"][path][method];
    let mut links = 0;
    for call in &calls {
        for (status, answer) in about(call)["responses"].as_object().expect("answers") {
            for (_, link) in answer["links"].as_object().into_iter().flatten() {
                let target = calls
                    .iter()
                    .map(about)
                    .find(|about| about["operationId"] == link["operationId"]);
                let target = target.unwrap_or_else(|| panic!("{link}"));
                let taken = target["parameters"].as_array().expect("parameters");
                for (name, _) in link["parameters"].as_object().expect("parameters") {
                    assert!(taken.iter().any(|each| each["name"] == *name), "{link}");
                }
                assert!(answer["content"].is_object(), "{call:?} {status}");
                links += 1;
            }
        }
    }
    assert!(links >= 10, "{links}");
}

#[tokio::test]
async fn the_page_shows_every_call_and_schema_and_needs_nothing_else() {
    let api = Api::start().await;
    let answer = api.get("/docs").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("script"),
        "{policy}"
    );
    let page = answer.text;
    for (_, path) in operations() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
    let spec = openapi();
    for (name, _) in spec["components"]["schemas"].as_object().expect("schemas") {
        assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
    }
    for elsewhere in [
        "<script", "src=", "http://", "@import", "url(", " style=", "onclick",
    ] {
        let example = page.matches(elsewhere).count();
        assert_eq!(example, 0, "{elsewhere}");
    }
    assert!(page.contains("color-scheme: light dark"));
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an id");
        assert!(page.contains(&format!("id=\"{id}\"")), "{id} is nowhere");
    }
}

#[test]
fn every_error_is_described_as_a_problem_but_to_browsers() {
    let spec = openapi();
    let to_programs = |path: &str| !path.starts_with("/oauth/");
    for (method, path) in operations()
        .into_iter()
        .filter(|(_, path)| to_programs(path))
    {
        let responses = spec["paths"][&path][&method]["responses"]
            .as_object()
            .expect("responses");
        for (_, response) in responses
            .iter()
            .filter(|(status, _)| status.as_str() >= "400")
        {
            let response = followed(&spec, response);
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{method} {path}");
        }
    }
}

/// Fields that are in `value` and not in the schema of this name.
fn undescribed(spec: &Value, name: &str, value: &Value) -> Vec<String> {
    let described = &spec["components"]["schemas"][name]["properties"];
    let fields = value.as_object().expect("an object").keys();
    fields
        .filter(|field| described.get(field.as_str()).is_none())
        .cloned()
        .collect()
}

#[tokio::test]
async fn answers_have_no_field_that_is_not_described() {
    let api = Api::start().await;
    let spec = openapi();
    let lead = lead(1);
    let accepted = api.post_lead(&lead).await.json();
    let problem = api.post_lead(&json!({})).await.json();
    let story = api
        .get(&format!("/v1/leads/{}", event_id(&lead)))
        .await
        .json();
    let rows = [
        ("Accepted", &accepted),
        ("Problem", &problem),
        ("FieldFault", &problem["errors"][0]),
        ("LeadStory", &story),
        ("LeadSummary", &story["lead"]),
    ];
    for (name, value) in rows {
        assert_eq!(
            undescribed(&spec, name, value),
            Vec::<String>::new(),
            "{name}"
        );
    }
}
