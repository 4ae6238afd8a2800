//! Signing in through the API: the operator's client, the account's link, the browser's two pages.

use leadrail_crm_sim::CrmSim;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Answer, Api, JSON};

/// A browser that follows no redirect by itself.
fn browser() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "our own API and the simulator are called"
    )]
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    client.build().expect("a client")
}

async fn simulator() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(leadrail_crm_sim::serve(
        listener,
        CrmSim::new(),
        std::future::pending(),
    ));
    url
}

async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
    let request = api.client.request(method, api.url(path));
    let request = request.header("content-type", JSON).body(body.to_string());
    api.send(request).await
}

async fn with_client() -> (Api, String) {
    let (api, sim) = (Api::start().await, simulator().await);
    let set = send(
        &api,
        Method::POST,
        "/v1/providers",
        &json!({
            "provider": "housecall_pro", "client_id": "sim-app", "client_secret": "sim-app-secret",
            "base_url": format!("{sim}/housecall_pro"),
        }),
    )
    .await;
    assert_eq!(set.status, 201, "{}", set.text);
    assert!(!set.text.contains("secret"), "{}", set.text);
    (api, sim)
}

async fn begin(api: &Api) -> Value {
    let body = json!({"account": "acme", "crm": "housecall_pro", "settings": {"tag": "night"}});
    let begun = send(api, Method::POST, "/v1/sign-ins", &body).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    begun.json()
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).expect(name).to_str();
    value.expect("text").to_owned()
}

#[track_caller]
fn assert_guarded(answer: &Response) {
    assert_eq!(header(answer, "referrer-policy"), "no-referrer");
    assert_eq!(header(answer, "cache-control"), "no-store");
    assert!(header(answer, "content-security-policy").contains("default-src 'none'"));
}

#[tokio::test]
async fn an_account_is_connected_by_a_link_a_page_of_the_provider_and_a_page_of_ours() {
    let (api, _) = with_client().await;
    let begun = begin(&api).await;
    assert_eq!(begun["connection"]["state"], "pending");
    assert_eq!(begun["connection"]["settings"], json!({"tag": "night"}));
    let link = begun["url"].as_str().expect("a link");
    assert!(
        link.starts_with(&api.url("/oauth/housecall_pro/start/")),
        "{link}"
    );

    let browser = browser();
    let ahead = browser
        .get(link)
        .header("sec-purpose", "prefetch")
        .send()
        .await;
    assert_eq!(ahead.expect("an answer").status(), 204);
    let left = browser.get(link).send().await.expect("an answer");
    assert_eq!(left.status(), 302);
    assert_guarded(&left);
    let cookie = header(&left, SET_COOKIE.as_str());
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let mut page = Url::parse(&header(&left, LOCATION.as_str())).expect("a URL");
    let asked = page.query_pairs().find(|(name, _)| name == "redirect_uri");
    let (_, callback) = asked.expect("an address to come back to");
    assert_eq!(callback, api.url("/oauth/housecall_pro/callback"));
    page.query_pairs_mut().append_pair("company", "acme");
    let back = browser.get(page).send().await.expect("an answer");
    let back = header(&back, LOCATION.as_str());

    // A page of the provider's site leads here, so the browser says that it comes from elsewhere.
    let arrived = browser.get(&back).header(COOKIE, cookie);
    let arrived = arrived.header("sec-fetch-site", "cross-site").send().await;
    let arrived = arrived.expect("an answer");
    assert_eq!(arrived.status(), 200);
    assert_guarded(&arrived);
    assert!(header(&arrived, SET_COOKIE.as_str()).contains("Max-Age=0"));
    let text = arrived.text().await.expect("text");
    assert!(text.contains("is connected"), "{text}");

    let id = begun["connection"]["id"].as_str().expect("an id");
    let shown = api.get(&format!("/v1/connections/{id}")).await.json();
    assert_eq!(
        (&shown["state"], &shown["auth_method"]),
        (&json!("active"), &json!("oauth"))
    );
    let tested = api
        .call(Method::POST, &format!("/v1/connections/{id}/test"))
        .await;
    assert_eq!(tested.json()["ok"], true, "{}", tested.text);
    let audit = api.get(&format!("/v1/audit?subject={id}")).await.text;
    assert!(
        audit.contains("sign_in.begin") && audit.contains("sign_in.end"),
        "{audit}"
    );

    let used = browser.get(link).send().await.expect("an answer");
    assert_eq!(used.status(), 410);
    assert_guarded(&used);
}

