//! Keys, companies and what is not there.

use crate::support::{ACME, Server, read, rows};
use serde_json::json;

#[tokio::test]
async fn only_a_valid_key_in_the_documented_header_opens_a_company() {
    let server = Server::start().await;
    let ask = async |header: Option<&str>| {
        let request = server.client.get(server.url("/housecall_pro/company"));
        let request = match header {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    };
    for valid in ["Token sim-acme", "Bearer sim-acme"] {
        let (status, company) = ask(Some(valid)).await;
        assert_eq!((status, &company["id"]), (200, &json!("acme")), "{valid}");
        assert!(company["name"].is_string() && company["time_zone"].is_string());
    }
    for wrong in [
        "Token acme",
        "Token sim-",
        "sim-acme",
        "Basic sim-acme",
        "Token",
        "",
    ] {
        assert_eq!(
            ask(Some(wrong)).await,
            (401, json!({"message": "Unauthorized"})),
            "{wrong}"
        );
    }
    assert_eq!(ask(None).await.0, 401);
}

#[tokio::test]
async fn companies_never_see_each_others_records() {
    let server = Server::start().await;
    let customer = server
        .customer(ACME, json!({"mobile_number": "6025551234"}))
        .await;
    let (_, lead) = server
        .post(ACME, "/leads", &json!({"customer_id": customer}))
        .await;
    let lead = lead["id"].as_str().expect("an id");
    for path in [format!("/customers/{customer}"), format!("/leads/{lead}")] {
        assert_eq!(server.get("sim-other", &path).await.0, 404, "{path}");
    }
    for path in [
        "/customers?q=6025551234".to_owned(),
        format!("/leads?customer_id={customer}"),
    ] {
        assert_eq!(
            server.get("sim-other", &path).await.1["total_items"],
            0,
            "{path}"
        );
    }
    let stolen = server
        .post("sim-other", "/leads", &json!({"customer_id": customer}))
        .await;
    assert_eq!(
        stolen,
        (404, json!({"error": {"message": "customer not found"}}))
    );
}

#[tokio::test]
async fn there_is_no_version_prefix_and_no_note_on_leads_or_customers() {
    let server = Server::start().await;
    let customer = server.customer(ACME, json!({"first_name": "Ann"})).await;
    assert_eq!(server.get(ACME, "/v1/company").await.0, 404);
    assert_eq!(server.get(ACME, "/").await.0, 404);
    let note = json!({"content": "x"});
    assert_eq!(
        server
            .post(ACME, &format!("/customers/{customer}/notes"), &note)
            .await
            .0,
        404
    );
    assert_eq!(server.post(ACME, "/leads/lea_1/notes", &note).await.0, 404);
    assert_eq!(server.post(ACME, "/jobs/job_1/notes", &note).await.0, 404);
}

#[tokio::test]
async fn the_look_ups_of_a_connection_wizard_answer() {
    let server = Server::start().await;
    for (path, list) in [
        ("/employees", "employees"),
        ("/job_fields/job_types", "job_types"),
        ("/pipeline/statuses?resource_type=lead", "statuses"),
    ] {
        let (status, body) = server.get(ACME, path).await;
        assert_eq!(status, 200, "{path}");
        assert!(body[list][0]["id"].is_string(), "{path}");
        assert_eq!(body["total_items"], rows(&body, list).len());
    }
    assert_eq!(server.get(ACME, "/pipeline/statuses").await.0, 400);
    assert_eq!(
        server
            .get(ACME, "/pipeline/statuses?resource_type=cat")
            .await
            .0,
        400
    );
    for (path, list) in [("/tags", "tags"), ("/lead_sources", "lead_sources")] {
        let (status, added) = server.post(ACME, path, &json!({"name": "Calls"})).await;
        assert_eq!(status, 201, "{path}");
        assert_eq!(
            server.post(ACME, path, &json!({"name": "Calls"})).await.1,
            added
        );
        assert_eq!(server.get(ACME, path).await.1[list], json!([added]));
        assert_eq!(server.post(ACME, path, &json!({})).await.0, 422);
    }
}
