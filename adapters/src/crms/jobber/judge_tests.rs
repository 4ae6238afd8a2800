//! What Jobber's refusals lead to, in all three shapes, against a scripted server.

use std::time::Duration;

use serde_json::{Value, json};

use super::Jobber;
use super::answers_tests::{file, look, told};
use crate::scripted_crm::{Script, ScriptedCrm, say};
use crate::{AdapterError, CallBudget};

/// What a new request and a look-up of the caller make of the same answer.
async fn decisions(status: u16, body: &str) -> (String, String) {
    let answers = [status, status].map(|status| Script::Say(status, body.to_owned()));
    let crm = ScriptedCrm::start(answers).await;
    let session = crm.session_of(&Jobber);
    let written = file(&session).await;
    let written = told(&written, &session);
    let read = look(&session).await;
    (told(&read, &session), written)
}

fn coded(code: &str) -> Value {
    json!({"errors": [{"message": "x", "extensions": {"code": code}}]})
}

#[tokio::test]
async fn every_refusal_before_graphql_leads_to_one_decision() {
    let rows = [
        (
            400,
            json!({"error": "x"}),
            "rejected http_400",
            "rejected http_400",
        ),
        (
            401,
            json!({"message": "Token not recognized"}),
            "auth http_401",
            "auth http_401",
        ),
        (
            401,
            json!({"error": "invalid_request"}),
            "auth http_401",
            "auth http_401",
        ),
        (403, json!({}), "forbidden forbidden", "forbidden forbidden"),
        (
            404,
            json!({"message": "The API version \"2020-01-01\" does not exist"}),
            "setup unknown_api_version",
            "setup unknown_api_version",
        ),
        (429, json!({}), "throttled http_429", "throttled http_429"),
        (500, json!({}), "not_done http_500", "ambiguous http_500"),
        (502, json!({}), "not_done http_502", "ambiguous http_502"),
        // A status is believed unless the body knows better.
        (
            400,
            coded("BAD_USER_INPUT"),
            "rejected bad_user_input",
            "rejected bad_user_input",
        ),
        (
            400,
            coded("FORBIDDEN"),
            "forbidden forbidden",
            "forbidden forbidden",
        ),
        (
            429,
            coded("THROTTLED"),
            "throttled throttled",
            "throttled throttled",
        ),
        (
            500,
            coded("NOT_FOUND"),
            "not_done http_500",
            "ambiguous http_500",
        ),
    ];
    for (status, body, read, written) in rows {
        let expected = (read.to_owned(), written.to_owned());
        assert_eq!(
            decisions(status, &body.to_string()).await,
            expected,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn every_error_beside_data_leads_to_one_decision() {
    let unfit = json!([{
        "message": "Variable $input of type RequestCreateInput! was provided invalid value",
        "extensions": {"value": {}, "problems": [{"path": ["salespersonId"]}]},
    }]);
    let rows = [
        (
            json!([coded("THROTTLED")["errors"][0]]),
            "throttled throttled",
            "throttled throttled",
        ),
        (
            json!([coded("UNAUTHENTICATED")["errors"][0]]),
            "auth unauthenticated",
            "auth unauthenticated",
        ),
        (
            json!([{"message": "The app was disconnected; please delete the access token"}]),
            "auth unauthenticated",
            "auth unauthenticated",
        ),
        (
            json!([coded("FORBIDDEN")["errors"][0]]),
            "forbidden forbidden",
            "forbidden forbidden",
        ),
        (
            json!([{"message": "An object of type Client was hidden due to permissions"}]),
            "forbidden forbidden",
            "forbidden forbidden",
        ),
        (
            json!([coded("NOT_FOUND")["errors"][0]]),
            "rejected record_gone",
            "rejected record_gone",
        ),
        (
            json!([coded("BAD_USER_INPUT")["errors"][0]]),
            "rejected bad_user_input",
            "rejected bad_user_input",
        ),
        (unfit, "rejected bad_user_input", "rejected bad_user_input"),
        (
            json!([coded("INTERNAL_SERVER_ERROR")["errors"][0]]),
            "not_done internal_server_error",
            "ambiguous internal_server_error",
        ),
        (
            json!([{"message": "x"}]),
            "not_done graphql_error",
            "ambiguous graphql_error",
        ),
        (
            json!(["x"]),
            "not_done graphql_error",
            "ambiguous graphql_error",
        ),
        (
            json!({"message": "x"}),
            "not_done graphql_error",
            "ambiguous graphql_error",
        ),
        (
            json!([{"message": "x"}, coded("NOT_FOUND")["errors"][0]]),
            "rejected record_gone",
            "rejected record_gone",
        ),
    ];
    for (errors, read, written) in rows {
        let expected = (read.to_owned(), written.to_owned());
        for body in [
            json!({"errors": errors}),
            json!({"errors": errors, "data": null}),
            json!({"errors": errors, "data": {"requestCreate": null}}),
        ] {
            assert_eq!(decisions(200, &body.to_string()).await, expected, "{body}");
        }
    }
}

#[tokio::test]
async fn a_query_that_does_not_fit_the_version_waits_for_a_person() {
    let body = coded("undefinedField");
    let expected = "setup unfit_query".to_owned();
    assert_eq!(
        decisions(200, &body.to_string()).await,
        (expected.clone(), expected)
    );
    let mut begun = body;
    begun["data"] = Value::Null;
    let expected = (
        "not_done graphql_error".to_owned(),
        "ambiguous graphql_error".to_owned(),
    );
    assert_eq!(decisions(200, &begun.to_string()).await, expected);
}

#[tokio::test]
async fn an_error_beside_a_record_that_was_made_leaves_the_write_ambiguous() {
    for code in ["FORBIDDEN", "THROTTLED", "NOT_FOUND", "new"] {
        let mut body = coded(code);
        body["data"] = json!({"requestCreate": {"request": {"id": "r"}, "userErrors": []}});
        let written = decisions(200, &body.to_string()).await.1;
        assert_eq!(written, "ambiguous partial_answer", "{code}");
    }
}

#[tokio::test]
async fn a_user_error_beside_a_record_leaves_the_write_ambiguous() {
    let refused = json!([{"message": "x", "path": ["input", "title"]}]);
    let rows = [
        (json!({"id": "r"}), "ambiguous user_errors"),
        (Value::Null, "rejected user_errors"),
        (json!([]), "rejected user_errors"),
    ];
    for (request, expected) in rows {
        let body = json!({"data": {"requestCreate": {"request": request, "userErrors": refused}}});
        let written = decisions(200, &body.to_string()).await.1;
        assert_eq!(written, expected, "{body}");
    }
}

#[tokio::test]
async fn words_count_only_where_there_is_no_code() {
    let quoting = json!({"errors": [{
        "message": "\"hidden\": delete the token",
        "extensions": {"code": "BAD_USER_INPUT"},
    }]});
    let expected = "rejected bad_user_input".to_owned();
    assert_eq!(
        decisions(200, &quoting.to_string()).await,
        (expected.clone(), expected)
    );
}

#[tokio::test]
async fn a_list_with_errors_beside_it_proves_nothing() {
    let mut body = json!({"data": {"clientPhones": {
        "nodes": [], "pageInfo": {"hasNextPage": false, "endCursor": null},
    }}});
    assert_eq!(decisions(200, &body.to_string()).await.0, "done");
    body["errors"] = json!([{"message": "x", "extensions": null}]);
    assert_eq!(
        decisions(200, &body.to_string()).await.0,
        "not_done graphql_error"
    );
}

#[tokio::test]
async fn an_answer_without_the_record_is_no_proof() {
    let made = |request: Value| {
        json!({"data": {"requestCreate": {"request": request, "userErrors": []}}}).to_string()
    };
    let rows = [
        (made(json!({"id": "r1"})), "done"),
        (
            made(json!({"id": "r1", "jobberWebUri": null, "more": 1})),
            "done",
        ),
        (made(Value::Null), "ambiguous invalid_json"),
        (made(json!({})), "ambiguous invalid_json"),
        (made(json!({"id": " "})), "ambiguous invalid_json"),
        (made(json!({"id": 7})), "ambiguous invalid_json"),
        (
            json!({"data": {"requestCreate": null}}).to_string(),
            "ambiguous invalid_json",
        ),
        (json!({"data": null}).to_string(), "ambiguous invalid_json"),
        ("{}".to_owned(), "ambiguous invalid_json"),
        ("[]".to_owned(), "ambiguous invalid_json"),
        ("<html>".to_owned(), "ambiguous invalid_json"),
        (String::new(), "ambiguous invalid_json"),
    ];
    for (body, written) in rows {
        let (read, found) = decisions(200, &body).await;
        assert_eq!(found, written, "{body}");
        assert!(
            read == "not_done invalid_json" || read == "rejected record_gone",
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_user_error_names_the_field_but_neither_words_nor_values() {
    let refused = |errors: Value| json!({"data": {"requestCreate": {"userErrors": errors}}});
    let rows = [
        (
            json!([{"message": "maria@example.com", "path": ["input", "phones", 0, "number"]}]),
            "Jobber rejected the request; it names input.phones.0.number",
        ),
        (
            json!([
                {"message": "maria", "path": ["input", "title"]},
                {"message": "maria", "path": ["input", "title"]},
                {"message": "maria", "path": ["input", "phones", "3055550182"]},
                {"message": "maria", "path": ["maria@example.com"]},
                {"message": "maria", "path": ["clientId"]},
            ]),
            "Jobber rejected the request; it names input.title, clientId",
        ),
        (
            json!([{"message": "maria", "path": ["requestId", "maria"]}]),
            "Jobber rejected the request",
        ),
        (json!([{"message": "maria"}]), "Jobber rejected the request"),
        (json!(["maria"]), "Jobber rejected the request"),
    ];
    for (errors, expected) in rows {
        let crm = ScriptedCrm::start([say(200, &refused(errors))]).await;
        let error = file(&crm.session_of(&Jobber)).await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), ("rejected", "user_errors"));
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("maria"));
    }
}

#[tokio::test]
async fn a_throttled_query_waits_until_its_points_are_back() {
    let waits = |wanted: Value, available: Value, rate: Value| async move {
        let mut body = coded("THROTTLED");
        body["extensions"]["cost"] = json!({"requestedQueryCost": wanted, "throttleStatus": {
            "maximumAvailable": 10_000, "currentlyAvailable": available, "restoreRate": rate,
        }});
        let crm = ScriptedCrm::start([say(200, &body)]).await;
        match file(&crm.session_of(&Jobber)).await.unwrap_err() {
            AdapterError::Throttled { retry_after, .. } => {
                Ok(retry_after.map(|wait| wait.as_secs()))
            }
            error => Err(error.reason().to_owned()),
        }
    };
    assert_eq!(
        waits(json!(2_600), json!(100), json!(500)).await,
        Ok(Some(5))
    );
    assert_eq!(waits(json!(101), json!(100), json!(500)).await, Ok(Some(1)));
    assert_eq!(waits(json!(90), json!(100), json!(500)).await, Ok(Some(0)));
    assert_eq!(
        waits(json!(10_000), json!(0), json!(0.001)).await,
        Ok(Some(86_400))
    );
    assert_eq!(waits(json!(90), json!(0), json!(0)).await, Ok(None));
    assert_eq!(waits(json!(90), json!(-1), json!(500)).await, Ok(None));
    assert_eq!(waits(json!("90"), json!("0"), json!("x")).await, Ok(None));
    let never = waits(json!(10_001), json!(10_000), json!(500)).await;
    assert_eq!(never, Err("query_too_costly".to_owned()));
}

#[tokio::test]
async fn points_are_told_as_leads() {
    let cost = json!({"requestedQueryCost": 90, "actualQueryCost": 9, "throttleStatus": {
        "maximumAvailable": 10_000, "currentlyAvailable": 2_550, "restoreRate": 500,
    }});
    let made = json!({
        "data": {"requestCreate": {"request": {"id": "r1"}, "userErrors": []}},
        "extensions": {"cost": cost},
    });
    let crm = ScriptedCrm::start([say(200, &made)]).await;
    let session = crm.session_of(&Jobber);
    file(&session).await.unwrap();
    let expected = CallBudget {
        left: 25,
        resets_in: Duration::from_secs(15),
    };
    assert_eq!(session.take_budget(), Some(expected));
}
