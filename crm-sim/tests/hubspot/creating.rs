//! What is taken, what is refused, and what is unique.

use crate::api::{Api, deal, faults, id, to};
use serde_json::{Value, json};

#[tokio::test]
async fn a_contact_comes_back_with_all_it_was_given_and_a_page() {
    let api = Api::start().await;
    let given = json!({"firstname": "Ann", "email": "Ann@Example.com", "phone": "(305) 555-0182"});
    let (status, made) = api.create("contacts", &json!({"properties": given})).await;
    assert_eq!(status, 201);
    for property in ["firstname", "email", "phone"] {
        assert_eq!(made["properties"][property], given[property]);
    }
    let page = format!(
        "https://app.hubspot.com/contacts/24000001/record/0-1/{}",
        id(&made)
    );
    assert_eq!(made["url"], page);
    assert_eq!(api.books("contacts")[0]["email"], "Ann@Example.com");
}

#[tokio::test]
async fn what_hubspot_does_not_know_is_refused_by_name() {
    let api = Api::start().await;
    let rows = [
        (
            "contacts",
            json!({"mobile_number": "1"}),
            "mobile_number PROPERTY_DOESNT_EXIST",
        ),
        (
            "contacts",
            json!({"email": "ann at home"}),
            "email INVALID_EMAIL",
        ),
        (
            "contacts",
            json!({"email": "ann@example.invalid"}),
            "email INVALID_EMAIL",
        ),
        (
            "contacts",
            json!({"createdate": "2026-01-01"}),
            "createdate READ_ONLY_VALUE",
        ),
        (
            "contacts",
            json!({"hubspot_owner_id": "503"}),
            "hubspot_owner_id INVALID_OWNER_ID",
        ),
        (
            "contacts",
            json!({"phone": 3055550182_u64}),
            "phone INVALID_VALUE",
        ),
        (
            "notes",
            json!({"hs_note_body": "x"}),
            "hs_timestamp REQUIRED_FIELD",
        ),
        (
            "notes",
            json!({"hs_timestamp": "today"}),
            "hs_timestamp INVALID_LONG",
        ),
    ];
    for (object, properties, expected) in rows {
        let (status, refusal) = api.create(object, &json!({"properties": properties})).await;
        assert_eq!(
            (status, &refusal["category"]),
            (400, &json!("VALIDATION_ERROR"))
        );
        assert_eq!(faults(&refusal), [expected], "{refusal}");
    }
    let long = "x".repeat(65_537);
    let note = json!({"hs_timestamp": "2026-05-26T14:32:00Z", "hs_note_body": long});
    let (_, refusal) = api.create("notes", &json!({"properties": note})).await;
    assert_eq!(faults(&refusal), ["hs_note_body INVALID_STRING_LENGTH"]);
    let (status, _) = api.create("contacts", &json!({"firstname": "Ann"})).await;
    assert_eq!(status, 400, "properties belong in properties");
    assert!(api.books("contacts").is_empty() && api.books("notes").is_empty());
}

#[tokio::test]
async fn a_second_contact_with_an_address_is_a_conflict_that_names_the_first() {
    let api = Api::start().await;
    let first = api.contact(json!({"email": "ann@example.com"})).await;
    let again = json!({"properties": {"email": "ANN@example.com", "phone": "1"}});
    let (status, refusal) = api.create("contacts", &again).await;
    assert_eq!((status, &refusal["category"]), (409, &json!("CONFLICT")));
    let words = format!("Contact already exists. Existing ID: {first}");
    assert_eq!(refusal["message"], words);
    assert_eq!(api.books("contacts").len(), 1);
    api.contact(json!({"phone": "1"})).await;
    api.contact(json!({"phone": "1"})).await;
}

#[tokio::test]
async fn a_unique_property_takes_a_value_once_and_finds_it() {
    let api = Api::start().await;
    let contact = api
        .contact(json!({"leadrail_ref": "lr-1", "nickname": "x"}))
        .await;
    for (properties, status) in [
        (json!({"leadrail_ref": "lr-1"}), 400),
        (json!({"leadrail_ref": "lr-2", "nickname": "x"}), 201),
    ] {
        let (told, body) = api
            .create("contacts", &json!({"properties": properties}))
            .await;
        assert_eq!(told, status, "{body}");
        if told == 400 {
            assert_eq!(faults(&body), ["leadrail_ref CONFLICTING_UNIQUE_VALUE"]);
        }
    }
    let by = |property: &str, value: &str| {
        format!("/crm/objects/2026-03/contacts/{value}?idProperty={property}&properties=phone")
    };
    let (status, found) = api.get(&by("leadrail_ref", "lr-1")).await;
    assert_eq!((status, id(&found)), (200, contact));
    assert_eq!(found["properties"]["phone"], Value::Null);
    assert_eq!(api.get(&by("leadrail_ref", "lr-9")).await.0, 404);
    assert_eq!(api.get(&by("nickname", "x")).await.0, 400);
    assert_eq!(api.get(&by("no_such", "x")).await.0, 400);
}

