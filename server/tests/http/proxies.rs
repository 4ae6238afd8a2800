//! Behind a proxy: what it says of its callers counts, and what they say of themselves does not.

use std::num::NonZeroU32;

use leadrail_desk::Role;
use leadrail_server::{Admission, Rate, Rates};

use crate::keys::key;
use crate::support::{Answer, Api};

const OURS: &str = "leads.example.com";

async fn behind(proxy: &str) -> Api {
    let few = Rate {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::MIN,
    };
    Api::admitting(Admission {
        hosts: vec![OURS.to_owned()],
        proxies: vec![proxy.parse().expect("a net")],
        rates: Rates {
            key: None,
            peer: Some(few),
        },
        ..Admission::default()
    })
    .await
}

async fn ask(api: &Api, path: &str, key: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let mut request = api.client.get(api.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    api.send(request).await
}

#[tokio::test]
async fn callers_of_a_named_proxy_are_told_apart_and_need_a_key_whatever_name_they_use() {
    let api = behind("127.0.0.0/8").await;
    let key = key(&api, Role::OperatorReadOnly, None).await;
    let api = &api;
    let from = |client, path, key| async move {
        let said = [("x-forwarded-for", client), ("x-forwarded-host", OURS)];
        ask(api, path, key, &said).await.status
    };
    let (one, other) = ("198.51.100.7", "198.51.100.8");
    assert_eq!(from(one, "/readyz", None).await, 200);
    while from(one, "/readyz", None).await != 429 {}
    assert_eq!(from(other, "/readyz", None).await, 200);
    assert_eq!(from(one, "/v1/leads", Some(key.as_str())).await, 200);
}

#[tokio::test]
async fn through_a_named_proxy_nobody_is_on_this_machine() {
    let api = behind("127.0.0.0/8").await;
    for said in [
        &[("x-forwarded-host", "localhost")][..],
        &[("forwarded", "for=198.51.100.7;host=localhost")],
        &[],
    ] {
        let status = ask(&api, "/v1/leads", None, said).await.status;
        assert!([401, 403, 429].contains(&status), "{status}: {said:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_was_called_in_plain_text_is_told_so() {
    let api = behind("127.0.0.0/8").await;
    let key = key(&api, Role::OperatorReadOnly, None).await;
    let by = |proto| {
        let said = [("x-forwarded-proto", proto), ("x-forwarded-host", OURS)];
        let (api, key) = (&api, key.as_str());
        async move { ask(api, "/v1/leads", Some(key), &said).await }
    };
    let problem = by("http").await.assert_problem(403);
    assert_eq!(problem["type"], "urn:leadrail:problem:plain-text");
    assert_eq!(by("https").await.status, 200);
}

#[tokio::test]
async fn what_a_stranger_says_of_itself_is_not_believed_but_makes_it_one() {
    let api = behind("10.0.0.0/8").await;
    let as_host = [("x-forwarded-host", OURS), ("host", "evil.example")];
    ask(&api, "/healthz", None, &as_host)
        .await
        .assert_problem(403);
    // Somebody has passed it on, so a caller without a key is not taken for one on this machine.
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let said = [(header, "for=127.0.0.1")];
        let answer = ask(&api, "/v1/leads", None, &said).await;
        assert!([401, 429].contains(&answer.status), "{header}");
    }
    assert_eq!(ask(&api, "/v1/leads", None, &[]).await.status, 200);
}
