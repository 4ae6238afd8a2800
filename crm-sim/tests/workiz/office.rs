//! What people at the company do with leads and clients.

use serde_json::json;

use crate::support::Server;
use crate::{lead, lead_with};

#[tokio::test]
async fn a_converted_lead_is_a_job_under_another_id_and_no_lead_any_more() {
    let server = Server::start().await;
    let id = server.files(&lead()).await;
    assert_eq!(
        server.happens(json!({"convert_lead": {"id": id}})).await,
        204
    );
    assert_eq!(
        server.asks("/lead/all/?only_open=false").await.1["found"],
        0
    );
    assert_eq!(server.asks(&format!("/lead/get/{id}/")).await.0, 404);
    let (_, jobs) = server.asks("/job/all/").await;
    let job = &jobs["data"][0];
    assert_eq!(job["JobNotes"], "AC not cooling. Ref: 7f3c0b8e");
    assert_eq!(job["ClientId"], 1001, "ids of jobs are numbers");
    assert_ne!(job["UUID"], json!(id));
    assert_eq!(server.books("leads").await.len(), 1, "the books keep it");
    assert_eq!(
        server.happens(json!({"convert_lead": {"id": id}})).await,
        422
    );
}

#[tokio::test]
async fn a_client_who_is_deleted_takes_no_more_leads() {
    let server = Server::start().await;
    server.files(&lead()).await;
    assert_eq!(
        server.happens(json!({"delete_client": {"id": 1001}})).await,
        204
    );
    let known = lead_with("ClientId", json!(1001));
    assert_eq!(server.writes("/lead/create/", &known).await.0, 404);
    server.files(&lead()).await;
    assert_eq!(
        server.happens(json!({"delete_client": {"id": 1001}})).await,
        422
    );
    assert_eq!(server.happens(json!({"dance": {}})).await, 422);
}
