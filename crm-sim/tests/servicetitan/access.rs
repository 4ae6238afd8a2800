//! Keys, tenants, companies and what is not there.

use crate::api::{APP_KEY, Api, BOOKINGS, booking};
use crate::support::read;
use reqwest::Method;
use serde_json::{Value, json};

async fn ask(api: &Api, path: &str, app: Option<&str>, token: Option<&str>) -> (u16, Value) {
    let mut request = api.bare(Method::GET, path);
    if let Some(app) = app {
        request = request.header("ST-App-Key", app);
    }
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    read(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn a_call_needs_the_apps_key_beside_the_token() {
    let api = Api::start().await;
    let path = "/settings/v2/tenant/4001/business-units?pageSize=1";
    let token = Some("Bearer sim-acme");
    assert_eq!(ask(&api, path, Some(APP_KEY), token).await.0, 200);
    for (app, token, word) in [
        (None, token, "ST-App-Key header is missing"),
        (Some("other"), token, "ST-App-Key header is invalid"),
        (Some(APP_KEY), None, "Unauthorized"),
        (Some(APP_KEY), Some("sim-acme"), "Unauthorized"),
        (Some(APP_KEY), Some("Bearer acme"), "Unauthorized"),
        (Some(APP_KEY), Some("Token sim-acme"), "Unauthorized"),
    ] {
        let (status, problem) = ask(&api, path, app, token).await;
        assert_eq!(status, 401, "{app:?} {token:?}");
        let title = problem["title"].as_str().expect("a title");
        assert!(title.contains(word), "{title}");
        assert_eq!(problem["status"], 401);
        for name in ["type", "traceId", "errors", "data"] {
            assert!(!problem[name].is_null(), "{name}");
        }
    }
    let in_query = format!("{path}&servicetitanapplicationkey={APP_KEY}");
    assert_eq!(ask(&api, &in_query, None, token).await.0, 200);
}

#[tokio::test]
async fn a_company_has_one_tenant_and_shares_it_with_nobody() {
    let api = Api::start().await;
    let look = async |tenant: &str, token: &str| {
        let path = format!("/crm/v2/tenant/{tenant}/customers");
        let token = format!("Bearer {token}");
        ask(&api, &path, Some(APP_KEY), Some(&token)).await.0
    };
    assert_eq!(
        look("999", "sim-acme").await,
        403,
        "a number that is nobody's"
    );
    assert_eq!(look("4001", "sim-acme").await, 200);
    assert_eq!(look("4002", "sim-acme").await, 403);
    assert_eq!(look("4001", "sim-other").await, 403);
    assert_eq!(look("4002", "sim-other").await, 200);
    for wrong in ["acme", "-1", "4001x"] {
        assert_eq!(look(wrong, "sim-acme").await, 403, "{wrong}");
    }
    assert_eq!(
        look("4001", "acme").await,
        401,
        "who is nobody learns of no tenant"
    );
}

#[tokio::test]
async fn companies_never_see_each_others_records() {
    let api = Api::start().await;
    let customer = api.customer("6025551234").await;
    let (_, filed) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    let token = Some("Bearer sim-other");
    for path in [
        format!("/customers/{}", customer["id"]),
        format!("/customers/{}/contacts", customer["id"]),
        format!("/locations/{}", customer["locations"][0]["id"]),
        format!("/bookings/{}", filed["id"]),
    ] {
        let path = format!("/crm/v2/tenant/5000{path}");
        assert_eq!(
            ask(&api, &path, Some(APP_KEY), token).await.0,
            404,
            "{path}"
        );
    }
    for path in ["/customers?phone=6025551234", "/bookings?externalId=e-1"] {
        let path = format!("/crm/v2/tenant/5000{path}");
        let (_, list) = ask(&api, &path, Some(APP_KEY), token).await;
        assert_eq!(list["data"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn there_is_nothing_beside_the_documented_endpoints() {
    let api = Api::start().await;
    let (_, filed) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    let note = json!({"text": "x"});
    let on_booking = format!("/bookings/{}/notes", filed["id"]);
    for path in ["/bookings", on_booking.as_str()] {
        assert_eq!(api.post("crm", path, &note).await.0, 404, "{path}");
    }
    assert_eq!(api.get("settings", "/job-types").await.0, 404);
    assert_eq!(api.get("settings", "/campaigns").await.0, 404);
    assert_eq!(api.get("crm", "/customers/abc").await.0, 404);
    let problem = api.get("crm", "/customers/1").await;
    assert_eq!((problem.0, &problem.1["status"]), (404, &json!(404)));
}
