//! New leads: what must be there, what becomes of it, and how a refusal looks.

use serde_json::{Value, json};

use crate::support::Server;
use crate::{hours, lead, lead_with};

#[tokio::test]
async fn a_lead_comes_with_a_client_and_has_a_page() {
    let server = Server::start().await;
    let (status, made) = server.writes("/lead/create/", &lead()).await;
    assert_eq!(status, 200);
    let made = &made["data"][0];
    let id = made["UUID"].as_str().expect("an id");
    assert_eq!(made["ClientId"], 1001);
    assert_eq!(
        made["link"],
        format!("https://app.workiz.com/root/lead/{id}/1")
    );
    let clients = server.books("clients").await;
    assert_eq!(
        (clients.len(), &clients[0]["Phone"]),
        (1, &json!("6025551234"))
    );
    let filed = &server.books("leads").await[0];
    assert_eq!(
        (&filed["id"], &filed["company"]),
        (&json!(id), &json!("acme"))
    );
    assert_eq!(filed["LeadNotes"], "AC not cooling. Ref: 7f3c0b8e");
}

#[tokio::test]
async fn the_same_number_makes_another_client_unless_the_client_is_named() {
    let server = Server::start().await;
    server.files(&lead()).await;
    server.files(&lead()).await;
    assert_eq!(server.books("clients").await.len(), 2);
    server.files(&lead_with("ClientId", json!(1001))).await;
    assert_eq!(server.books("clients").await.len(), 2);
    let (status, unknown) = server
        .writes("/lead/create/", &lead_with("ClientId", json!(7)))
        .await;
    assert_eq!(
        (status, &unknown["details"]["error"]),
        (404, &json!("ClientId was not found"))
    );
    assert_eq!(server.books("leads").await.len(), 3);
}

#[tokio::test]
async fn what_is_required_must_be_there_and_one_fault_is_no_list() {
    let server = Server::start().await;
    for (field, value) in [
        ("Phone", Value::Null),
        ("Email", Value::Null),
        ("FirstName", Value::Null),
        ("LastName", json!(" ")),
        ("Address", json!("")),
        ("City", Value::Null),
        ("State", Value::Null),
        ("PostalCode", Value::Null),
        ("LeadDateTime", Value::Null),
        ("Phone", json!("+16025551234")),
        ("Phone", json!("(602) 555-1234")),
        ("Email", json!("john")),
        ("ClientId", json!("one")),
    ] {
        let (status, refused) = server
            .writes("/lead/create/", &lead_with(field, value.clone()))
            .await;
        assert_eq!(
            (status, &refused["error"]),
            (400, &json!(true)),
            "{field} {value}"
        );
        let told = refused["details"]["error"].as_str().expect("one fault");
        assert!(told.starts_with(field), "{told}");
    }
    let (_, refused) = server
        .writes("/lead/create/", &json!({"auth_secret": "sec_acme"}))
        .await;
    assert_eq!(
        refused["details"].as_array().map(Vec::len),
        Some(9),
        "{refused}"
    );
    for (field, value) in [
        ("Phone", json!("")),
        ("Email", json!("")),
        ("Country", Value::Null),
    ] {
        server.files(&lead_with(field, value)).await;
    }
    assert_eq!(server.books("leads").await.len(), 3);
}

#[tokio::test]
async fn a_time_that_cannot_be_is_a_success_that_says_no() {
    let server = Server::start().await;
    for (field, value) in [
        ("LeadDateTime", json!("2026-11-22T09:00:00Z")),
        ("LeadDateTime", json!("2026-13-22 09:00:00")),
        ("LeadEndDateTime", json!("tomorrow")),
        ("LeadEndDateTime", json!(hours(-3))),
    ] {
        let (status, refused) = server
            .writes("/lead/create/", &lead_with(field, value.clone()))
            .await;
        assert_eq!(
            (status, &refused["flag"]),
            (200, &json!(false)),
            "{field} {value}"
        );
        assert_eq!(refused["data"], json!([]));
    }
    assert!(server.books("leads").await.is_empty());
}

#[tokio::test]
async fn tags_are_taken_out_an_open_one_with_all_behind_it_and_long_notes_end() {
    let server = Server::start().await;
    for (notes, kept) in [
        ("a <b>c</b> d", "a c d".to_owned()),
        ("a <b c", "a ".to_owned()),
        (&"x".repeat(6_000), "x".repeat(5_000)),
    ] {
        server.files(&lead_with("LeadNotes", json!(notes))).await;
        let filed = server.books("leads").await;
        assert_eq!(filed.last().expect("filed")["LeadNotes"], json!(kept));
    }
}

#[tokio::test]
async fn an_update_replaces_the_notes() {
    let server = Server::start().await;
    let id = server.files(&lead()).await;
    let change = json!({"auth_secret": "sec_acme", "UUID": id, "LeadNotes": "Called back"});
    assert_eq!(server.writes("/lead/update/", &change).await.0, 200);
    let filed = &server.books("leads").await[0];
    assert_eq!(
        (&filed["LeadNotes"], &filed["City"]),
        (&json!("Called back"), &json!("Phoenix"))
    );
}
