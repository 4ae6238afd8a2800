//! Notes on contacts.

use crate::asking::{contact, get, post};
use crate::support::{Server, rows};
use serde_json::json;

#[tokio::test]
async fn notes_are_listed_at_once_newest_first_and_all_together() {
    let server = Server::start().await;
    let late = json!({"ms": 60_000});
    let control = server.control_of(
        "gohighlevel",
        reqwest::Method::POST,
        "/index_lag",
        Some(late),
    );
    assert_eq!(control.await.0, 204);
    let id = contact(&server, json!({"firstName": "Ann"})).await;
    let path = format!("/contacts/{id}/notes");
    for number in 0..30 {
        let body = json!({"body": format!("note {number}"), "pinned": true});
        let (status, made) = post(&server, &path, &body).await;
        assert_eq!((status, &made["note"]["contactId"]), (201, &json!(id)));
    }
    let (status, listed) = get(&server, &path).await;
    assert_eq!(status, 200);
    assert_eq!(rows(&listed, "notes").len(), 30);
    assert_eq!(listed["notes"][0]["body"], "note 29");
}

#[tokio::test]
async fn a_note_needs_a_text_and_somebody() {
    let server = Server::start().await;
    let id = contact(&server, json!({"firstName": "Ann"})).await;
    let path = format!("/contacts/{id}/notes");
    for body in [
        json!({}),
        json!({"body": " "}),
        json!({"body": "x", "text": "y"}),
    ] {
        assert_eq!(post(&server, &path, &body).await.0, 422, "{body}");
    }
    let nobody = post(&server, "/contacts/nobody/notes", &json!({"body": "x"})).await;
    assert_eq!(nobody.0, 400);
    assert_eq!(get(&server, "/contacts/nobody/notes").await.0, 400);
}