#[tokio::test]
async fn a_deal_needs_a_pipeline_of_the_account_and_one_of_its_stages() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let rows = [
        (
            "pipeline",
            Value::Null,
            vec!["dealstage INVALID_OPTION", "pipeline REQUIRED_FIELD"],
        ),
        ("pipeline", json!("999"), vec!["pipeline INVALID_OPTION"]),
        ("pipeline", json!("772"), vec!["pipeline INVALID_OPTION"]),
        (
            "dealstage",
            json!("closedwon"),
            vec!["dealstage INVALID_OPTION"],
        ),
        ("dealname", json!(" "), vec!["dealname REQUIRED_FIELD"]),
    ];
    for (property, value, expected) in rows {
        let mut body = deal(&contact);
        body["properties"][property] = value;
        let (status, refusal) = api.create("deals", &body).await;
        let mut told = faults(&refusal);
        told.sort();
        assert_eq!(
            (status, told),
            (400, expected.into_iter().map(str::to_owned).collect())
        );
    }
    assert_eq!(api.create("deals", &deal(&contact)).await.0, 201);
}

#[tokio::test]
async fn what_a_record_is_tied_to_must_be_there() {
    let api = Api::start().await;
    let (status, refusal) = api.create("deals", &deal("4711")).await;
    assert_eq!(status, 400);
    assert_eq!(
        refusal["context"]["INVALID_OBJECT_IDS"][0],
        "CONTACT=4711 is not valid"
    );
    let contact = api.contact(json!({})).await;
    let delete = json!({"company": "acme", "event": {"delete_contact": {"id": contact}}});
    assert_eq!(api.control("/office", delete).await, 204);
    assert_eq!(api.create("deals", &deal(&contact)).await.0, 400);
    assert!(api.books("deals").is_empty());
}

#[tokio::test]
async fn a_lead_needs_a_contact_and_each_tie_its_own_kind() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let lead = |ties: Value| json!({"properties": {"hs_lead_name": "Ann"}, "associations": ties});
    assert_eq!(api.create("leads", &lead(json!([]))).await.0, 400);
    assert_eq!(
        api.create("leads", &lead(json!([to(&contact, 3)]))).await.0,
        400
    );
    assert_eq!(
        api.create("leads", &lead(json!([to(&contact, 578)])))
            .await
            .0,
        201
    );
    assert_eq!(
        api.books("leads")[0]["associations"]["contacts"],
        json!([contact])
    );
}

#[tokio::test]
async fn a_note_stands_in_the_books_as_people_read_it() {
    let api = Api::start().await;
    let contact = api.contact(json!({})).await;
    let deal = api.deal(&contact).await;
    let html = "Caller: &lt;b&gt;Ann&lt;/b&gt;<br><a href=\"https://x.example/\">hear it</a>";
    let note = json!({
        "properties": {"hs_timestamp": "2026-05-26T14:32:00Z", "hs_note_body": html},
        "associations": [to(&contact, 202), to(&deal, 214)],
    });
    assert_eq!(api.create("notes", &note).await.0, 201);
    let row = &api.books("notes")[0];
    assert_eq!(row["seen"], "Caller: <b>Ann</b>\nhear it");
    assert_eq!(row["tags_within"], json!(["br", "a"]));
    assert_eq!(
        row["associations"],
        json!({"contacts": [contact], "deals": [deal]})
    );
}

#[tokio::test]
async fn a_deleted_contacts_values_are_free_again() {
    let api = Api::start().await;
    let given = json!({"email": "ann@example.com", "leadrail_ref": "lr-1"});
    let first = api.contact(given.clone()).await;
    let delete = json!({"company": "acme", "event": {"delete_contact": {"id": first}}});
    assert_eq!(api.control("/office", delete).await, 204);
    assert_ne!(api.contact(given).await, first);
    assert_eq!(api.books("contacts").len(), 2, "the books keep it");
}
