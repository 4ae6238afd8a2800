//! Opportunities: what is taken, what is refused, and when a second one is.

use crate::asking::{books, contact, get, happen, opportunity, post};
use crate::support::{Server, rows};
use serde_json::{Value, json};

async fn made(server: &Server, body: &Value) -> Value {
    let (status, told) = post(server, "/opportunities/", body).await;
    assert_eq!(status, 201, "{told}");
    told["opportunity"].clone()
}

#[tokio::test]
async fn an_opportunity_begins_in_the_first_stage_unless_it_is_told() {
    let server = Server::start().await;
    let ann = contact(&server, json!({"firstName": "Ann"})).await;
    let first = made(&server, &opportunity(&ann)).await;
    assert_eq!(first["pipelineStageId"], "stgNewLead0000000001");
    let mut body = opportunity(&ann);
    body["pipelineStageId"] = json!("stgBooked00000000002");
    body["customFields"] = json!([{"id": "cfDealRef00000000003", "field_value": "lr-1"}]);
    let second = made(&server, &body).await;
    assert_eq!(second["pipelineStageId"], "stgBooked00000000002");
    assert_eq!(
        second["customFields"],
        json!([{"id": "cfDealRef00000000003", "fieldValue": "lr-1"}])
    );
    let path = format!("/opportunities/{}", second["id"].as_str().expect("an id"));
    assert_eq!(get(&server, &path).await.1["opportunity"], second);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = Server::start().await;
    let ann = contact(&server, json!({"firstName": "Ann"})).await;
    for (field, value, told) in [
        ("pipelineId", "pip", "The pipeline id is invalid."),
        (
            "pipelineStageId",
            "stgMeasure0000000003",
            "The pipeline stage id is invalid.",
        ),
        ("contactId", "con", "Contact with id con not found"),
        ("assignedTo", "usr", "The user id is invalid."),
    ] {
        let mut body = opportunity(&ann);
        body[field] = json!(value);
        let (status, answer) = post(&server, "/opportunities/", &body).await;
        assert_eq!((status, &answer["message"]), (400, &json!(told)), "{field}");
    }
    for field in ["pipelineId", "name", "status", "contactId", "locationId"] {
        let mut body = opportunity(&ann);
        body[field] = Value::Null;
        let (status, answer) = post(&server, "/opportunities/", &body).await;
        let sentence = format!("{field} should not be empty");
        assert_eq!((status, &answer["message"]), (422, &json!([sentence])));
    }
    let mut odd = opportunity(&ann);
    odd["source"] = json!("Radio");
    assert_eq!(post(&server, "/opportunities/", &odd).await.0, 422);
    assert!(rows(&books(&server), "opportunities").is_empty());
}

#[tokio::test]
async fn a_location_may_forbid_a_contacts_second_card_in_a_pipeline() {
    let server = Server::start().await;
    let ann = contact(&server, json!({"firstName": "Ann"})).await;
    let first = made(&server, &opportunity(&ann)).await;
    made(&server, &opportunity(&ann)).await;
    happen(
        &server,
        &json!({"settings": {"allow_duplicate_opportunity": false}}),
    );
    let (status, told) = post(&server, "/opportunities/", &opportunity(&ann)).await;
    assert_eq!(
        (status, &told["code"]),
        (400, &json!("OPPORTUNITY_NO_DUPLICATE"))
    );
    assert_eq!(told["meta"], json!({"existingId": first["id"]}));
    let mut elsewhere = opportunity(&ann);
    elsewhere["pipelineId"] = json!("pipInstall0000000002");
    made(&server, &elsewhere).await;
    let bob = contact(&server, json!({"firstName": "Bob"})).await;
    made(&server, &opportunity(&bob)).await;
}

#[tokio::test]
async fn staff_may_give_a_card_another_name() {
    let server = Server::start().await;
    let ann = contact(&server, json!({"firstName": "Ann"})).await;
    let card = made(&server, &opportunity(&ann)).await;
    happen(
        &server,
        &json!({"rename_opportunity": {"id": card["id"], "name": "New roof"}}),
    );
    assert_eq!(books(&server)["opportunities"][0]["name"], "New roof");
}
