//! How many calls a location has.

use crate::asking::{get, request, sent};
use crate::support::Server;
use leadrail_crm_sim::{GOHIGHLEVEL, Limits};
use reqwest::Method;

fn allow(server: &Server, requests: u64) {
    let limits = Limits {
        requests: Some(requests),
        ..Limits::default()
    };
    assert!(server.sim.set_limits(GOHIGHLEVEL, "acme", &limits));
}

#[tokio::test]
async fn every_answer_says_what_is_left_of_both_budgets() {
    let server = Server::start().await;
    allow(&server, 100);
    let asked = request(&server, Method::GET, "/locations/loc-acme")
        .header("authorization", "Bearer sim-acme")
        .header("version", "2021-07-28");
    let answer = sent(asked).await;
    for (name, value) in [
        ("x-ratelimit-limit-daily", "200000"),
        ("x-ratelimit-daily-remaining", "199999"),
        ("x-ratelimit-interval-milliseconds", "10000"),
        ("x-ratelimit-max", "100"),
        ("x-ratelimit-remaining", "99"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_call_too_many_is_refused_and_another_companys_is_not() {
    let server = Server::start().await;
    allow(&server, 2);
    let path = "/locations/loc-acme";
    assert_eq!(get(&server, path).await.0, 200);
    assert_eq!(get(&server, "/nowhere").await.0, 404, "counted as well");
    assert_eq!(get(&server, path).await.0, 429);
    let other = request(&server, Method::GET, "/locations/loc-other")
        .header("authorization", "Bearer sim-other")
        .header("version", "2021-07-28");
    let other = sent(other).await;
    assert_eq!(other.status(), 200);
    assert!(other.headers().get("retry-after").is_none());
    allow(&server, 2);
    assert_eq!(get(&server, path).await.0, 200, "a new interval");
}
