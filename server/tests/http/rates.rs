//! Whoever calls too often is told when to come again, and holds nobody else up.

use std::num::NonZeroU32;

use leadrail_desk::Role;
use leadrail_server::{Admission, Rate, Rates};

use crate::keys::key;
use crate::support::{Answer, Api, JSON, lead};

/// So many at once, and then one a second.
fn at_once(burst: u32) -> Option<Rate> {
    Some(Rate {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::new(burst)?,
    })
}

async fn limited(rates: Rates) -> Api {
    Api::admitting(Admission {
        rates,
        ..Admission::default()
    })
    .await
}

async fn get(api: &Api, key: Option<&str>, path: &str) -> Answer {
    let request = api.client.get(api.url(path));
    api.send(match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    })
    .await
}

/// Asks until it is refused, and what it was told then.
async fn until_refused(api: &Api, key: Option<&str>, path: &str) -> Answer {
    loop {
        let answer = get(api, key, path).await;
        if answer.status == 429 {
            return answer;
        }
    }
}

fn number(answer: &Answer, header: &str) -> u64 {
    let value = answer.header(header).unwrap_or_else(|| panic!("{header}"));
    value.parse().expect("a whole number")
}

#[tokio::test]
async fn a_key_that_is_used_too_often_is_refused_and_another_one_is_not() {
    let api = limited(Rates {
        key: at_once(3),
        peer: None,
    })
    .await;
    let (one, other) = (
        key(&api, Role::Account, Some("acme")).await,
        key(&api, Role::Intake, None).await,
    );
    let first = get(&api, Some(&one), "/v1/me").await;
    assert_eq!(first.status, 200);
    assert_eq!(number(&first, "ratelimit-limit"), 3);
    assert_eq!(number(&first, "ratelimit-remaining"), 2);
    assert_eq!(number(&first, "ratelimit-reset"), 1);
    let refused = until_refused(&api, Some(&one), "/v1/me").await;
    let problem = refused.assert_problem(429);
    assert_eq!(problem["type"], "urn:leadrail:problem:too-many-requests");
    assert!(number(&refused, "retry-after") >= 1);
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    assert_eq!(get(&api, Some(&other), "/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_lead_that_comes_too_often_is_not_kept_and_comes_again() {
    let api = limited(Rates {
        key: at_once(1),
        peer: None,
    })
    .await;
    // Callers on this machine that need no key are counted together.
    let mut taken = 0_u64;
    while api.post(JSON, lead(taken + 1).to_string()).await.status == 202 {
        taken += 1;
    }
    assert_eq!(api.kept().await.cast_unsigned(), taken);
    while api.post(JSON, lead(taken + 1).to_string()).await.status == 429 {}
    assert_eq!(api.kept().await.cast_unsigned(), taken + 1);
}

#[tokio::test]
async fn whoever_has_no_key_is_counted_by_address_and_is_always_told_that_we_are_alive() {
    let api = limited(Rates {
        key: None,
        peer: at_once(2),
    })
    .await;
    let wrong = until_refused(&api, Some("lr_live_x"), "/v1/me").await;
    wrong.assert_problem(429);
    until_refused(&api, None, "/openapi.json").await;
    for _ in 0..50 {
        assert_eq!(get(&api, None, "/healthz").await.status, 200);
    }
    let good = key(&api, Role::Intake, None).await;
    for _ in 0..50 {
        let answer = get(&api, Some(&good), "/v1/me").await;
        assert_eq!(answer.status, 200, "a key that works is not counted here");
        assert_eq!(answer.header("ratelimit-limit"), None, "nor by key");
    }
}
