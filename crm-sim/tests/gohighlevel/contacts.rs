//! Contacts: what is taken, what is refused, and when a second one is.

use crate::asking::{LOCATION, books, contact, get, happen, post};
use crate::support::{Server, rows};
use serde_json::{Value, json};

fn caller() -> Value {
    json!({"locationId": LOCATION, "firstName": "Ann", "phone": "+13055550182",
           "email": "ann@example.com"})
}

#[tokio::test]
async fn a_contact_comes_back_as_it_was_given() {
    let server = Server::start().await;
    let id = contact(
        &server,
        json!({"firstName": "Ann", "country": "US", "tags": ["x"],
        "customFields": [
            {"id": "cfContactRef00000001", "field_value": "lr-1"},
            {"id": "cfDealRef00000000003", "field_value": "another record's"},
            {"id": "nothing", "field_value": "dropped"},
        ]}),
    )
    .await;
    let (status, body) = get(&server, &format!("/contacts/{id}")).await;
    assert_eq!(status, 200);
    let known = &body["contact"];
    assert_eq!(
        (&known["firstName"], &known["tags"]),
        (&json!("Ann"), &json!(["x"]))
    );
    assert_eq!(
        known["customFields"],
        json!([{"id": "cfContactRef00000001", "value": "lr-1"}])
    );
    assert!(known["dateAdded"].is_string());
}

#[tokio::test]
async fn what_is_wrong_is_told_in_sentences() {
    let server = Server::start().await;
    for (field, value, sentence) in [
        (
            "phone",
            json!("305-555-0182"),
            "phone must be a valid phone number",
        ),
        (
            "phone",
            json!("13055550182"),
            "phone must be a valid phone number",
        ),
        (
            "email",
            json!("ann at example.com"),
            "email must be an email",
        ),
        (
            "country",
            json!("United States"),
            "country must be a valid enum value",
        ),
        ("firstName", json!(7), "firstName must be a string"),
        ("notes", json!("x"), "property notes should not exist"),
        ("locationId", json!(""), "locationId should not be empty"),
        (
            "customFields",
            json!([{"id": "x", "value": "y"}]),
            "property customFields[0].value should not exist",
        ),
    ] {
        let mut body = caller();
        body[field] = value;
        let (status, told) = post(&server, "/contacts/", &body).await;
        assert_eq!(
            (status, &told["message"]),
            (422, &json!([sentence])),
            "{field}"
        );
    }
    let (status, _) = post(&server, "/contacts/", &json!({"locationId": LOCATION})).await;
    assert_eq!(status, 400, "somebody must be meant");
    let mut assigned = caller();
    assigned["assignedTo"] = json!("usrGoneAway000000003");
    let (status, told) = post(&server, "/contacts/", &assigned).await;
    assert_eq!(
        (status, &told["message"]),
        (400, &json!("The user id is invalid."))
    );
    assert!(rows(&books(&server), "contacts").is_empty());
}

#[tokio::test]
async fn nothing_stops_a_second_contact_until_the_location_does() {
    let server = Server::start().await;
    let first = contact(&server, caller()).await;
    assert_ne!(contact(&server, caller()).await, first);
    happen(
        &server,
        &json!({"settings": {"allow_duplicate_contact": false}}),
    );
    let mut by_phone = caller();
    by_phone["email"] = json!("other@example.com");
    for (body, field) in [(caller(), "email"), (by_phone, "phone")] {
        let (status, told) = post(&server, "/contacts/", &body).await;
        assert_eq!(status, 400);
        assert_eq!(
            told["message"],
            "This location does not allow duplicated contacts."
        );
        assert_eq!(
            told["meta"],
            json!({"contactId": first, "contactName": "Ann", "matchingField": field})
        );
    }
    happen(&server, &json!({"settings": {"names_duplicates": false}}));
    let (status, told) = post(&server, "/contacts/", &caller()).await;
    assert_eq!((status, &told["meta"]), (400, &Value::Null));
    assert_eq!(rows(&books(&server), "contacts").len(), 2);
}

#[tokio::test]
async fn a_contact_that_was_deleted_is_not_there_and_no_double() {
    let server = Server::start().await;
    happen(
        &server,
        &json!({"settings": {"allow_duplicate_contact": false}}),
    );
    let first = contact(&server, caller()).await;
    happen(&server, &json!({"delete_contact": {"id": first}}));
    let (status, told) = get(&server, &format!("/contacts/{first}")).await;
    let gone = format!("Contact with id {first} not found");
    assert_eq!((status, &told["message"]), (400, &json!(gone)));
    assert_ne!(contact(&server, caller()).await, first);
}
