//! Customers, their locations, contacts and notes.

use crate::api::{Api, address, customer, refused, with};
use crate::support::rows;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_customer_comes_back_with_its_location_and_contacts() {
    let api = Api::start().await;
    let made = api.customer("6025551234").await;
    assert!(made["id"].is_i64() && made["locations"][0]["id"].is_i64());
    assert_eq!(made["contacts"][0]["value"], "6025551234");
    assert_eq!(made["contacts"][1]["type"], "Email");
    let path = format!("/customers/{}", made["id"]);
    let (status, shown) = api.get("crm", &path).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&shown["name"], &shown["active"]),
        (&json!("John Martinez"), &json!(true))
    );
    assert_eq!(shown["address"]["zip"], "85016");
    assert_eq!(shown.get("contacts"), None, "contacts have to be asked for");
    let (_, contacts) = api.get("crm", &format!("{path}/contacts")).await;
    assert_eq!(rows(&contacts, "data").len(), 2);
    let (_, locations) = api
        .get("crm", &format!("/locations?customerId={}", made["id"]))
        .await;
    assert_eq!(locations["data"][0]["id"], made["locations"][0]["id"]);
}

#[tokio::test]
async fn a_customer_needs_a_name_an_address_and_a_location() {
    let api = Api::start().await;
    let whole = customer("6025551234");
    for (field, value, named) in [
        ("name", json!(null), "Name"),
        ("name", json!("  "), "Name"),
        ("name", json!(7), "Name"),
        ("address", json!(null), "Address"),
        ("address", json!({"street": "1 Main"}), "Address.City"),
        ("locations", json!(null), "Locations"),
        ("locations", json!([]), "Locations"),
        (
            "locations",
            json!([{"name": "Home"}]),
            "Locations[0].Address",
        ),
        ("type", json!("Person"), "Type"),
        (
            "contacts",
            json!([{"type": "Pager", "value": "1"}]),
            "Contacts[0].Type",
        ),
        (
            "contacts",
            json!([{"type": "Phone", "value": "+16025551234"}]),
            "Contacts[0].Value",
        ),
        (
            "contacts",
            json!([{"type": "Email", "value": "none"}]),
            "Contacts[0].Value",
        ),
        ("tagTypeIds", json!([40]), "TagTypeIds"),
        ("phoneNumber", json!("6025551234"), "PhoneNumber"),
    ] {
        let body = with(whole.clone(), field, value);
        let (status, problem) = api.post("crm", "/customers", &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(refused(&problem).contains(&named), "{problem}");
    }
    assert_eq!(api.books("customers").len(), 0);
    assert_eq!(api.books("contacts").len(), 0);
}

#[tokio::test]
async fn a_phone_search_finds_strangers_too_and_an_empty_one_everybody() {
    let api = Api::start().await;
    let made = api.customer("6025551234").await;
    api.customer("4805551234").await;
    api.customer("6025550000").await;
    let found = async |query: &str| {
        let (status, list) = api.get("crm", &format!("/customers?{query}")).await;
        assert_eq!(status, 200, "{query}");
        rows(&list, "data").len()
    };
    assert_eq!(
        found("phone=6025551234").await,
        2,
        "the area code does not count"
    );
    assert_eq!(found("phone=%2B16025551234").await, 0);
    assert_eq!(found("phone=5551234").await, 0);
    assert_eq!(found("phone=").await, 3);
    assert_eq!(found("phoneNumber=6025551234").await, 3);
    let contacts = format!("/customers/contacts?customerIds={}", made["id"]);
    let (_, contacts) = api.get("crm", &contacts).await;
    assert_eq!(contacts["data"][0]["customerId"], made["id"]);
    assert_eq!(
        contacts["data"][0]["phoneSettings"]["phoneNumber"],
        "6025551234"
    );
    assert_eq!(api.get("crm", "/customers/contacts").await.0, 400);
}

#[tokio::test]
async fn a_deactivated_customer_is_found_only_if_it_is_asked_for() {
    let api = Api::start().await;
    let made = api.customer("6025551234").await;
    let path = format!("/customers/{}", made["id"]);
    let (status, changed) = api.patch("crm", &path, &json!({"active": false})).await;
    assert_eq!((status, &changed["active"]), (200, &json!(false)));
    for (query, count) in [
        ("", 0),
        ("&active=Any", 1),
        ("&active=False", 1),
        ("&active=True", 0),
    ] {
        let path = format!("/customers?phone=6025551234{query}");
        let (_, list) = api.get("crm", &path).await;
        assert_eq!(rows(&list, "data").len(), count, "{query}");
    }
    let site = json!({"customerId": made["id"], "name": "Shop", "address": address()});
    let (status, problem) = api.post("crm", "/locations", &site).await;
    assert_eq!((status, refused(&problem)), (400, vec!["CustomerId"]));
}

#[tokio::test]
async fn a_second_location_and_a_new_contact_are_the_customers() {
    let api = Api::start().await;
    let made = api.customer("6025551234").await;
    let site = json!({"customerId": made["id"], "name": "Shop", "address": address(),
                      "contacts": [{"type": "Phone", "value": "6025559999"}]});
    let (status, location) = api.post("crm", "/locations", &site).await;
    assert_eq!((status, &location["customerId"]), (200, &made["id"]));
    let path = format!("/locations/{}/contacts", location["id"]);
    assert_eq!(rows(&api.get("crm", &path).await.1, "data").len(), 1);
    let contact = json!({"type": "Phone", "value": "4805557777"});
    let path = format!("/customers/{}/contacts", made["id"]);
    assert_eq!(api.post("crm", &path, &contact).await.0, 200);
    let (_, found) = api.get("crm", "/customers?phone=4805557777").await;
    assert_eq!(found["data"][0]["id"], made["id"]);
    let (_, found) = api.get("crm", "/customers?phone=6025559999").await;
    assert_eq!(
        found["data"],
        json!([]),
        "a location's contact finds no customer"
    );
    let nobody = json!({"customerId": 1, "name": "Shop", "address": address()});
    assert_eq!(api.post("crm", "/locations", &nobody).await.0, 400);
}

#[tokio::test]
async fn external_data_is_its_applications_own() {
    let api = Api::start().await;
    let mine = "0b6f1c52-5a0e-4c8f-9f5e-3c2f6f0a7d11";
    let other = "0b6f1c52-5a0e-4c8f-9f5e-3c2f6f0a7d12";
    let data = json!({"applicationGuid": mine, "externalData": [{"key": "event", "value": "e-1"}]});
    let body = with(customer("6025551234"), "externalData", data);
    let (_, made) = api.post("crm", "/customers", &body).await;
    assert_eq!(made["externalData"][0]["value"], "e-1");
    let find = async |guid: &str, value: &str| {
        let path = format!(
            "/customers?externalDataApplicationGuid={guid}&externalDataKey=event\
             &externalDataValues=x,{value}"
        );
        rows(&api.get("crm", &path).await.1, "data").len()
    };
    assert_eq!(find(mine, "e-1").await, 1);
    assert_eq!(find(mine, "e-2").await, 0);
    assert_eq!(find(other, "e-1").await, 0);
    let path = format!("/customers/{}", made["id"]);
    assert_eq!(api.get("crm", &path).await.1["externalData"], json!([]));
    let seen = format!("{path}?externalDataApplicationGuid={mine}");
    assert_eq!(
        api.get("crm", &seen).await.1["externalData"][0]["key"],
        "event"
    );
    for wrong in [
        "externalDataKey=event",
        "externalDataValues=e-1",
        "externalDataKey=event&externalDataValues=e-1",
        "externalDataApplicationGuid=acme",
    ] {
        assert_eq!(
            api.get("crm", &format!("/customers?{wrong}")).await.0,
            400,
            "{wrong}"
        );
    }
    let no_guid = json!({"applicationGuid": "x", "externalData": [{"key": "a"}]});
    let body = with(customer("6025551234"), "externalData", no_guid);
    let (_, problem) = api.post("crm", "/customers", &body).await;
    let named = [
        "ExternalData.ApplicationGuid",
        "ExternalData.ExternalData[0].Value",
    ];
    assert_eq!(refused(&problem), named);
}

#[tokio::test]
async fn a_customers_note_can_go_to_its_locations() {
    let api = Api::start().await;
    let made = api.customer("6025551234").await;
    let path = format!("/customers/{}/notes", made["id"]);
    let note = json!({"text": "Gate 4", "pinToTop": true, "addToLocations": true});
    let (status, shown) = api.post("crm", &path, &note).await;
    assert_eq!(
        (status, &shown["text"], &shown["isPinned"]),
        (200, &json!("Gate 4"), &json!(true))
    );
    let site = format!("/locations/{}/notes", made["locations"][0]["id"]);
    for path in [path.as_str(), site.as_str()] {
        let (_, list) = api.get("crm", path).await;
        assert_eq!(list["data"][0]["text"], "Gate 4", "{path}");
        assert_eq!(api.post("crm", path, &json!({})).await.0, 400, "{path}");
    }
    assert_eq!(
        api.post("crm", &site, &note).await.0,
        400,
        "a location has no such field"
    );
    assert_eq!(api.post("crm", "/customers/1/notes", &note).await.0, 404);
    let notes = api.books("notes");
    assert_eq!((notes.len(), &notes[0]["company"]), (2, &json!("acme")));
    assert_eq!(notes[0]["customerId"], made["id"]);
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let api = Api::start().await;
    for (media, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", ""),
        ("text/plain", "{\"name\":\"Ann\"}"),
    ] {
        let request = api.request(Method::POST, ("crm", "/customers"));
        let request = request.header("content-type", media).body(body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{media} {body}");
    }
}
