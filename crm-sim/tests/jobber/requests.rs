//! Requests for work and the notes on them.

use serde_json::{Value, json};

use crate::asking::{REQUEST_CREATE, books, caller, client, complaints, count, data, id, request};
use crate::support::Server;

const NOTE: &str = "mutation($id: EncodedId!, $in: RequestCreateNoteInput!) {
    requestCreateNote(requestId: $id, input: $in) {
        request { id } requestNote { id message } userErrors { message path } } }";

#[tokio::test]
async fn a_request_is_filed_for_a_client_at_its_property_with_all_it_was_given() {
    let server = Server::start().await;
    let address = json!({"address": {"street1": "9 Elm St"}});
    let ann = client(
        &server,
        json!({"firstName": "Ann", "properties": [address]}),
    )
    .await;
    let property = books(&server)["properties"][0]["id"].clone();
    let details = json!({"form": {"sections": [{"label": "Call", "items": [
        {"label": "Service", "answerText": "AC not cooling"}]}]}});
    let input = json!({"clientId": ann, "propertyId": property, "title": "AC repair [7f3c0b8e]",
                       "requestDetails": details});
    let made = data(&server, REQUEST_CREATE, json!({"input": input})).await;
    let shown = &made["requestCreate"]["request"];
    assert_eq!(
        json!([shown["title"], shown["requestStatus"]]),
        json!(["AC repair [7f3c0b8e]", "new"])
    );
    assert!(
        shown["jobberWebUri"]
            .as_str()
            .expect("a link")
            .starts_with("https://")
    );
    let row = &books(&server)["work_requests"][0];
    assert_eq!(
        json!([
            row["company"],
            row["id"],
            row["clientId"],
            row["propertyId"],
            row["requestDetails"]
        ]),
        json!(["acme", shown["id"], ann, property, details])
    );
    let query = "query($id: EncodedId!) { request(id: $id) {
        source client { firstName } property { address { street } } } }";
    let known = data(&server, query, json!({"id": shown["id"]})).await;
    assert_eq!(
        known["request"],
        json!({"source": "Simulated app", "client": {"firstName": "Ann"},
               "property": {"address": {"street": "9 Elm St"}}})
    );
}

#[tokio::test]
async fn a_request_is_refused_where_what_it_refers_to_is_not_there() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let address = json!({"address": {"street1": "9 Elm St"}});
    let bob = client(
        &server,
        json!({"firstName": "Bob", "properties": [address]}),
    )
    .await;
    let bobs = books(&server)["properties"][0]["id"].clone();
    let archive = "mutation($id: EncodedId!) { clientArchive(clientId: $id) { client { id } } }";
    data(&server, archive, json!({"id": bob})).await;
    for (input, expected) in [
        (
            json!({"clientId": bobs}),
            "input.clientId: Client not found",
        ),
        (
            json!({"clientId": bob}),
            "input.clientId: Client is archived",
        ),
        (
            json!({"clientId": ann, "propertyId": bobs}),
            "input.propertyId: Property not found",
        ),
        (
            json!({"clientId": ann, "referringClientId": bobs}),
            "input.referringClientId: Referring client not found",
        ),
    ] {
        let refused = data(&server, REQUEST_CREATE, json!({"input": input})).await;
        assert_eq!(refused["requestCreate"]["request"], Value::Null);
        assert_eq!(complaints(&refused["requestCreate"]), [expected], "{input}");
    }
    assert_eq!(count(&server, "work_requests"), 0);
}

#[tokio::test]
async fn a_clients_requests_can_be_found_again_by_client_time_and_title() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let bob = caller(&server, "Bob", "+13055559999").await;
    let first = request(&server, &ann, "AC out [e1]").await;
    let second = request(&server, &ann, "AC out [e2]").await;
    request(&server, &bob, "AC out [e3]").await;
    let query = "query($filter: RequestFilterAttributes, $t: String) {
        requests(filter: $filter, searchTerm: $t, first: 20) { nodes { id title createdAt } } }";
    let find = async |filter: Value, term: Value| {
        let found = data(&server, query, json!({"filter": filter, "t": term})).await;
        let nodes = found["requests"]["nodes"]
            .as_array()
            .expect("nodes")
            .clone();
        nodes.iter().map(id).collect::<Vec<_>>()
    };
    let both = [second.clone(), first.clone()];
    assert_eq!(find(json!({"clientId": ann}), Value::Null).await, both);
    assert_eq!(find(json!({"clientId": ann}), json!("[E1]")).await, [first]);
    assert_eq!(find(Value::Null, json!("ac out")).await.len(), 3);
    let range = |range: Value| json!({"clientId": ann, "createdAt": range});
    let (past, future) = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00+02:00");
    assert_eq!(
        find(range(json!({"after": past, "before": future})), Value::Null).await,
        both
    );
    assert_eq!(
        find(range(json!({"after": future})), Value::Null).await,
        [""; 0]
    );
    assert_eq!(
        find(json!({"status": "archived"}), Value::Null).await,
        [""; 0]
    );
    let own = "query($id: EncodedId!) { client(id: $id) { requests(first: 5) { totalCount } } }";
    let known = data(&server, own, json!({"id": ann})).await;
    assert_eq!(known["client"]["requests"]["totalCount"], 2);
}

#[tokio::test]
async fn the_bounds_of_a_time_are_exclusive_in_whole_seconds() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    request(&server, &ann, "AC out").await;
    let query = "query($filter: RequestFilterAttributes) {
        requests(filter: $filter, first: 20) { totalCount nodes { createdAt } } }";
    let all = data(&server, query, json!({})).await;
    let time = &all["requests"]["nodes"][0]["createdAt"];
    for (range, expected) in [
        (json!({"after": time}), 0),
        (json!({"before": time}), 0),
        (json!({"eq": time}), 1),
    ] {
        let found = data(&server, query, json!({"filter": {"createdAt": range}})).await;
        assert_eq!(found["requests"]["totalCount"], expected, "{range}");
    }
}

#[tokio::test]
async fn notes_hang_on_a_request_and_need_something_to_say() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let lead = request(&server, &ann, "AC out").await;
    let input = json!({"message": "Gate code 4", "pinned": true});
    let made = data(&server, NOTE, json!({"id": lead, "in": input})).await;
    assert_eq!(
        made["requestCreateNote"]["requestNote"]["message"],
        "Gate code 4"
    );
    let row = &books(&server)["notes"][0];
    assert_eq!(
        json!([
            row["company"],
            row["requestId"],
            row["clientId"],
            row["message"],
            row["pinned"]
        ]),
        json!(["acme", lead, ann, "Gate code 4", true])
    );
    for empty in [
        json!({}),
        json!({"message": " \n"}),
        json!({"attachments": []}),
    ] {
        let refused = data(&server, NOTE, json!({"id": lead, "in": empty})).await;
        let expected = ["input.message: Message can't be blank"];
        assert_eq!(complaints(&refused["requestCreateNote"]), expected);
    }
    let refused = data(&server, NOTE, json!({"id": ann, "in": {"message": "x"}})).await;
    assert_eq!(
        complaints(&refused["requestCreateNote"]),
        ["requestId: Request not found"]
    );
    assert_eq!(count(&server, "notes"), 1);
}
