//! Query cost, its bucket, and the count of requests.

use leadrail_crm_sim::{HOUSECALL_PRO, JOBBER, Limits};
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{CLIENT_CREATE, ask, ask_as, caller, control, count, send};
use crate::support::{ACME, Server, read};

async fn requested(server: &Server, query: &str) -> Value {
    let answer = ask(server, query, json!({})).await;
    answer["extensions"]["cost"]["requestedQueryCost"].clone()
}

/// No points come back, so that time has no part in a test.
fn still(server: &Server, available: u64) {
    let limits = Limits {
        available: Some(available),
        restore_rate: Some(0),
        ..Limits::default()
    };
    assert!(server.sim.set_limits(JOBBER, "acme", &limits));
}

#[tokio::test]
async fn a_query_costs_a_point_a_field_times_the_size_of_its_connections() {
    let server = Server::start().await;
    for (query, cost) in [
        ("{ account { id name } }", 3),
        (
            "{ clients(first: 10) { edges { node { id name title balance isLead } } } }",
            50,
        ),
        (
            "{ clients { edges { node { id name title balance isLead } } } }",
            500,
        ),
        (
            "{ clients(last: 2) { nodes { id requests(first: 3) { nodes { id title } } } } }",
            14,
        ),
        (
            "{ clients(first: 10) { nodes { id } pageInfo { endCursor } } }",
            30,
        ),
        ("{ account { ...a } } fragment a on Account { id }", 2),
    ] {
        assert_eq!(requested(&server, query).await, cost, "{query}");
    }
}

#[tokio::test]
async fn what_a_query_truly_cost_is_taken_from_the_bucket() {
    let server = Server::start().await;
    caller(&server, "Ann", "+13055550182").await;
    caller(&server, "Bob", "+13055550182").await;
    still(&server, 1_000);
    let answer = ask(
        &server,
        "{ clients(first: 50) { nodes { id firstName } } }",
        json!({}),
    )
    .await;
    assert_eq!(
        answer["extensions"]["cost"],
        json!({"requestedQueryCost": 100, "actualQueryCost": 4, "throttleStatus": {
            "maximumAvailable": 10000, "currentlyAvailable": 996, "restoreRate": 0}})
    );
}

#[tokio::test]
async fn a_query_beyond_the_bucket_is_throttled_on_200_and_has_no_effect() {
    let server = Server::start().await;
    still(&server, 3);
    let input = json!({"input": {"firstName": "Ann"}});
    let answer = ask(&server, CLIENT_CREATE, input.clone()).await;
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["message"], &error["extensions"]["code"]),
        (&json!("Throttled"), &json!("THROTTLED"))
    );
    assert_eq!(answer.get("data"), None);
    let cost = &answer["extensions"]["cost"];
    assert_eq!(
        json!([cost["requestedQueryCost"], cost["actualQueryCost"]]),
        json!([6, 0])
    );
    assert_eq!(cost["throttleStatus"]["currentlyAvailable"], 3);
    assert_eq!(count(&server, "clients"), 0);
    let other = ask_as(&server, "sim-other", CLIENT_CREATE, input.clone()).await;
    assert_eq!(
        other["errors"],
        Value::Null,
        "each account has its own bucket"
    );
    still(&server, 6);
    let answer = ask(&server, CLIENT_CREATE, input).await;
    assert_eq!(answer["errors"], Value::Null);
}

#[tokio::test]
async fn a_query_above_the_maximum_never_passes() {
    let server = Server::start().await;
    let query = "{ clients { nodes { requests { nodes { id title } } } } }";
    let answer = ask(&server, query, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(answer["extensions"]["cost"]["requestedQueryCost"], 20_000);
    assert_eq!(
        answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"],
        10_000
    );
}

#[tokio::test]
async fn one_request_too_many_in_the_window_is_429_in_plain_text() {
    let server = Server::start().await;
    let limits = json!({"company": "acme", "requests": 2});
    let (status, _) = control(&server, Method::POST, "/limits", limits).await;
    assert_eq!(status, 204);
    let ask = async || {
        let answer = send(&server, ACME, "{ account { id } }", &json!({})).await;
        answer.expect("an answer")
    };
    for _ in 0..2 {
        assert_eq!(ask().await.status(), 200);
    }
    let refused = ask().await;
    assert_eq!(refused.headers().get("retry-after"), None);
    assert_eq!(read(refused).await.0, 429);
    let (status, _) = control(
        &server,
        Method::POST,
        "/limits",
        json!({"company": "acme", "requests": 9}),
    )
    .await;
    assert_eq!((status, ask().await.status().as_u16()), (204, 200));
}

#[tokio::test]
async fn a_crm_without_limits_says_so() {
    let server = Server::start().await;
    assert!(
        !server
            .sim
            .set_limits(HOUSECALL_PRO, "acme", &Limits::default())
    );
    assert!(!server.sim.set_limits("unknown", "acme", &Limits::default()));
    let (status, _) = server
        .control(Method::POST, "/limits", Some(json!({"company": "acme"})))
        .await;
    assert_eq!(status, 404);
}
