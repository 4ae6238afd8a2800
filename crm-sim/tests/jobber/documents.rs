//! The GraphQL front: what a document may say, and how wrong ones are refused.

use serde_json::{Value, json};

use crate::asking::{ask, call, caller, count, data, request};
use crate::support::{ACME, Server, read};

/// The errors of a document that is refused as a whole.
async fn errors(server: &Server, query: &str, variables: Value) -> Vec<Value> {
    let answer = ask(server, query, variables).await;
    assert_eq!(answer.get("data"), None, "{query}");
    answer["errors"].as_array().expect("errors").clone()
}

#[tokio::test]
async fn an_answer_holds_what_was_selected_under_its_alias_and_nothing_else() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+16025551234").await;
    let query = "
        query Other { account { id } }
        query Wanted($id: EncodedId!, $deep: Boolean = false, $no: Boolean!, $few: Int) {
            __typename
            who: client(id: $id) { ...names phones { number @skip(if: $no) } firstName }
            again: client(id: $id) { id ... on Client { isLead } balance @include(if: $deep)
                requests(first: $few) @include(if: $deep) { totalCount } }
        }
        fragment names on Client { firstName lastName __typename }";
    let body = json!({"query": query, "operationName": "Wanted",
                      "variables": {"id": ann, "no": true}});
    let request = call(&server, "", &json!({})).body(body.to_string());
    let (_, answer) = read(request.bearer_auth(ACME).send().await.expect("an answer")).await;
    assert_eq!(
        answer["data"],
        json!({
            "__typename": "Query",
            "who": {"firstName": "Ann", "lastName": "", "__typename": "Client", "phones": [{}]},
            "again": {"id": ann, "isLead": true},
        })
    );
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_named_with_its_type_and_place() {
    let server = Server::start().await;
    let query = "query Search { clients(first: 1) {\n  nodes { id phoneNumber } } }";
    let expected = json!([{
        "message": "Field 'phoneNumber' doesn't exist on type 'Client'",
        "locations": [{"line": 2, "column": 14}],
        "path": ["query Search", "clients", "nodes", "phoneNumber"],
        "extensions": {"code": "undefinedField", "typeName": "Client", "fieldName": "phoneNumber"},
    }]);
    assert_eq!(json!(errors(&server, query, json!({})).await), expected);
}

#[tokio::test]
async fn a_wrong_document_is_refused_before_anything_happens() {
    let server = Server::start().await;
    let create = "clientCreate(input: {firstName: \"Ann\"}) { userErrors { message } }";
    for (query, code) in [
        ("{ clients(first: 1) }", "selectionMismatch"),
        ("{ account { id { x } } }", "selectionMismatch"),
        (
            "{ clients(phone: \"1\") { totalCount } }",
            "argumentNotAccepted",
        ),
        ("{ client { id } }", "missingRequiredArguments"),
        (
            "{ client(id: null) { id } }",
            "argumentLiteralsIncompatible",
        ),
        (
            "{ client(id: \"1\") { id } }",
            "argumentLiteralsIncompatible",
        ),
        (
            "{ clients(first: \"1\") { totalCount } }",
            "argumentLiteralsIncompatible",
        ),
        ("{ client(id: $id) { id } }", "variableNotDefined"),
        ("query($x: Int) { account { id } }", "variableNotUsed"),
        (
            "query($x: Client) { account { id } }",
            "variableRequiresValidType",
        ),
        (
            "query($id: EncodedId) { client(id: $id) { id } }",
            "variableMismatch",
        ),
        (
            "query($id: String!) { client(id: $id) { id } }",
            "variableMismatch",
        ),
        ("{ ...f }", "useAndDefineFragment"),
        (
            "{ account { id } } fragment f on Client { id }",
            "useAndDefineFragment",
        ),
        (
            "{ account { ...f } } fragment f on Account { id ...f }",
            "infiniteLoop",
        ),
        (
            "{ account { ... on Client { id } } }",
            "cannotSpreadFragment",
        ),
        ("{ account { ... on Nobody { id } } }", "undefinedType"),
        (
            "{ a: account { id } a: clients(first: 1) { totalCount } }",
            "fieldConflict",
        ),
        ("{ account { id @cached } }", "undefinedDirective"),
        ("{ __schema { types { name } } }", "undefinedField"),
        (
            "{ clientCreate(input: {}) { client { id } } }",
            "undefinedField",
        ),
        (
            "subscription { clients { id } }",
            "missingSubscriptionConfiguration",
        ),
        (
            &format!("mutation {{ {create} noSuch {{ id }} }}"),
            "undefinedField",
        ),
    ] {
        let found = errors(&server, query, json!({})).await;
        assert_eq!(found[0]["extensions"]["code"], code, "{query}");
    }
    for (query, message) in [
        (" ", "No query string was present"),
        ("fragment f on Client { id }", "No operation was present"),
        (
            "query A { account { id } } query B { account { id } }",
            "An operation name is required",
        ),
    ] {
        let found = errors(&server, query, json!({})).await;
        assert_eq!(found[0]["message"], message, "{query}");
    }
    assert_eq!(count(&server, "clients"), 0);
}

#[tokio::test]
async fn a_syntax_error_is_told_with_its_place() {
    let server = Server::start().await;
    let found = errors(&server, "{ account {\n  id: } }", json!({})).await;
    let message = found[0]["message"].as_str().expect("a message");
    assert!(message.starts_with("Parse error at 2:7"), "{message}");
    assert_eq!(found[0]["locations"], json!([{"line": 2, "column": 7}]));
    let deep = "{ account ".repeat(20_000);
    let found = errors(&server, &deep, json!({})).await;
    assert!(found[0]["message"].is_string());
}