#[tokio::test]
async fn the_budget_of_a_sign_in_holds_and_the_audit_log_has_what_was_changed() {
    let (api, _) = with_client().await;
    let budgeted = |at_once: u32| json!({"account": "acme", "crm": "housecall_pro", "settings": {"max_at_once": at_once}});
    for at_once in [3, 2] {
        let begun = send(&api, Method::POST, "/v1/sign-ins", &budgeted(at_once)).await;
        assert_eq!(begun.status, 201, "{}", begun.text);
        let limits: Vec<i32> = sqlx::query_scalar(
            "select max_running from leadrail.lane where max_running is not null",
        )
        .fetch_all(api.pool())
        .await
        .expect("read");
        assert_eq!(limits, [i32::try_from(at_once).expect("few")]);
    }
    let audit = api.get("/v1/audit?action=sign_in.begin").await.json();
    let latest = audit["entries"][0]["outcome"].as_str().expect("words");
    assert_eq!(latest, "settings.max_at_once: 3 -> 2");
}

#[tokio::test]
async fn whoever_comes_back_without_having_left_from_here_gets_a_page_and_nothing_else() {
    let (api, _) = with_client().await;
    begin(&api).await;
    for path in [
        "/oauth/housecall_pro/callback",
        "/oauth/housecall_pro/callback?code=canary&state=canary",
        "/oauth/housecall_pro/callback?error=canary&state=canary",
        "/oauth/housecall_pro/callback?%00=canary",
        "/oauth/nobody/callback?code=canary&state=canary",
        "/oauth/servicetitan/callback?code=canary&state=canary",
        "/oauth/housecall_pro/callback?state=a&state=b&code=canary",
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        let kind = answer.header("content-type").expect("a kind");
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
    }
    for path in [
        "/oauth/housecall_pro/start/canary",
        "/oauth/nobody/start/canary",
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 410, "{path}: {}", answer.text);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
}

#[tokio::test]
async fn what_cannot_be_signed_in_to_or_set_up_is_refused_with_a_sentence() {
    let (api, _) = with_client().await;
    for (body, says) in [
        (json!([]), "crm"),
        (json!({"crm": "housecall_pro"}), "account"),
        (json!({"account": "acme", "crm": "nope"}), "housecall_pro"),
        (
            json!({"account": "acme", "crm": "servicetitan"}),
            "client_credentials",
        ),
        (json!({"account": "acme", "crm": "jobber"}), "provider set"),
        (
            json!({"account": "acme", "crm": "housecall_pro", "environment": "moon"}),
            "environment",
        ),
        (
            json!({"account": "acme", "crm": "housecall_pro", "settings": {"tagg": "x"}}),
            "tagg",
        ),
        (
            json!({"account": "acme", "crm": "housecall_pro", "secrets": {}}),
            "crm",
        ),
    ] {
        let answer = send(&api, Method::POST, "/v1/sign-ins", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert!(answer.text.contains(says), "{body}: {}", answer.text);
    }
    let made = api.get("/v1/connections").await.json();
    assert_eq!(made, json!({"connections": []}));
    for (body, says) in [
        (
            json!({"provider": "jobber", "client_id": "x"}),
            "client_secret",
        ),
        (
            json!({"provider": "nope", "client_id": "x", "client_secret": "canary"}),
            "provider",
        ),
        (
            json!({"provider": "jobber", "client_id": "x", "client_secret": "canary",
                "base_url": "http://169.254.169.254"}),
            "base URL",
        ),
    ] {
        let answer = send(&api, Method::POST, "/v1/providers", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert!(
            answer.text.contains(says) && !answer.text.contains("canary"),
            "{}",
            answer.text
        );
    }
    let direct =
        json!({"account": "acme", "crm": "housecall_pro", "auth_method": "oauth", "secrets": {}});
    let direct = send(&api, Method::POST, "/v1/connections", &direct).await;
    assert_eq!(direct.status, 400, "{}", direct.text);
}

#[tokio::test]
async fn our_clients_are_listed_without_secrets_and_taken_away() {
    let (api, _) = with_client().await;
    let listed = api.get("/v1/providers").await;
    assert!(!listed.text.contains("sim-app-secret"));
    let providers = listed.json()["providers"]
        .as_array()
        .expect("a list")
        .clone();
    assert_eq!(providers.len(), 14);
    let ours = providers
        .iter()
        .find(|one| one["name"] == "housecall_pro")
        .expect("one");
    assert_eq!(ours["clients"][0]["client_id"], "sim-app");
    assert_eq!(
        ours["redirect_uri"],
        api.url("/oauth/housecall_pro/callback")
    );
    let path = "/v1/providers/housecall_pro/production";
    assert_eq!(api.call(Method::DELETE, path).await.status, 204);
    assert_eq!(api.call(Method::DELETE, path).await.status, 404);
    let nobody = api
        .call(Method::DELETE, "/v1/providers/nobody/production")
        .await;
    assert_eq!(nobody.status, 400, "{}", nobody.text);
}
