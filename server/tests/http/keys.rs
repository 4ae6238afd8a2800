//! API keys: whoever has one may do what its role says, for its account, and nothing else.

use std::time::Duration;

use leadrail_desk::{Actor, KeyMode, NewKey, Role};
use leadrail_server::Admission;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Answer, Api, JSON, event_id, lead};

const ACTOR: Actor = Actor::System { part: "test" };

pub(crate) async fn closed() -> Api {
    Api::admitting(Admission {
        hosts: vec!["leads.example.com".to_owned()],
        keys_required: true,
        ..Admission::default()
    })
    .await
}

pub(crate) async fn key(api: &Api, role: Role, account: Option<&str>) -> String {
    issue(api, role, account, KeyMode::Live).await
}

pub(crate) async fn issue(api: &Api, role: Role, account: Option<&str>, mode: KeyMode) -> String {
    let new = NewKey {
        purpose: format!("{role} {account:?}"),
        role,
        account: account.map(str::to_owned),
        mode,
        expires_in: None,
    };
    let made = api.desk.create_key(&ACTOR, new).await.expect("made");
    made.secret.expose_secret().to_owned()
}

/// A call with this key, if any.
pub(crate) async fn call(
    api: &Api,
    key: Option<&str>,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let mut request = api.client.request(method, api.url(path));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if let Some(body) = body {
        request = request.header("content-type", JSON).body(body.to_string());
    }
    api.send(request).await
}

async fn get(api: &Api, key: &str, path: &str) -> Answer {
    call(api, Some(key), Method::GET, path, None).await
}

async fn post(api: &Api, key: &str, path: &str, body: &Value) -> Answer {
    call(api, Some(key), Method::POST, path, Some(body)).await
}

pub(crate) fn lead_of(account: &str, n: u64) -> Value {
    let mut lead = lead(n);
    lead["callsetter_account_id"] = account.into();
    lead
}

