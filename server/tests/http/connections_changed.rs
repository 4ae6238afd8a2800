//! Connections that are there, changed through the API: settings, secrets, and the account's own lists.

use leadrail_crm_sim::CrmSim;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Answer, Api, JSON};

/// The simulated CRMs, served until the test ends; their address.
async fn crms() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listening");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(leadrail_crm_sim::serve(
        listener,
        CrmSim::new(),
        std::future::pending(),
    ));
    format!("http://{address}")
}

async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
    send_if(api, method, path, body, None).await
}

async fn send_if(
    api: &Api,
    method: Method,
    path: &str,
    body: &Value,
    etag: Option<&str>,
) -> Answer {
    let mut request = api.client.request(method, api.url(path));
    if let Some(etag) = etag {
        request = request.header("if-match", etag);
    }
    let request = request.header("content-type", JSON).body(body.to_string());
    api.send(request).await
}

async fn connected(api: &Api, base_url: &str) -> String {
    let body = json!({
        "account": "acme", "crm": "housecall_pro", "secrets": {"api_key": "sim-acme"},
        "base_url": format!("{base_url}/housecall_pro"), "settings": {"lead_source": "Phone"},
    });
    let made = send(api, Method::POST, "/v1/connections", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    format!(
        "/v1/connections/{}",
        made.json()["id"].as_str().expect("an id")
    )
}

async fn patch(api: &Api, path: &str, body: &Value) -> Answer {
    send(api, Method::PATCH, path, body).await
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_the_audit_log_has_before_and_after() {
    let api = Api::start().await;
    let path = connected(&api, "https://crm.example").await;
    let settings = json!({"tag": "night", "lead_source": null});
    let changed = patch(&api, &path, &json!({"settings": settings})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let view = changed.json();
    assert_eq!(view["settings"], json!({"tag": "night"}));
    assert_eq!(view["revision"], 2);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let same = patch(&api, &path, &json!({"settings": {"tag": "night"}})).await;
    assert_eq!(same.json()["revision"], 2, "nothing was changed");
    let account = patch(&api, &path, &json!({"crm_account_id": "north"})).await;
    assert_eq!(account.json()["crm_account_id"], "north");
    let none = patch(&api, &path, &json!({"crm_account_id": null})).await;
    assert_eq!(none.json()["crm_account_id"], Value::Null);
    let audit = api.get("/v1/audit?action=connection.change").await.json();
    let outcomes = audit["entries"].as_array().expect("entries").iter();
    let outcomes: Vec<_> = outcomes.map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(
        outcomes,
        [
            "crm_account_id: north -> none",
            "crm_account_id: none -> north",
            "settings.tag: none -> night; settings.lead_source: \"Phone\" -> none",
        ]
    );
}

#[tokio::test]
async fn of_changes_at_once_none_is_lost_and_a_stale_one_is_refused_where_that_is_asked() {
    let api = Api::start().await;
    let path = connected(&api, "https://crm.example").await;
    let seen = api.get(&path).await;
    let etag = seen.header("etag").expect("a revision").to_owned();
    let fields = [
        json!({"tag": "night"}),
        json!({"settle_seconds": 5}),
        json!({"call_timeout_ms": 9_000}),
        json!({"max_at_once": 3}),
    ];
    let bodies = fields.clone().map(|settings| json!({"settings": settings}));
    let all = futures::future::join_all(bodies.iter().map(|body| patch(&api, &path, body))).await;
    assert!(all.iter().all(|answer| answer.status == 200), "{all:?}");
    let settings = api.get(&path).await.json()["settings"].clone();
    for field in fields {
        let (name, value) = field
            .as_object()
            .and_then(|field| field.iter().next())
            .expect("one");
        assert_eq!(settings[name], *value);
    }
    let late = json!({"settings": {"tag": "day"}});
    let refused = send_if(&api, Method::PATCH, &path, &late, Some(&etag)).await;
    refused.assert_problem(412);
    assert_eq!(api.get(&path).await.json()["settings"]["tag"], "night");
    let now = api.get(&path).await;
    let taken = send_if(&api, Method::PATCH, &path, &late, now.header("etag")).await;
    assert_eq!(
        (taken.status, &taken.json()["settings"]["tag"]),
        (200, &json!("day"))
    );
    for nonsense in ["3", "W/\"3\"", "\"x\"", "\"3\", \"4\"", "\"99999999999\""] {
        let answer = send_if(&api, Method::PATCH, &path, &late, Some(nonsense)).await;
        answer.assert_problem(400);
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_in_words_and_nothing_changes() {
    let api = Api::start().await;
    let path = connected(&api, "https://crm.example").await;
    let before = api.get(&path).await.json();
    for (body, says) in [
        (json!([]), "settings"),
        (json!({"secrets": {"api_key": "sk-canary"}}), "reconnect"),
        (json!({"base_url": "https://canary.example"}), "reconnect"),
        (json!({"state": "active"}), "reconnect"),
        (json!({"settings": {"lead_sauce": "canary"}}), "lead_sauce"),
        (json!({"settings": {"max_at_once": 0}}), "max_at_once"),
        (json!({"settings": {"tag": "canary".repeat(1000)}}), "tag"),
        (json!({"settings": {"tag": "a\u{0}b"}}), "tag"),
        (json!({"settings": {"test_mode": "yes"}}), "test_mode"),
        (json!({"crm_account_id": ""}), "crm_account_id"),
        (json!({"crm_account_id": "x\u{0}"}), "crm_account_id"),
        (json!({"crm_account_id": 7}), "crm_account_id"),
    ] {
        let answer = patch(&api, &path, &body).await;
        answer.assert_problem(400);
        assert!(answer.text.contains(says), "{body}: {}", answer.text);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    let plain = api.client.patch(api.url(&path)).body("{}");
    api.send(plain).await.assert_problem(415);
    assert_eq!(api.get(&path).await.json(), before);
    let north = json!({
        "account": "acme", "crm": "housecall_pro", "crm_account_id": "north",
        "secrets": {"api_key": "sk"},
    });
    assert_eq!(
        send(&api, Method::POST, "/v1/connections", &north)
            .await
            .status,
        201
    );
    let taken = patch(&api, &path, &json!({"crm_account_id": "north"})).await;
    taken.assert_problem(409);
    assert_eq!(api.get(&path).await.json(), before);
}

#[tokio::test]
async fn new_secrets_are_tried_first_and_what_the_crm_refuses_changes_nothing() {
    let api = Api::start().await;
    let url = crms().await;
    let path = connected(&api, &url).await;
    let reconnect = format!("{path}/reconnect");
    let with = |secret: &str| json!({"secrets": {"api_key": secret}});
    let before = api.get(&path).await.json();
    let refused = send(&api, Method::POST, &reconnect, &with("canary-key")).await;
    refused.assert_problem(422);
    assert!(!refused.text.contains("canary"), "{}", refused.text);
    assert_eq!(api.get(&path).await.json(), before);
    for body in [
        json!({}),
        json!({"secrets": {}}),
        json!({"secrets": {"api_key": ""}}),
        json!({"secrets": {"password": "canary"}}),
        json!({"secrets": {"api_key": "canary".repeat(10_000)}}),
        json!({"secrets": {"api_key": "sim-acme"}, "base_url": "http://169.254.169.254/"}),
        json!({"secrets": {"api_key": "sim-acme"}, "auth_method": "magic"}),
        json!({"secrets": {"api_key": "sim-acme"}, "settings": {}}),
    ] {
        let answer = send(&api, Method::POST, &reconnect, &body).await;
        answer.assert_problem(400);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    assert_eq!(api.get(&path).await.json(), before);

    let good = send(&api, Method::POST, &reconnect, &with("sim-acme")).await;
    assert_eq!(good.status, 200, "{}", good.text);
    let view = good.json();
    assert_eq!(
        (&view["id"], &view["state"]),
        (&before["id"], &json!("active"))
    );
    assert_eq!(view["settings"], before["settings"]);
    assert!(view["last_verified_at"].is_string());
    let known = view["verified_name"].clone();
    let other = send(&api, Method::POST, &reconnect, &with("sim-bolt")).await;
    let problem = other.assert_problem(409);
    let detail = problem["detail"].as_str().expect("words");
    assert!(detail.contains(known.as_str().expect("a name")), "{detail}");
    let mut meant = with("sim-bolt");
    meant["other_account"] = json!(true);
    let meant = send(&api, Method::POST, &reconnect, &meant).await.json();
    assert_ne!(meant["verified_name"], known);
}

#[tokio::test]
async fn an_account_s_own_client_is_tried_first_as_well() {
    let (api, url) = (Api::start().await, crms().await);
    let with = |secret: &str| json!({"client_id": "sim-acme", "client_secret": secret, "app_key": "sim-app-key"});
    let body = json!({
        "account": "acme", "crm": "servicetitan", "auth_method": "client_credentials",
        "secrets": with("sim-acme-secret"), "base_url": format!("{url}/servicetitan"),
        "settings": {"tenant_id": 1000, "booking_provider": 99},
    });
    let made = send(&api, Method::POST, "/v1/connections", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!(
        "/v1/connections/{}",
        made.json()["id"].as_str().expect("an id")
    );
    let reconnect = format!("{path}/reconnect");
    let before = api.get(&path).await.json();
    let wrong = json!({"secrets": with("canary-secret")});
    let refused = send(&api, Method::POST, &reconnect, &wrong).await;
    refused.assert_problem(422);
    assert!(!refused.text.contains("canary"), "{}", refused.text);
    assert_eq!(api.get(&path).await.json(), before);
    let right = json!({"secrets": with("sim-acme-secret")});
    let good = send(&api, Method::POST, &reconnect, &right).await;
    assert_eq!(good.status, 200, "{}", good.text);
    assert!(good.json()["last_verified_at"].is_string(), "{}", good.text);
}

#[tokio::test]
async fn the_accounts_own_lists_are_asked_for_by_setting_or_all_at_once() {
    let api = Api::start().await;
    let url = crms().await;
    let body = json!({
        "account": "acme", "crm": "servicetitan", "base_url": format!("{url}/servicetitan"),
        "auth_method": "bearer_token",
        "secrets": {"access_token": "sim-acme", "app_key": "sim-app-key"},
        "settings": {"tenant_id": 1234, "booking_provider": 1},
    });
    let made = send(&api, Method::POST, "/v1/connections", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!(
        "/v1/connections/{}",
        made.json()["id"].as_str().expect("an id")
    );
    let all = api.get(&format!("{path}/options")).await;
    assert_eq!(all.status, 200, "{}", all.text);
    let settings = all.json()["options"].as_array().expect("lists").len();
    assert!(settings >= 4, "{}", all.text);
    let one = api
        .get(&format!("{path}/options?setting=business_unit"))
        .await
        .json();
    assert_eq!(one["options"].as_array().map(Vec::len), Some(1));
    assert_eq!(one["options"][0]["setting"], "business_unit");
    for wrong in ["setting=tenant_id", "setting=a%00b", "settings=x"] {
        let answer = api.get(&format!("{path}/options?{wrong}")).await;
        answer.assert_problem(400);
    }
    let none = connected(&api, &url).await;
    let none = api.get(&format!("{none}/options")).await.json();
    assert_eq!(none, json!({"options": []}));
}

#[tokio::test]
async fn the_form_of_a_crm_says_what_a_connection_asks_for() {
    let api = Api::start().await;
    let form = api.get("/v1/crms/servicetitan").await.json();
    let rate = (&form["rate"]["requests"], &form["rate"]["seconds"]);
    assert_eq!(rate, (&json!(60), &json!(1)));
    let setting = |name: &str| {
        let mut all = form["settings"].as_array().expect("settings").iter();
        all.find(|one| one["name"] == name).expect(name).clone()
    };
    assert_eq!(setting("mode")["type"], "choice");
    assert_eq!(setting("environment")["choices"][0], "production");
    assert_eq!(setting("business_unit")["options"], true);
    assert_eq!(setting("test_mode")["type"], "switch");
    assert!(form["auth"][0]["secrets"][0]["name"].is_string());
    let all = api.get("/v1/crms").await.json();
    assert!(
        all["crms"]
            .as_array()
            .is_some_and(|all| all.contains(&form))
    );
    api.get("/v1/crms/nope").await.assert_problem(400);
}
