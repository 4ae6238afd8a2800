//! Bookings: what is taken, what is refused, how one is found again.

use crate::api::{Api, BOOKINGS, booking, refused, with};
use crate::support::rows;
use serde_json::{Value, json};

#[tokio::test]
async fn a_booking_comes_back_new_without_its_contacts() {
    let api = Api::start().await;
    let (status, filed) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    assert_eq!(status, 200, "{filed}");
    assert_eq!(
        (&filed["status"], &filed["jobId"]),
        (&json!("New"), &Value::Null)
    );
    assert_eq!(
        (&filed["externalId"], &filed["bookingProviderId"]),
        (&json!("e-1"), &json!(99))
    );
    assert_eq!(filed.get("contacts"), None);
    for path in [
        format!("/bookings/{}", filed["id"]),
        format!("{BOOKINGS}/{}", filed["id"]),
    ] {
        assert_eq!(api.get("crm", &path).await, (200, filed.clone()), "{path}");
        let (_, contacts) = api.get("crm", &format!("{path}/contacts")).await;
        assert_eq!(contacts["data"][0]["value"], "6025551234");
    }
    let row = &api.books("bookings")[0];
    for (name, value) in booking("e-1").as_object().expect("fields") {
        if !["contacts", "address"].contains(&name.as_str()) {
            assert_eq!(&row[name], value, "{name}");
        }
    }
    assert_eq!(row["address"]["street"], "4521 Oak Ridge Dr");
    assert_eq!(row["company"], "acme");
    assert_eq!(api.books("contacts")[0]["bookingId"], filed["id"]);
}

#[tokio::test]
async fn the_documents_five_fields_are_enough_and_each_is_needed() {
    let api = Api::start().await;
    let least = json!({"source": "Calls", "name": "Ann", "summary": "No heat",
                       "isFirstTimeClient": false, "externalId": "e-1"});
    assert_eq!(api.post("crm", BOOKINGS, &least).await.0, 200);
    for field in [
        "source",
        "name",
        "summary",
        "isFirstTimeClient",
        "externalId",
    ] {
        let body = with(least.clone(), field, Value::Null);
        let (status, problem) = api.post("crm", BOOKINGS, &body).await;
        assert_eq!(status, 400, "{field}");
        assert_eq!(refused(&problem).len(), 1);
        assert!(refused(&problem)[0].eq_ignore_ascii_case(field));
    }
    assert_eq!(api.books("bookings").len(), 1);
}

#[tokio::test]
async fn values_that_cannot_stand_are_named_all_at_once() {
    let api = Api::start().await;
    for (field, value, named) in [
        ("summary", json!(" "), "Summary"),
        ("isFirstTimeClient", json!("yes"), "IsFirstTimeClient"),
        ("priority", json!("high"), "Priority"),
        ("customerType", json!("Home"), "CustomerType"),
        ("start", json!("tomorrow"), "Start"),
        ("campaignId", json!(999), "CampaignId"),
        ("campaignId", json!(13), "CampaignId"),
        ("campaignId", json!("11"), "CampaignId"),
        ("businessUnitId", json!(24), "BusinessUnitId"),
        ("jobTypeId", json!(1), "JobTypeId"),
        (
            "contacts",
            json!([{"value": "6025551234"}]),
            "Contacts[0].Type",
        ),
        (
            "contacts",
            json!([{"type": "Phone", "value": "602-555-1234"}]),
            "Contacts[0].Value",
        ),
        ("contacts", json!({"type": "Phone"}), "Contacts"),
        (
            "address",
            json!({"street": "1 Main", "city": "Phoenix"}),
            "Address.Zip",
        ),
        ("uploadedImages", json!("x"), "UploadedImages"),
        ("customerId", json!(7), "CustomerId"),
        ("bookingProviderId", json!(99), "BookingProviderId"),
    ] {
        let body = with(booking("e-1"), field, value);
        let (status, problem) = api.post("crm", BOOKINGS, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(refused(&problem).contains(&named), "{problem}");
    }
    let body = with(
        with(booking("e-1"), "priority", json!("x")),
        "name",
        Value::Null,
    );
    let (_, problem) = api.post("crm", BOOKINGS, &body).await;
    assert_eq!(refused(&problem), ["Name", "Priority"]);
    assert_eq!(api.books("bookings").len(), 0);
}

#[tokio::test]
async fn an_external_id_finds_every_booking_that_bears_it() {
    let api = Api::start().await;
    for id in ["e-1", "e-2", "e-1"] {
        assert_eq!(api.post("crm", BOOKINGS, &booking(id)).await.0, 200);
    }
    for (path, count) in [
        ("/bookings?externalId=e-1", 2),
        ("/booking-provider/99/bookings?externalId=e-1", 2),
        ("/bookings?externalId=e-2", 1),
        ("/bookings?externalId=E-2", 0),
        ("/bookings?externalId=", 0),
        ("/bookings", 3),
    ] {
        let (_, list) = api.get("crm", path).await;
        assert_eq!(rows(&list, "data").len(), count, "{path}");
    }
}

#[tokio::test]
async fn a_provider_must_be_there_and_sees_its_own_bookings_only() {
    let api = Api::start().await;
    let tag = json!({"tagName": "Calls", "description": "Answers calls"});
    let (status, tag) = api.post("crm", "/booking-provider-tags", &tag).await;
    assert_eq!(status, 200, "{tag}");
    let theirs = format!("/booking-provider/{}/bookings", tag["id"]);
    let (_, filed) = api.post("crm", &theirs, &booking("e-1")).await;
    let (_, list) = api.get("crm", BOOKINGS).await;
    assert_eq!(list["data"], json!([]));
    let (_, list) = api.get("crm", &format!("{BOOKINGS}?externalId=e-1")).await;
    assert_eq!(list["data"], json!([]));
    assert_eq!(
        api.get("crm", &format!("{BOOKINGS}/{}", filed["id"]))
            .await
            .0,
        404
    );
    let nobodys = "/booking-provider/98/bookings";
    assert_eq!(api.get("crm", nobodys).await.0, 404);
    assert_eq!(api.post("crm", nobodys, &booking("e-2")).await.0, 404);
    assert_eq!(api.books("bookings").len(), 1);
}

#[tokio::test]
async fn a_booking_can_be_amended_and_is_found_by_its_new_id() {
    let api = Api::start().await;
    let (_, filed) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    let path = format!("{BOOKINGS}/{}", filed["id"]);
    let change = json!({"summary": "No cooling at all", "externalId": "e-2"});
    let (status, changed) = api.patch("crm", &path, &change).await;
    assert_eq!((status, &changed["summary"]), (200, &change["summary"]));
    assert_eq!(changed["name"], "John Martinez");
    for (id, count) in [("e-1", 0), ("e-2", 1)] {
        let (_, list) = api.get("crm", &format!("/bookings?externalId={id}")).await;
        assert_eq!(rows(&list, "data").len(), count, "{id}");
    }
    assert_eq!(api.patch("crm", &path, &json!({"name": ""})).await.0, 400);
    assert_eq!(
        api.patch("crm", &path, &json!({"status": "Converted"}))
            .await
            .0,
        400
    );
    assert_eq!(
        api.patch("crm", &format!("{BOOKINGS}/1"), &change).await.0,
        404
    );
    let contact = json!({"type": "Email", "value": "a@example.com"});
    let contacts = format!("{path}/contacts");
    assert_eq!(api.post("crm", &contacts, &contact).await.0, 200);
    assert_eq!(rows(&api.get("crm", &contacts).await.1, "data").len(), 2);
}