#[tokio::test]
async fn without_a_key_that_works_nothing_but_health_is_answered() {
    let api = closed().await;
    let good = key(&api, Role::Operator, None).await;
    let mistyped = format!("{}x", &good[..good.len() - 1]);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let answer = call(&api, None, Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let lead = lead(1);
    for key in [
        None,
        Some(mistyped.as_str()),
        Some(""),
        Some("lr_live_"),
        Some("x y"),
    ] {
        for (method, path, body) in [
            (Method::GET, "/v1/leads", None),
            (Method::POST, "/v1/leads", Some(&lead)),
            (Method::GET, "/v1/connections", None),
            (Method::GET, "/v1/keys", None),
            (Method::GET, "/v1/me", None),
            (Method::GET, "/metrics", None),
        ] {
            let answer = call(&api, key, method, path, body).await;
            assert_eq!(answer.status, 401, "{path}: {answer:?}");
            assert_eq!(
                answer.headers["www-authenticate"],
                "Bearer realm=\"leadrail\""
            );
            assert!(key.is_none_or(|key| key.is_empty() || !answer.text.contains(key)));
        }
    }
    assert_eq!(get(&api, &good, "/v1/leads").await.status, 200);
    let two = api
        .client
        .get(api.url("/v1/leads"))
        .bearer_auth(&good)
        .bearer_auth(&good);
    assert_eq!(api.send(two).await.status, 401, "two keys are none");
}

#[tokio::test]
async fn each_role_may_do_its_own() {
    let api = closed().await;
    let roles = [
        (Role::Operator, None),
        (Role::OperatorReadOnly, None),
        (Role::Account, Some("acme")),
        (Role::Intake, None),
    ];
    let calls = [
        ("GET", "/v1/me", [200, 200, 200, 200]),
        ("POST", "/v1/leads", [202, 403, 202, 202]),
        ("GET", "/v1/leads", [200, 200, 200, 403]),
        ("POST", "/v1/leads/{event_id}/cancel", [404, 403, 404, 403]),
        ("GET", "/v1/connections", [200, 200, 200, 403]),
        ("POST", "/v1/connections/{id}/test", [404, 403, 404, 403]),
        ("GET", "/v1/connections/{id}", [404, 404, 404, 403]),
        ("GET", "/v1/connections/{id}/options", [404, 404, 404, 403]),
        ("PATCH", "/v1/connections/{id}", [404, 403, 404, 403]),
        (
            "POST",
            "/v1/connections/{id}/reconnect",
            [404, 403, 404, 403],
        ),
        ("GET", "/v1/crms", [200, 200, 200, 403]),
        ("GET", "/v1/crms/jobber", [200, 200, 200, 403]),
        ("POST", "/v1/connections/{id}/pause", [404, 403, 404, 403]),
        ("POST", "/v1/connections/{id}/resume", [404, 403, 404, 403]),
        ("POST", "/v1/connections/{id}/disable", [404, 403, 404, 403]),
        ("POST", "/v1/connections/{id}/enable", [404, 403, 404, 403]),
        ("DELETE", "/v1/connections/{id}", [404, 403, 404, 403]),
        ("GET", "/v1/keys", [200, 200, 403, 403]),
        ("DELETE", "/v1/keys/{id}", [404, 403, 403, 403]),
        ("GET", "/v1/audit", [200, 200, 403, 403]),
        ("GET", "/v1/providers", [200, 200, 403, 403]),
        (
            "DELETE",
            "/v1/providers/jobber/production",
            [404, 403, 403, 403],
        ),
        ("POST", "/v1/sign-ins", [400, 403, 400, 403]),
        ("GET", "/metrics", [200, 200, 403, 403]),
        ("POST", "/v1/runs/{id}/signals/x", [404, 403, 403, 403]),
    ];
    for (n, (role, account)) in roles.into_iter().enumerate() {
        let key = key(&api, role, account).await;
        for (method, path, expected) in calls {
            let unknown = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a19";
            let path = path.replace("{event_id}", unknown).replace("{id}", unknown);
            let sends = matches!(method, "POST" | "PATCH");
            let body = sends.then(|| match path.as_str() {
                path if path.ends_with("/reconnect") => json!({"secrets": {"api_key": "x"}}),
                _ if method == "PATCH" => json!({"settings": {}}),
                "/v1/leads" => lead_of("acme", 100 + n as u64),
                path if path.contains("/signals/") => json!(1),
                _ => json!({"why": "x"}),
            });
            let method = method.parse().expect("a method");
            let answer = call(&api, Some(&key), method, &path, body.as_ref()).await;
            assert_eq!(answer.status, expected[n], "{role} {path}: {answer:?}");
        }
        let me = get(&api, &key, "/v1/me").await.json();
        assert_eq!(
            (&me["role"], &me["account"]),
            (&json!(role), &json!(account))
        );
        assert!(!me.to_string().contains(&key));
    }
}

#[tokio::test]
async fn an_accounts_key_sees_its_own_and_is_told_of_no_other() {
    let api = closed().await;
    let (ours, theirs) = (
        key(&api, Role::Account, Some("acme")).await,
        key(&api, Role::Account, Some("bolt")).await,
    );
    let lead = lead_of("acme", 1);
    assert_eq!(post(&api, &theirs, "/v1/leads", &lead).await.status, 422);
    assert_eq!(post(&api, &ours, "/v1/leads", &lead).await.status, 202);
    let batch = json!([lead_of("acme", 2), lead_of("bolt", 3)]);
    let answer = post(&api, &ours, "/v1/leads", &batch).await;
    assert_eq!(answer.status, 207, "{answer:?}");
    let results = answer.json()["results"].clone();
    assert_eq!(results[1]["errors"][0]["pointer"], "/callsetter_account_id");

    let path = format!("/v1/leads/{}", event_id(&lead));
    assert_eq!(get(&api, &ours, &path).await.status, 200);
    let nobodys = get(
        &api,
        &theirs,
        "/v1/leads/3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a19",
    )
    .await;
    for path in [&path, &format!("{path}?account=acme")] {
        let answer = get(&api, &theirs, path).await;
        assert_eq!(
            (answer.status, &answer.text),
            (404, &nobodys.text),
            "{path}"
        );
    }
    let cancel = post(
        &api,
        &theirs,
        &format!("{path}/cancel"),
        &json!({"why": "x"}),
    )
    .await;
    assert_eq!((cancel.status, &cancel.text), (404, &nobodys.text));
    assert_eq!(
        get(&api, &theirs, "/v1/leads").await.json()["leads"],
        json!([])
    );
    assert_eq!(
        get(&api, &theirs, "/v1/leads?account=acme").await.status,
        404
    );
    assert_eq!(
        get(&api, &ours, "/v1/leads").await.json()["leads"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn a_key_that_was_taken_back_is_refused_everywhere_within_five_seconds() {
    let api = closed().await;
    let operator = key(&api, Role::Operator, None).await;
    let asked = json!({"purpose": "pipeline", "role": "intake", "expires_in_days": 1});
    let made = post(&api, &operator, "/v1/keys", &asked).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let (secret, id) = (
        made["key"].as_str().expect("a key"),
        made["id"].as_str().expect("an id"),
    );
    assert!(secret.starts_with(made["shown"].as_str().expect("its beginning")));
    let listed = get(&api, &operator, "/v1/keys").await.text;
    assert!(listed.contains(id) && !listed.contains(secret), "{listed}");

    let other = leadrail_desk::Desk::new(
        api.desk.engine().clone(),
        leadrail_engine::RetrySchedule::default(),
    );
    assert!(
        other.caller(secret).await.expect("asked").is_some(),
        "another process knows it"
    );
    assert_eq!(get(&api, secret, "/v1/me").await.status, 200);
    let path = format!("/v1/keys/{id}");
    let gone = call(&api, Some(&operator), Method::DELETE, &path, None).await;
    assert_eq!(
        (gone.status, gone.json()["revoked"].clone()),
        (200, json!(true))
    );
    assert_eq!(
        get(&api, secret, "/v1/me").await.status,
        401,
        "here at once"
    );
    let refused = async {
        while other.caller(secret).await.expect("asked").is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused)
        .await
        .expect("refused there too");
    let again = call(&api, Some(&operator), Method::DELETE, &path, None).await;
    assert_eq!(again.json()["revoked"], json!(false));
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_made() {
    let api = closed().await;
    let operator = key(&api, Role::Operator, None).await;
    for (asked, says) in [
        (
            json!({"purpose": "x", "role": "admin"}),
            "operator_read_only",
        ),
        (json!({"purpose": " ", "role": "intake"}), "purpose"),
        (
            json!({"purpose": "x".repeat(101), "role": "intake"}),
            "purpose",
        ),
        (json!({"purpose": "x", "role": "account"}), "account"),
        (
            json!({"purpose": "x", "role": "operator", "account": "acme"}),
            "all accounts",
        ),
        (
            json!({"purpose": "x", "role": "intake", "account": ""}),
            "account",
        ),
        (
            json!({"purpose": "x", "role": "intake", "expires_in_days": 0}),
            "ten years",
        ),
        (
            json!({"purpose": "x", "role": "intake", "expires_in_days": 9999}),
            "ten years",
        ),
        (
            json!({"purpose": "x", "role": "intake", "scope": "all"}),
            "purpose",
        ),
        (json!([]), "purpose"),
    ] {
        let answer = post(&api, &operator, "/v1/keys", &asked).await;
        assert_eq!(answer.status, 400, "{asked}: {answer:?}");
        assert!(answer.text.contains(says), "{asked}: {answer:?}");
    }
    let twice = json!({"purpose": "pipeline", "role": "intake"});
    for expected in [201, 201, 400] {
        assert_eq!(
            post(&api, &operator, "/v1/keys", &twice).await.status,
            expected
        );
    }
}

#[tokio::test]
async fn whoever_comes_through_a_proxy_needs_a_key_and_callers_on_this_machine_need_none() {
    let api = Api::admitting(Admission {
        hosts: vec!["leads.example.com".to_owned()],
        ..Admission::default()
    })
    .await;
    let as_host = |host: &str, key: Option<&str>| {
        let mut request = api.client.get(api.url("/v1/leads")).header("host", host);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        api.send(request)
    };
    let key = key(&api, Role::OperatorReadOnly, None).await;
    assert_eq!(as_host("localhost", None).await.status, 200);
    assert_eq!(as_host("leads.example.com", None).await.status, 401);
    assert_eq!(as_host("leads.example.com", Some(&key)).await.status, 200);
    assert_eq!(as_host("evil.example.com", Some(&key)).await.status, 403);
    assert_eq!(
        as_host("localhost", Some("lr_live_x")).await.status,
        401,
        "a wrong key is never ignored"
    );
}

#[tokio::test]
async fn another_accounts_connection_is_not_there_whatever_is_asked_of_it() {
    let api = closed().await;
    let (ours, theirs) = (
        key(&api, Role::Account, Some("acme")).await,
        key(&api, Role::Account, Some("bolt")).await,
    );
    let new = json!({"crm": "housecall_pro", "secrets": {"api_key": "sk-acme"}});
    let made = post(&api, &ours, "/v1/connections", &new).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!(
        "/v1/connections/{}",
        made.json()["id"].as_str().expect("an id")
    );
    let nobodys = "/v1/connections/3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a19";
    let why = json!({"why": "x"});
    let calls = [
        ("GET", "", None),
        ("GET", "/options", None),
        ("PATCH", "", Some(json!({"settings": {"tag": "theirs"}}))),
        ("POST", "/test", None),
        ("POST", "/pause", Some(why.clone())),
        ("POST", "/resume", None),
        ("POST", "/disable", Some(why)),
        ("POST", "/enable", None),
        (
            "POST",
            "/reconnect",
            Some(json!({"secrets": {"api_key": "theirs"}})),
        ),
        ("DELETE", "", None),
    ];
    for (method, what, body) in calls {
        let method: Method = method.parse().expect("a method");
        let ask = async |base: &str| {
            let path = format!("{base}{what}");
            call(&api, Some(&theirs), method.clone(), &path, body.as_ref()).await
        };
        let (other, none) = (ask(&path).await, ask(nobodys).await);
        assert_eq!((other.status, none.status), (404, 404), "{method} {what}");
        let same = |text: &str| {
            text.replace(&path[16..], "ID")
                .replace(&nobodys[16..], "ID")
        };
        assert_eq!(same(&other.text), same(&none.text));
    }
    let now = get(&api, &ours, &path).await.json();
    assert_eq!(
        (&now["state"], &now["revision"]),
        (&json!("active"), &json!(1))
    );
    let for_acme = json!({"account": "acme", "crm": "housecall_pro", "secrets": {"api_key": "x"}});
    assert_eq!(
        post(&api, &theirs, "/v1/connections", &for_acme)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_test_key_shows_what_would_become_of_a_lead_and_keeps_nothing() {
    let api = closed().await;
    let operator = key(&api, Role::Operator, None).await;
    let connected = json!({
        "account": "acme", "crm": "housecall_pro", "secrets": {"api_key": "sim-secret-of-acme"},
        "settings": {"lead_source": "Phone line 7"},
    });
    let connected = post(&api, &operator, "/v1/connections", &connected).await;
    assert_eq!(connected.status, 201, "{connected:?}");
    let connection = connected.json()["id"].clone();
    let asked = json!({"purpose": "build", "role": "account", "account": "acme", "test": true});
    let made = post(&api, &operator, "/v1/keys", &asked).await.json();
    let key = made["key"].as_str().expect("a key");
    assert!(key.starts_with("lr_test_"), "{}", made["shown"]);
    assert_eq!(made["mode"], "test");
    assert_eq!(get(&api, key, "/v1/me").await.json()["mode"], "test");

    let mut lead = lead_of("acme", 1);
    lead["contact"]["email"] = json!("n/a");
    let request = api.client.post(api.url("/v1/leads")).bearer_auth(key);
    let request = request.header("idempotency-key", "another").json(&lead);
    let problem = api.send(request).await.json();
    assert_eq!(problem["type"], "urn:leadrail:problem:idempotency-key");
    for _ in 0..2 {
        let answer = post(&api, key, "/v1/leads", &lead).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let tested = answer.json();
        assert_eq!(
            (&tested["test"], &tested["connection_id"]),
            (&json!(true), &connection)
        );
        assert_eq!(tested["warnings"][0]["field"], "/contact/email");
        assert!(
            tested["requests"]
                .as_array()
                .is_some_and(|requests| requests.len() > 1)
        );
        assert!(!answer.text.contains("sim-secret-of-acme"));
        assert!(
            answer.text.contains("Phone line 7"),
            "its own settings: {answer:?}"
        );
    }
    assert_eq!(api.kept().await, 0);
    post(&api, key, "/v1/leads", &lead_of("bolt", 1))
        .await
        .assert_problem(422);
    post(&api, key, "/v1/leads", &json!({}))
        .await
        .assert_problem(422);
    post(&api, key, "/v1/leads", &json!([lead]))
        .await
        .assert_problem(400);
    let refused = post(&api, key, "/v1/connections", &json!({}))
        .await
        .assert_problem(403);
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|said| said.contains("lr_live_")),
        "{refused}"
    );
    assert_eq!(get(&api, key, "/v1/leads").await.status, 200);
    assert_eq!(api.kept().await, 0);
}

#[tokio::test]
async fn a_test_key_for_intake_learns_nothing_of_connections_and_operators_have_none() {
    let api = closed().await;
    let operator = key(&api, Role::Operator, None).await;
    let connected = json!({
        "account": "acme", "crm": "housecall_pro", "secrets": {"api_key": "sim-x"},
        "settings": {"lead_source": "Phone line 7"},
    });
    assert_eq!(
        post(&api, &operator, "/v1/connections", &connected)
            .await
            .status,
        201
    );
    let key = issue(&api, Role::Intake, None, KeyMode::Test).await;
    let answer = post(&api, &key, "/v1/leads", &lead_of("acme", 1)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["connection_id"], Value::Null);
    assert!(!answer.text.contains("Phone line 7"), "{answer:?}");
    for role in ["operator", "operator_read_only"] {
        let asked = json!({"purpose": "x", "role": role, "test": true});
        post(&api, &operator, "/v1/keys", &asked)
            .await
            .assert_problem(400);
    }
    // A live key of the same purpose is another key: two of each may work.
    for test in [false, false, true, true] {
        let asked = json!({"purpose": "both", "role": "intake", "test": test});
        assert_eq!(post(&api, &operator, "/v1/keys", &asked).await.status, 201);
    }
    let third = json!({"purpose": "both", "role": "intake", "test": true});
    post(&api, &operator, "/v1/keys", &third)
        .await
        .assert_problem(400);
}
