//! Faults in Jobber's own shapes, and rules that meet one call of its GraphQL endpoint.

use leadrail_crm_sim::JOBBER;
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{
    CLIENT_CREATE, REQUEST_CREATE, ask, books, caller, complaints, control, count, request, send,
};
use crate::support::{ACME, Server, read};

/// Arms a rule for one root field.
fn arm(server: &Server, field: &str, fault: &Value) {
    let path_prefix = format!("/api/graphql#{field}()");
    let rule = json!({"match": {"path_prefix": path_prefix}, "fault": fault});
    let rule = serde_json::from_value(rule).expect("a rule");
    server
        .sim
        .add_fault(JOBBER, rule)
        .expect("a rule that can be");
}

#[tokio::test]
async fn a_rule_can_meet_one_mutation_and_leaves_those_with_a_longer_name_alone() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let lead = request(&server, &ann, "AC out").await;
    arm(
        &server,
        "requestCreate",
        &json!({"kind": "status_after", "status": 502}),
    );
    let note = "mutation($id: EncodedId!) {
        requestCreateNote(requestId: $id, input: {message: \"x\"}) { requestNote { id } } }";
    let answer = send(&server, ACME, note, &json!({"id": lead})).await;
    assert_eq!(answer.expect("an answer").status(), 200);
    let aliased = "mutation Send($in: RequestCreateInput!) {
        made: requestCreate(input: $in) { request { id } } }";
    let input = json!({"in": {"clientId": ann, "title": "again"}});
    let answer = send(&server, ACME, aliased, &input).await;
    assert_eq!(answer.expect("an answer").status(), 502);
    assert_eq!(
        count(&server, "work_requests"),
        2,
        "it took effect all the same"
    );
}

#[tokio::test]
async fn the_log_and_the_counts_name_the_first_root_field() {
    let server = Server::start().await;
    caller(&server, "Ann", "+13055550182").await;
    for query in [
        "{ __typename account { id } clients(first: 1) { totalCount } }",
        "{ nothing }",
        "{",
    ] {
        ask(&server, query, json!({})).await;
    }
    assert_eq!(
        books(&server)["requests"],
        json!({
            "POST /api/graphql": {"200": 2},
            "POST /api/graphql#account()": {"200": 1},
            "POST /api/graphql#clientCreate()": {"200": 1},
        })
    );
    let (_, log) = control(&server, Method::GET, "/requests?last=10", json!({})).await;
    assert_eq!(log["requests"][0]["path"], "/api/graphql#clientCreate()");
    assert!(!log.to_string().contains("3055550182"));
}

#[tokio::test]
async fn a_throttled_call_is_told_on_200_how_long_to_wait() {
    let server = Server::start().await;
    arm(&server, "clientCreate", &json!({"kind": "throttle"}));
    let answer = ask(
        &server,
        CLIENT_CREATE,
        json!({"input": {"firstName": "Ann"}}),
    )
    .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "THROTTLED");
    let cost = &answer["extensions"]["cost"];
    assert_eq!(cost["requestedQueryCost"], 500);
    assert_eq!(
        cost["throttleStatus"],
        json!({"maximumAvailable": 10000, "currentlyAvailable": 0, "restoreRate": 500})
    );
    assert_eq!(count(&server, "clients"), 0);
}

#[tokio::test]
async fn a_rejected_mutation_has_user_errors_under_its_own_key_and_no_effect() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    arm(&server, "requestCreate", &json!({"kind": "reject"}));
    arm(&server, "propertyCreate", &json!({"kind": "reject"}));
    arm(&server, "clients", &json!({"kind": "reject"}));
    let input = json!({"input": {"clientId": ann, "title": "x"}});
    let answer = ask(&server, REQUEST_CREATE, input).await;
    let payload = &answer["data"]["requestCreate"];
    assert_eq!(payload["request"], Value::Null);
    assert_eq!(complaints(payload), ["input: Input is invalid"]);
    let aliased = "mutation($id: EncodedId!) { made: propertyCreate(clientId: $id, input: {}) {
        properties { id } userErrors { message path } } }";
    let answer = ask(&server, aliased, json!({"id": ann})).await;
    assert_eq!(answer["data"]["made"]["properties"], json!([]));
    assert_eq!(
        complaints(&answer["data"]["made"]),
        ["input: Input is invalid"]
    );
    let answer = ask(&server, "{ clients(first: 1) { totalCount } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(count(&server, "work_requests"), 0);
}

#[tokio::test]
async fn an_unauthorized_call_gets_the_401_of_an_unknown_token() {
    let server = Server::start().await;
    arm(&server, "account", &json!({"kind": "unauthorized"}));
    let answer = send(&server, ACME, "{ account { id } }", &json!({})).await;
    let refusal = (401, json!({"message": "Token not recognized"}));
    assert_eq!(read(answer.expect("an answer")).await, refusal);
}

#[tokio::test]
async fn books_that_are_emptied_are_empty() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    request(&server, &ann, "AC out").await;
    server.sim.clear_records(JOBBER);
    for collection in ["clients", "properties", "work_requests", "notes"] {
        assert_eq!(count(&server, collection), 0, "{collection}");
    }
}
