//! Tokens, versions, locations and scopes.

use crate::asking::{LOCATION, get, happen, opportunity, post, request, sent};
use crate::support::{Server, read};
use reqwest::Method;
use serde_json::{Value, json};

async fn ask(server: &Server, headers: &[(&str, &str)], location: &str) -> (u16, Value) {
    let path = format!("/locations/{location}");
    let request = request(server, Method::GET, &path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    read(sent(request).await).await
}

#[tokio::test]
async fn a_call_needs_a_token_and_then_a_version() {
    let server = Server::start().await;
    let acme = ("authorization", "Bearer sim-acme");
    let version = ("version", "2021-07-28");
    for (headers, status, message) in [
        (&[][..], 401, "Invalid JWT"),
        (
            &[("authorization", "Bearer nobody"), version][..],
            401,
            "Invalid JWT",
        ),
        (
            &[("authorization", "sim-acme"), version][..],
            401,
            "Invalid JWT",
        ),
        (&[acme][..], 401, "version header was not found."),
        (
            &[acme, ("version", "2020-01-01")][..],
            401,
            "version header is invalid",
        ),
    ] {
        let (told, body) = ask(&server, headers, LOCATION).await;
        assert_eq!(
            (told, &body["message"]),
            (status, &json!(message)),
            "{headers:?}"
        );
    }
    let (status, body) = ask(&server, &[acme, version], LOCATION).await;
    assert_eq!((status, &body["location"]["id"]), (200, &json!(LOCATION)));
    assert!(
        body["location"]["name"]
            .as_str()
            .expect("a name")
            .contains("acme")
    );
}

#[tokio::test]
async fn a_location_is_one_companys() {
    let server = Server::start().await;
    let version = ("version", "2021-07-28");
    let by = |token| [("authorization", token), version];
    let other = by("Bearer sim-other");
    for location in ["loc-acme", "acme", "loc-"] {
        let (status, body) = ask(&server, &other, location).await;
        assert_eq!(status, 403, "{location}");
        assert_eq!(
            body["message"],
            "The token does not have access to this location."
        );
    }
    assert_eq!(
        ask(&server, &other, "loc-77").await.0,
        200,
        "whoever comes first"
    );
    assert_eq!(ask(&server, &by("Bearer sim-acme"), "loc-77").await.0, 403);
    assert_eq!(ask(&server, &other, "loc-77").await.0, 200);
}

#[tokio::test]
async fn a_scope_that_the_token_lacks_is_a_401_of_its_own() {
    let server = Server::start().await;
    happen(
        &server,
        &json!({"settings": {"scopes": ["locations.readonly"]}}),
    );
    assert_eq!(get(&server, "/locations/loc-acme").await.0, 200);
    let made = post(
        &server,
        "/contacts/",
        &json!({"locationId": LOCATION, "firstName": "Ann"}),
    )
    .await;
    let pipelines = get(&server, "/opportunities/pipelines?locationId=loc-acme").await;
    let card = post(&server, "/opportunities/", &opportunity("x")).await;
    for (status, body) in [made, pipelines, card] {
        assert_eq!(status, 401);
        assert_eq!(
            body["message"],
            "The token is not authorized for this scope."
        );
    }
}

#[tokio::test]
async fn a_location_says_what_it_has() {
    let server = Server::start().await;
    let (_, body) = get(&server, "/opportunities/pipelines?locationId=loc-acme").await;
    assert_eq!(body["pipelines"][0]["stages"][1]["name"], "Booked");
    let (_, body) = get(&server, "/users/?locationId=loc-acme").await;
    assert_eq!(body["users"][2]["deleted"], true);
    for (query, of) in [("", "contact"), ("?model=opportunity", "opportunity")] {
        let path = format!("/locations/loc-acme/customFields{query}");
        let (_, body) = get(&server, &path).await;
        let fields = body["customFields"].as_array().expect("fields");
        assert!(fields.iter().all(|field| field["model"] == of) && fields.len() == 2);
    }
    for nowhere in ["/contacts", "/users?locationId=loc-acme", "/v1/contacts/"] {
        assert_eq!(get(&server, nowhere).await.0, 404, "{nowhere}");
    }
    let (status, _) = get(&server, "/users/").await;
    assert_eq!(status, 422, "a list needs its location");
}
