//! Connections: nodes, edges, cursors and limits.

use serde_json::{Value, json};

use crate::asking::{ask, caller, data};
use crate::support::Server;

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String) {
    clients(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { firstName } } nodes { firstName } totalCount
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }";

async fn page(server: &Server, variables: Value) -> Value {
    data(server, PAGE, variables).await["clients"].clone()
}

fn names(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .map(|node| node["firstName"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn pages_cover_a_list_once_from_the_last_updated_on() {
    let server = Server::start().await;
    for number in 0..7 {
        caller(&server, &format!("Ann {number}"), "+13055550182").await;
    }
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = page(&server, json!({"first": 3, "after": after})).await;
        assert_eq!(page["totalCount"], 7);
        seen.extend(names(&page).iter().map(|name| (*name).to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        let edges = page["edges"].as_array().expect("edges");
        assert_eq!(edges.last().expect("an edge")["cursor"], after);
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let expected: Vec<String> = (0..7).rev().map(|number| format!("Ann {number}")).collect();
    assert_eq!(seen, expected);
    let end = page(&server, json!({"last": 2})).await;
    assert_eq!(names(&end), ["Ann 1", "Ann 0"]);
    let before = end["pageInfo"]["startCursor"].clone();
    let middle = page(&server, json!({"last": 2, "before": before})).await;
    assert_eq!(names(&middle), ["Ann 3", "Ann 2"]);
    assert_eq!(middle["pageInfo"]["hasPreviousPage"], true);
}

#[tokio::test]
async fn a_page_has_a_hundred_nodes_at_most_whatever_was_asked_for() {
    let server = Server::start().await;
    for _ in 0..103 {
        caller(&server, "Ann", "+13055550182").await;
    }
    for asked in [json!({"first": 1000}), json!({}), json!({"last": 200})] {
        let page = page(&server, asked.clone()).await;
        assert_eq!(names(&page).len(), 100, "{asked}");
        assert_eq!(page["totalCount"], 103);
    }
}

#[tokio::test]
async fn an_empty_page_has_no_cursors() {
    let server = Server::start().await;
    for asked in [
        json!({"first": 5}),
        json!({"first": 0}),
        json!({"first": 5, "after": "OTk"}),
    ] {
        let page = page(&server, asked.clone()).await;
        assert_eq!((&page["nodes"], &page["edges"]), (&json!([]), &json!([])));
        assert_eq!(
            (
                &page["pageInfo"]["endCursor"],
                &page["pageInfo"]["hasNextPage"]
            ),
            (&Value::Null, &json!(false)),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_cursor_or_size_that_makes_no_sense_fails_the_list() {
    let server = Server::start().await;
    for wrong in [
        json!({"first": -1}),
        json!({"last": -1}),
        json!({"after": "nonsense"}),
        json!({"before": "MA"}),
    ] {
        let answer = ask(&server, PAGE, wrong.clone()).await;
        assert_eq!(answer["data"], Value::Null, "{wrong}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}
