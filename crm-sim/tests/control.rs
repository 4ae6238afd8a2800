//! The control API: what it turns, what it shows, what it refuses.

mod support;

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, LONG, Server, rows};

#[tokio::test]
async fn rules_are_listed_in_order_and_removed_one_by_one_or_all() {
    let server = Server::start().await;
    let rule = |kind: &str| Some(json!({"fault": {"kind": kind}}));
    let (_, first) = server
        .control(Method::POST, "/faults", rule("unauthorized"))
        .await;
    server
        .control(Method::POST, "/faults", rule("reset_after"))
        .await;
    let path = format!("/faults/{}", first["id"]);
    assert_eq!(server.control(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(server.control(Method::DELETE, &path, None).await.0, 404);
    let (_, rules) = server.control(Method::GET, "/faults", None).await;
    assert_eq!(rules[0]["fault"]["kind"], "reset_after");
    assert_eq!(server.control(Method::DELETE, "/faults", None).await.0, 204);
    assert_eq!(
        server.control(Method::GET, "/faults", None).await,
        (200, json!([]))
    );
}

#[tokio::test]
async fn a_wrong_rule_is_refused_and_not_armed() {
    let server = Server::start().await;
    for wrong in [
        json!({"fault": {"kind": "explode"}}),
        json!({"match": {"telephone": "1"}, "fault": {"kind": "down"}}),
        json!({"match": {"probability": 2}, "fault": {"kind": "down"}}),
        json!("down"),
    ] {
        let (status, _) = server
            .control(Method::POST, "/faults", Some(wrong.clone()))
            .await;
        assert_eq!(status, 422, "{wrong}");
    }
    assert_eq!(
        server.control(Method::GET, "/faults", None).await.1,
        json!([])
    );
}

#[tokio::test]
async fn a_crm_nobody_simulates_is_not_found_on_either_side() {
    let server = Server::start().await;
    for path in [
        "/no_such_crm/leads",
        "/_sim/no_such_crm/records",
        "/_sim/housecall_pro/nothing",
        "/",
    ] {
        let answer = server
            .client
            .get(server.url(path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(server.sim.records("no_such_crm"), Value::Null);
}

#[tokio::test]
async fn down_comes_before_every_other_rule_and_up_ends_it() {
    let server = Server::start().await;
    server
        .control(
            Method::POST,
            "/faults",
            Some(json!({"fault": {"kind": "unauthorized"}})),
        )
        .await;
    assert_eq!(server.control(Method::POST, "/down", None).await.0, 201);
    server
        .send((ACME, Method::GET, "/company"), None, LONG)
        .await
        .expect_err("no answer");
    assert_eq!(server.control(Method::POST, "/up", None).await.0, 204);
    assert_eq!(server.get(ACME, "/company").await.0, 401);
}

#[tokio::test]
async fn an_outage_with_a_length_ends_by_itself() {
    let server = Server::start().await;
    server
        .control(Method::POST, "/down", Some(json!({"for_ms": 400})))
        .await;
    let ask = || server.send((ACME, Method::GET, "/company"), None, LONG);
    ask().await.expect_err("no answer");
    let back = async { while ask().await.is_err() {} };
    tokio::time::timeout(LONG, back)
        .await
        .expect("it comes back");
}

#[tokio::test]
async fn latency_delays_answers_and_not_effects() {
    let server = Server::start().await;
    server
        .control(Method::POST, "/latency", Some(json!({"ms": 60_000})))
        .await;
    let body = json!({"first_name": "Ann"});
    let sent = server.send(
        (ACME, Method::POST, "/customers"),
        Some(&body),
        Duration::from_millis(300),
    );
    assert!(sent.await.expect_err("too slow").is_timeout());
    assert_eq!(rows(&server.records().await, "customers").len(), 1);
    server
        .control(Method::POST, "/latency", Some(json!({"ms": 150})))
        .await;
    let begun = Instant::now();
    server.get(ACME, "/company").await;
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn with_index_lag_a_search_misses_what_a_look_up_by_id_finds() {
    let server = Server::start().await;
    let customer = server
        .customer(ACME, json!({"mobile_number": "6025551234"}))
        .await;
    let (_, lead) = server
        .post(ACME, "/leads", &json!({"customer_id": customer}))
        .await;
    let lead = format!("/leads/{}", lead["id"].as_str().expect("an id"));
    server
        .control(Method::POST, "/index_lag", Some(json!({"ms": 3_600_000})))
        .await;
    let by_customer = format!("/leads?customer_id={customer}");
    for list in ["/customers?q=6025551234", by_customer.as_str()] {
        assert_eq!(server.get(ACME, list).await.1["total_items"], 0, "{list}");
    }
    assert_eq!(
        server.get(ACME, &format!("/customers/{customer}")).await.0,
        200
    );
    assert_eq!(server.get(ACME, &lead).await.0, 200);
    server
        .control(Method::POST, "/index_lag", Some(json!({"ms": 0})))
        .await;
    assert_eq!(
        server.get(ACME, "/customers?q=6025551234").await.1["total_items"],
        1
    );
}

#[tokio::test]
async fn keys_can_be_revoked_and_allowed() {
    let server = Server::start().await;
    let customer = server.customer(ACME, json!({"first_name": "Ann"})).await;
    let tokens = |change| server.control(Method::POST, "/tokens", Some(change));
    tokens(json!({"revoke": {"key": ACME}})).await;
    assert_eq!(
        server.get(ACME, "/company").await,
        (401, json!({"message": "Unauthorized"}))
    );
    tokens(json!({"allow": {"key": "second key", "company": "acme"}})).await;
    assert_eq!(
        server
            .get("second key", &format!("/customers/{customer}"))
            .await
            .0,
        200
    );
    assert_eq!(tokens(json!({"forget": {"key": ACME}})).await.0, 422);
}

#[tokio::test]
async fn the_books_can_be_read_per_company_as_lines_and_emptied() {
    let server = Server::start().await;
    for key in [ACME, "sim-other"] {
        let customer = server.customer(key, json!({"first_name": "Ann"})).await;
        server
            .post(
                key,
                "/leads",
                &json!({"customer_id": customer, "note": "AC out"}),
            )
            .await;
    }
    let (_, books) = server
        .control(Method::GET, "/records?company=acme", None)
        .await;
    assert_eq!(
        (rows(&books, "customers").len(), rows(&books, "leads").len()),
        (1, 1)
    );
    assert_eq!(books["requests"]["POST /leads"], json!({"201": 1}));

    let url = server.url("/_sim/housecall_pro/records?format=ndjson");
    let lines = server
        .client
        .get(url)
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<&Value> = lines.iter().map(|line| &line["record"]).collect();
    assert_eq!(kinds, ["customers", "customers", "leads", "leads"]);
    assert_eq!(
        (&lines[3]["company"], &lines[3]["note"]),
        (&json!("other"), &json!("AC out"))
    );

    assert_eq!(
        server.control(Method::DELETE, "/records", None).await.0,
        204
    );
    let empty = json!({"customers": [], "addresses": [], "leads": [], "jobs": [], "notes": [], "requests": {},
                       "late_effects_pending": 0});
    assert_eq!(server.records().await, empty);
}

#[tokio::test]
async fn the_request_log_holds_no_personal_data() {
    let server = Server::start().await;
    server.get(ACME, "/customers?q=6025551234").await;
    server.get(ACME, "/people/6025551234").await;
    server
        .post(ACME, "/customers", &json!({"mobile_number": "6025551234"}))
        .await;
    server.get("nobodys-6025551234", "/company").await;
    let (_, log) = server.control(Method::GET, "/requests?last=4", None).await;
    let lines: Vec<Value> = rows(&log, "requests")
        .iter()
        .map(|line| {
            json!([
                line["method"],
                line["path"],
                line["company"],
                line["status"]
            ])
        })
        .collect();
    let expected = json!([
        ["GET", "/customers", "acme", 200],
        ["GET", "(unknown path)", "acme", 404],
        ["POST", "/customers", "acme", 201],
        ["GET", "/company", null, 401],
    ]);
    assert_eq!(json!(lines), expected);
    assert!(!log.to_string().contains("6025551234"));
    let (_, last) = server.control(Method::GET, "/requests?last=1", None).await;
    assert_eq!(rows(&last, "requests").len(), 1);
}

#[tokio::test]
async fn a_new_simulation_knows_nothing_of_the_one_before() {
    let before = Server::start().await;
    before.customer(ACME, json!({"first_name": "Ann"})).await;
    let after = Server::start().await;
    assert_eq!(after.get(ACME, "/customers").await.1["total_items"], 0);
}

#[tokio::test]
async fn hundreds_of_callers_at_once_lose_and_double_nothing() {
    let server = Server::start().await;
    let flaky = json!({
        "match": {"method": "POST", "path_prefix": "/leads", "probability": 0.2, "seed": 3},
        "fault": {"kind": "status_after", "status": 503},
    });
    server.control(Method::POST, "/faults", Some(flaky)).await;
    let caller = |number: u64| {
        let server = &server;
        async move {
            let phone = format!("602{number:07}");
            let key = format!("sim-company-{}", number % 7);
            let customer = server.customer(&key, json!({"mobile_number": phone})).await;
            let (status, _) = server
                .post(&key, "/leads", &json!({"customer_id": customer}))
                .await;
            let (_, found) = server.get(&key, &format!("/customers?q={phone}")).await;
            assert_eq!(
                (&found["total_items"], &found["customers"][0]["id"]),
                (&json!(1), &json!(customer))
            );
            status
        }
    };
    let statuses = join_all((0..400).map(caller)).await;
    let books = server.records().await;
    assert_eq!(
        (rows(&books, "customers").len(), rows(&books, "leads").len()),
        (400, 400)
    );
    let hidden = statuses.iter().filter(|status| **status == 503).count();
    let (_, rules) = server.control(Method::GET, "/faults", None).await;
    assert_eq!(json!(hidden), rules[0]["fired"]);
    assert!((30..140).contains(&hidden), "{hidden}");
}