#[tokio::test]
async fn variables_are_checked_against_the_input_types() {
    let server = Server::start().await;
    let query = "mutation($input: ClientCreateInput!) {
        clientCreate(input: $input) { client { id } userErrors { message } } }";
    let missing = errors(&server, query, json!({})).await;
    assert_eq!(
        missing[0]["message"],
        "Variable $input of type ClientCreateInput! was provided invalid value"
    );
    assert_eq!(
        missing[0]["extensions"]["problems"][0]["explanation"],
        "Expected value to not be null"
    );
    let input = json!({"address": "1 Elm St", "firstName": 7, "notes": "x",
                       "phones": [{"number": "1", "description": "CELL"}]});
    let wrong = errors(&server, query, json!({"input": input})).await;
    let problems: Vec<String> = wrong[0]["extensions"]["problems"]
        .as_array()
        .expect("problems")
        .iter()
        .map(|problem| format!("{} {}", problem["path"], problem["explanation"]))
        .collect();
    assert_eq!(
        problems,
        [
            r#"["address"] "Field is not defined on ClientCreateInput""#,
            r#"["notes"] "Field is not defined on ClientCreateInput""#,
            r#"["firstName"] "Could not coerce value 7 to String""#,
            r#"["phones",0,"description"] "Expected \"CELL\" to be one of: MAIN, WORK, MOBILE, HOME, FAX, OTHER""#,
        ]
    );
    let ids = "query($id: EncodedId!) { client(id: $id) { id } }";
    let wrong = errors(&server, ids, json!({"id": "1"})).await;
    assert_eq!(
        wrong[0]["extensions"]["problems"][0]["message"],
        "'1' is not a valid EncodedId"
    );
    assert_eq!(count(&server, "clients"), 0);
}

#[tokio::test]
async fn literals_make_the_same_values_as_variables() {
    let server = Server::start().await;
    let query = "mutation($city: String, $none: String) { clientCreate(input: {
            firstName: \"Ann\", lastName: $none, isCompany: false,
            emails: {description: WORK, primary: true, address: \"ann@example.com\"}
            properties: [{address: {street1: \"1 Elm St\", city: $city}}] }) {
        client { lastName emails { address description }
                 clientProperties(first: 1) { nodes { address { street city } } } } } }";
    let made = data(&server, query, json!({"city": "Mesa"})).await;
    assert_eq!(
        made["clientCreate"]["client"],
        json!({
            "lastName": "",
            "emails": [{"address": "ann@example.com", "description": "WORK"}],
            "clientProperties": {"nodes": [{"address": {"street": "1 Elm St", "city": "Mesa"}}]},
        })
    );
    let query =
        "mutation { clientCreate(input: {firstName: \"A\", phones: [{description: \"MAIN\"}]})
        { client { id } } }";
    let found = errors(&server, query, json!({})).await;
    assert_eq!(
        found[0]["extensions"]["code"],
        "argumentLiteralsIncompatible"
    );
    let query = "mutation { requestCreate(input: {title: \"x\"}) { request { id } } }";
    let found = errors(&server, query, json!({})).await;
    assert_eq!(
        found[0]["extensions"]["code"],
        "missingRequiredInputObjectAttribute"
    );
}

#[tokio::test]
async fn the_members_of_a_union_are_told_apart_and_read_through_fragments_only() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+16025551234").await;
    let lead = request(&server, &ann, "AC out").await;
    let note = "mutation($r: EncodedId!, $c: EncodedId!) {
        requestCreateNote(requestId: $r, input: {message: \"of request\"}) { requestNote { id } }
        linked: clientCreateNote(clientId: $c, input: {message: \"linked\", linkedTo: {requests: true}})
            { clientNote { id } }
        other: clientCreateNote(clientId: $c, input: {message: \"own\"}) { clientNote { id } } }";
    data(&server, note, json!({"r": lead, "c": ann})).await;
    let query = "query($id: EncodedId!) { request(id: $id) { notes(first: 5) { nodes {
        __typename
        ... on RequestNote { message }
        ... on NoteInterface { pinned linkedTo { requests } }
        ... on ClientNote { told: message linkedTo { jobs } } } } } }";
    let found = data(&server, query, json!({"id": lead})).await;
    assert_eq!(
        found["request"]["notes"]["nodes"],
        json!([
            {"__typename": "ClientNote", "told": "linked", "pinned": false,
             "linkedTo": {"requests": true, "jobs": false}},
            {"__typename": "RequestNote", "message": "of request", "pinned": false,
             "linkedTo": {"requests": false}},
        ])
    );
    let bare =
        "query($id: EncodedId!) { request(id: $id) { notes(first: 5) { nodes { message } } } }";
    let found = errors(&server, bare, json!({"id": lead})).await;
    assert_eq!(
        found[0]["message"],
        "Field 'message' doesn't exist on type 'RequestNoteUnion'"
    );
}

#[tokio::test]
async fn a_field_that_fails_is_null_up_to_the_next_field_that_may_be() {
    let server = Server::start().await;
    let ann = caller(&server, "Ann", "+16025551234").await;
    let query = "query($id: EncodedId!) {
        client(id: $id) { id requests(first: -1) { totalCount } }
        account { name } }";
    let answer = ask(&server, query, json!({"id": ann})).await;
    assert_eq!(
        answer["data"],
        json!({"client": null, "account": {"name": "Simulated company acme"}})
    );
    assert_eq!(answer["errors"][0]["path"], json!(["client", "requests"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
