//! Only this machine may call, unless the configuration lets others in.

use leadrail_server::{Admission, BindError, bind, bind_with};

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
async fn beyond_this_machine_it_listens_with_tls_or_a_proxy_and_under_a_name() {
    let address = "0.0.0.0:0".parse().expect("an address");
    let hosts = vec!["leads.example.com".to_owned()];
    let proxies = vec!["10.0.0.0/8".parse().expect("a net")];
    let with = |hosts: &[String], proxies: &[_]| Admission {
        hosts: hosts.to_vec(),
        proxies: proxies.to_vec(),
        ..Admission::default()
    };
    let refused = bind_with(address, &with(&hosts, &[]), None).await;
    let refused = refused.expect_err("nothing protects it");
    assert!(
        matches!(refused, BindError::Unprotected { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("tls.certificate"), "{refused}");
    let refused = bind_with(address, &with(&[], &proxies), None).await;
    let refused = refused.expect_err("nobody could call it");
    assert!(matches!(refused, BindError::Nameless { .. }), "{refused}");
    let listener = bind_with(address, &with(&hosts, &proxies), None).await;
    assert_eq!(listener.expect("listening").scheme(), "http");
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
        "/docs",
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

#[tokio::test]
async fn a_page_on_another_port_of_this_machine_changes_nothing() {
    let api = Api::start().await;
    let accepted = api.post_lead(&lead(1)).await.json();
    let (event, run) = (accepted["event_id"].as_str(), accepted["run_id"].as_str());
    let (event, run) = (event.expect("an id"), run.expect("an id"));
    let calls = [
        format!("/v1/leads/{event}/cancel"),
        format!("/v1/runs/{run}/signals/go"),
        "/v1/connections/3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10/test".to_owned(),
    ];
    for path in &calls {
        let request = api.client.post(api.url(path)).body("{}");
        let request = request.header("origin", "http://localhost:3000");
        let request = request.header("sec-fetch-site", "same-site");
        api.send(request).await.assert_problem(403);
    }
    // A browser that does not say so can send a form or plain text without asking first, not JSON.
    for path in &calls[..2] {
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let request = api.client.post(api.url(path)).body("{}");
            let request = request.header("content-type", kind);
            api.send(request).await.assert_problem(415);
        }
    }
    assert_eq!(
        api.get(&format!("/v1/leads/{event}")).await.json()["lead"]["state"],
        "queued"
    );
}
