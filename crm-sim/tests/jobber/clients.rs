//! Clients and properties: searches, creation, changes, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{
    CLIENT_CREATE, ask, books, caller, client, complaints, control, count, data, id,
};
use crate::support::Server;

const SEARCH: &str = "query($t: String!) { clientPhones(searchTerm: $t, first: 10) { nodes {
    number normalizedPhoneNumber client { id firstName lastName isArchived updatedAt } } } }";

/// First names of the clients whose numbers a search finds.
async fn found(server: &Server, term: &str) -> Vec<String> {
    let found = data(server, SEARCH, json!({"t": term})).await;
    found["clientPhones"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| {
            node["client"]["firstName"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_phone_search_is_fuzzy_and_the_normalized_number_tells_strangers_apart() {
    let server = Server::start().await;
    caller(&server, "Ann", "(305) 555-0182").await;
    caller(&server, "Stranger", "+14155550182").await;
    caller(&server, "Bob", "+13055559999").await;
    for term in ["+13055550182", "3055550182", "305-555-0182"] {
        assert_eq!(found(&server, term).await, ["Stranger", "Ann"], "{term}");
    }
    assert_eq!(found(&server, "(305) 555-0182").await, ["Ann"]);
    assert_eq!(
        found(&server, "ann").await,
        ["Ann"],
        "a name finds its numbers"
    );
    assert_eq!(found(&server, "").await.len(), 3, "an empty term lists all");
    assert_eq!(found(&server, "8005551212").await, [""; 0]);
    let nodes = data(&server, SEARCH, json!({"t": "5550182"})).await;
    let numbers: Vec<&Value> = nodes["clientPhones"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| &node["normalizedPhoneNumber"])
        .collect();
    assert_eq!(numbers, ["+14155550182", "+13055550182"]);
}

#[tokio::test]
async fn archived_clients_are_found_and_can_be_brought_back() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let archive = "mutation($id: EncodedId!) {
        clientArchive(clientId: $id) { client { isArchived } userErrors { message } } }";
    let done = data(&server, archive, json!({"id": ann})).await;
    assert_eq!(done["clientArchive"]["client"]["isArchived"], true);
    let nodes = data(&server, SEARCH, json!({"t": "+13055550182"})).await;
    assert_eq!(
        nodes["clientPhones"]["nodes"][0]["client"]["isArchived"],
        true
    );
    let listed = "{ clients(first: 5, filter: {isArchived: false}) { totalCount } }";
    assert_eq!(
        data(&server, listed, json!({})).await["clients"]["totalCount"],
        0
    );
    let restore = "mutation($id: EncodedId!) {
        clientUnarchive(clientId: $id) { client { isArchived } } }";
    let done = data(&server, restore, json!({"id": ann})).await;
    assert_eq!(done["clientUnarchive"]["client"]["isArchived"], false);
}

#[tokio::test]
async fn a_client_stands_in_the_books_as_it_was_given() {
    let server = Server::start().await;
    let input = json!({"firstName": "Maria", "lastName": "Gonzalez",
        "phones": [{"number": "+13055550182", "description": "MAIN", "primary": true}],
        "emails": [{"address": "m@example.com", "description": "MAIN", "primary": true}],
        "properties": [{"address": {"street1": "1420 NW 7th Ave", "city": "Miami",
            "province": "FL", "postalCode": "33136", "country": "US"}}],
        "sourceAttribution": {"sourceText": "Acme Calls"}});
    let maria = client(&server, input).await;
    let books = books(&server);
    let row = &books["clients"][0];
    assert_eq!(
        json!([row["company"], row["id"], row["firstName"], row["source"]]),
        json!(["acme", maria, "Maria", "Acme Calls"])
    );
    assert_eq!(row["phones"][0]["normalizedPhoneNumber"], "+13055550182");
    assert_eq!(row["emails"][0]["address"], "m@example.com");
    let property = &books["properties"][0];
    assert_eq!(
        json!([
            property["company"],
            property["clientId"],
            property["address"]["postalCode"]
        ]),
        json!(["acme", maria, "33136"])
    );
    assert_eq!(
        books["requests"]["POST /api/graphql#clientCreate()"]["200"],
        1
    );
}

#[tokio::test]
async fn the_same_phone_makes_a_second_client() {
    let server = Server::start().await;
    for _ in 0..2 {
        caller(&server, "Ann", "+13055550182").await;
    }
    assert_eq!(found(&server, "+13055550182").await, ["Ann", "Ann"]);
}

#[tokio::test]
async fn an_input_that_cannot_stand_is_refused_whole_by_user_errors() {
    let server = Server::start().await;
    for (input, expected) in [
        (json!({}), "input.firstName: First name can't be blank"),
        (
            json!({"firstName": " "}),
            "input.firstName: First name can't be blank",
        ),
        (
            json!({"firstName": "Ann", "isCompany": true}),
            "input.companyName: Company name can't be blank",
        ),
        (
            json!({"firstName": "Ann", "phones": [{"number": "call me"}]}),
            "input.phones.0.number: Number is invalid",
        ),
        (
            json!({"firstName": "Ann", "phones": [{"number": "+13055550182", "smsAllowed": true}]}),
            "input.phones.0.smsAllowed: This phone number cannot receive text messages",
        ),
        (
            json!({"firstName": "Ann", "emails": [{"address": "ann"}]}),
            "input.emails.0.address: Address is invalid",
        ),
        (
            json!({"firstName": "Ann", "properties": [{"address": {"country": "US"}}]}),
            "input.properties.0.address: Address can't be blank",
        ),
    ] {
        let answer = ask(&server, CLIENT_CREATE, json!({"input": input})).await;
        let payload = &answer["data"]["clientCreate"];
        assert_eq!(payload["client"], Value::Null, "{input}");
        assert_eq!(complaints(payload), [expected], "{input}");
        assert_eq!(answer["errors"], Value::Null);
    }
    assert_eq!(
        (count(&server, "clients"), count(&server, "properties")),
        (0, 0)
    );
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_searches_follow() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let query = "query($id: EncodedId!) { client(id: $id) { phones { id } } }";
    let known = data(&server, query, json!({"id": ann})).await;
    let old = id(&known["client"]["phones"][0]);
    let edit = "mutation($id: EncodedId!, $input: ClientEditInput!) {
        clientEdit(clientId: $id, input: $input) {
            client { name companyName phones { number primary } emails { address } }
            userErrors { message path } } }";
    let input = json!({"lastName": "O'Neil", "companyName": null, "phonesToDelete": [old],
        "phonesToAdd": [{"number": "+13055559999"}], "emailsToAdd": [{"address": "a@example.com"}]});
    let done = data(&server, edit, json!({"id": ann, "input": input})).await;
    assert_eq!(
        done["clientEdit"]["client"],
        json!({"name": "Ann O'Neil", "companyName": null,
               "phones": [{"number": "+13055559999", "primary": true}],
               "emails": [{"address": "a@example.com"}]})
    );
    assert_eq!(found(&server, "+13055559999").await, ["Ann"]);
    assert_eq!(found(&server, "+13055550182").await, [""; 0]);
    let input = json!({"firstName": null, "lastName": null,
        "phonesToEdit": [{"id": old, "number": "1"}]});
    let refused = data(&server, edit, json!({"id": ann, "input": input})).await;
    assert_eq!(
        complaints(&refused["clientEdit"]),
        [
            "input.phonesToEdit.0: Phone number not found",
            "input.firstName: First name can't be blank",
        ]
    );
    assert_eq!(books(&server)["clients"][0]["lastName"], "O'Neil");
    let nobody = json!({"id": old, "input": {"lastName": "x"}});
    let refused = data(&server, edit, nobody).await;
    assert_eq!(
        complaints(&refused["clientEdit"]),
        ["clientId: Client not found"]
    );
}

