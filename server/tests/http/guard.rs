//! Only this machine may call.

use leadrail_server::{BindError, bind};

use crate::support::{Api, lead};

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_in_words() {
    for address in ["0.0.0.0:0", "[::]:0", "10.1.2.3:0", "[::ffff:10.1.2.3]:0"] {
        let address = address.parse().expect("an address");
        let refused = bind(address).await.expect_err("not loopback");
        assert!(
            matches!(refused, BindError::NotLoopback { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("127.0.0.1"), "{refused}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_says_so() {
    let first = bind(([127, 0, 0, 1], 0).into()).await.expect("listening");
    let address = first.local_addr().expect("an address");
    let refused = bind(address).await.expect_err("taken");
    assert!(matches!(refused, BindError::Io { .. }), "{refused}");
}

#[tokio::test]
async fn a_name_that_was_pointed_at_this_machine_is_refused_on_every_route() {
    let api = Api::start().await;
    for path in [
        "/v1/leads",
        "/v1/connections",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/x",
    ] {
        let request = api.client.get(api.url(path)).header("host", "evil.example");
        let answer = api.send(request).await;
        let problem = answer.assert_problem(403);
        assert_eq!(problem["type"], "urn:leadrail:problem:foreign-host");
    }
}

#[tokio::test]
async fn a_web_page_of_another_site_can_neither_post_nor_test() {
    let api = Api::start().await;
    let body = lead(1).to_string();
    let id = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
    for path in ["/v1/leads".to_owned(), format!("/v1/connections/{id}/test")] {
        let request = api.client.post(api.url(&path)).body(body.clone());
        let request = request.header("origin", "https://evil.example");
        let answer = api
            .send(request.header("content-type", "application/json"))
            .await;
        answer.assert_problem(403);
    }
    assert_eq!(api.kept().await, 0);
}