#[tokio::test]
async fn properties_are_added_to_a_client_and_found_by_address() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    let create = "mutation($id: EncodedId!, $input: PropertyCreateInput!) {
        propertyCreate(clientId: $id, input: $input) {
            properties { id client { id } address { street1 } } userErrors { message path } } }";
    let input = json!({"properties": [{"address": {"street1": "9 Elm St", "city": "Mesa"}}]});
    let made = data(&server, create, json!({"id": ann, "input": input})).await;
    let property = &made["propertyCreate"]["properties"][0];
    assert_eq!(property["client"]["id"], json!(ann));
    let query = "query($id: EncodedId!) {
        properties(filter: {clientId: $id}, searchTerm: \"elm st mesa\", first: 5) { nodes { id } } }";
    let found = data(&server, query, json!({"id": ann})).await;
    assert_eq!(
        found["properties"]["nodes"],
        json!([{"id": property["id"]}])
    );
    for wrong in [json!({}), json!({"properties": []})] {
        let refused = data(&server, create, json!({"id": ann, "input": wrong})).await;
        let expected = ["input.properties: Properties can't be blank"];
        assert_eq!(complaints(&refused["propertyCreate"]), expected);
    }
}

#[tokio::test]
async fn searches_lag_behind_when_the_index_does_and_look_ups_do_not() {
    let server = Server::start().await;
    control(&server, Method::POST, "/index_lag", json!({"ms": 600_000})).await;
    let ann = caller(&server, "Ann", "+13055550182").await;
    assert_eq!(found(&server, "+13055550182").await, [""; 0]);
    let query = "query($id: EncodedId!) { client(id: $id) { id phones { number } } }";
    let known = data(&server, query, json!({"id": ann})).await;
    assert_eq!(known["client"]["phones"][0]["number"], "+13055550182");
    control(&server, Method::POST, "/index_lag", json!({"ms": 0})).await;
    assert_eq!(found(&server, "+13055550182").await, ["Ann"]);
}
