//! Whose location it is, and what its settings are compared with.

use serde_json::{Value, json};

use super::GoHighLevel;
use crate::scripted_crm::{Script, ScriptedCrm, say, session_with};
use crate::{AccountInfo, AdapterError, AdapterResult, Choice, CrmAdapter, Settings};

fn settings() -> Settings {
    Settings::default().with("location_id", "loc_1")
}

fn location() -> Script {
    say(
        200,
        &json!({"location": {"id": "loc_1", "name": "Acme\u{0} Heating"}}),
    )
}

fn pipelines() -> Script {
    say(
        200,
        &json!({"pipelines": [
            {"id": "pip_1", "name": "Sales", "stages": [
                {"id": "stg_1", "name": "New"}, {"id": "stg_2", "name": "Booked"},
            ]},
            {"id": "pip_2", "name": null, "stages": [{"id": "stg_3", "name": "New"}]},
            {"id": "pip_3", "name": "Empty"},
        ]}),
    )
}

fn users() -> Script {
    say(
        200,
        &json!({"users": [
            {"id": "usr_1", "name": "Sam Ortiz", "deleted": false},
            {"id": "usr_2", "name": "Gone", "deleted": true},
        ]}),
    )
}

fn fields(model: &str) -> Script {
    say(
        200,
        &json!({"customFields": [
            {"id": "cf_1", "name": "Ref", "dataType": "TEXT", "model": model},
            {"id": "cf_2", "name": "Long", "dataType": "LARGE_TEXT"},
            {"id": "cf_3", "name": "Age", "dataType": "NUMERICAL", "model": model},
            {"id": "cf_4", "name": "Other", "dataType": "TEXT", "model": "business"},
            {"id": "cf_5", "name": "Kindless"},
        ]}),
    )
}

async fn checked(settings: Settings, answers: Vec<Script>) -> AdapterResult<AccountInfo> {
    let crm = ScriptedCrm::start(answers).await;
    let session = session_with(&GoHighLevel, &crm.url, settings);
    let checked = GoHighLevel.check(&session).await;
    assert!(crm.is_over(), "everything was asked for");
    checked
}

fn sentence(checked: AdapterResult<AccountInfo>) -> String {
    match checked.map(|account| account.name) {
        Err(AdapterError::Setup(failure)) => failure.detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_check_says_whose_location_it_is() {
    let account = checked(settings(), vec![location()]).await.unwrap();
    assert_eq!(
        (account.id.as_deref(), account.name.as_str()),
        (Some("loc_1"), "Acme Heating")
    );
    let nameless = say(200, &json!({"location": {}}));
    let account = checked(settings(), vec![nameless]).await.unwrap();
    assert_eq!(account.name, "location loc_1");
}

#[tokio::test]
async fn what_is_set_must_be_there() {
    let all = settings()
        .with("pipeline", "pip_1")
        .with("stage", "stg_2")
        .with("owner", "usr_1")
        .with("contact_field", "cf_1")
        .with("opportunity_field", "cf_2");
    let answers = vec![
        location(),
        pipelines(),
        users(),
        fields("contact"),
        fields("opportunity"),
    ];
    assert!(checked(all, answers).await.is_ok());
    for (setting, value, answers, words) in [
        (
            "pipeline",
            "pip_9",
            vec![location(), pipelines()],
            "names no pipeline of the location",
        ),
        (
            "owner",
            "usr_2",
            vec![location(), users()],
            "names no user of the location",
        ),
        (
            "contact_field",
            "cf_3",
            vec![location(), fields("contact")],
            "contact_field names no text field",
        ),
        (
            "opportunity_field",
            "cf_4",
            vec![location(), fields("opportunity")],
            "opportunity_field names no text field",
        ),
    ] {
        let told = sentence(checked(settings().with(setting, value), answers).await);
        assert!(told.contains(words) && !told.contains(value), "{told}");
    }
}

#[tokio::test]
async fn a_stage_of_another_pipeline_is_refused_with_a_sentence() {
    let set = settings().with("pipeline", "pip_1").with("stage", "stg_3");
    let told = sentence(checked(set.clone(), vec![location(), pipelines()]).await);
    assert_eq!(
        told,
        "the setting stage names no stage of the pipeline that is set: choose one of the pipeline's own"
    );
    let contact = set.with("mode", "contact");
    assert!(
        checked(contact, vec![location()]).await.is_ok(),
        "no card, no stage"
    );
}

#[tokio::test]
async fn a_connection_that_does_not_open_says_why() {
    let says = |status, message: &str| vec![say(status, &json!({"message": message}))];
    for (answers, kind, words) in [
        (
            says(401, "Invalid JWT"),
            "auth",
            "no longer accepts our credentials",
        ),
        (
            says(401, "The token is not authorized for this scope."),
            "setup",
            "lacks a scope",
        ),
        (
            says(403, "The token does not have access to this location."),
            "forbidden",
            "not one of the location",
        ),
        (
            says(404, "Not Found"),
            "setup",
            "does not know the location",
        ),
        (
            says(400, "Location with id loc_1 not found"),
            "setup",
            "does not know the location",
        ),
        (
            says(401, "version header is invalid"),
            "setup",
            "api_version",
        ),
    ] {
        let error = checked(settings(), answers).await.err().unwrap();
        assert_eq!(error.kind(), kind);
        assert!(error.detail().contains(words), "{error}");
    }
    let told = sentence(checked(Settings::default(), vec![]).await);
    assert!(told.contains("lacks the setting location_id"), "{told}");
}

async fn listed(
    settings: Settings,
    setting: &str,
    answer: Option<Script>,
) -> Vec<(String, String)> {
    let crm = ScriptedCrm::start(answer).await;
    let session = session_with(&GoHighLevel, &crm.url, settings);
    let choices = GoHighLevel.options(&session, setting).await.unwrap();
    assert!(crm.is_over());
    let pair = |Choice { id, title }| (id, title);
    choices.into_iter().map(pair).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(id, title): &(&str, &str)| ((*id).to_owned(), (*title).to_owned());
    expected.iter().map(own).collect()
}

#[tokio::test]
async fn options_are_the_locations_own() {
    let pipeline = settings().with("pipeline", "pip_1");
    for (set, setting, answer, expected) in [
        (
            settings(),
            "pipeline",
            pipelines(),
            &[("pip_1", "Sales"), ("pip_2", "pip_2"), ("pip_3", "Empty")][..],
        ),
        (
            pipeline,
            "stage",
            pipelines(),
            &[("stg_1", "New"), ("stg_2", "Booked")][..],
        ),
        (
            settings(),
            "stage",
            pipelines(),
            &[
                ("stg_1", "Sales: New"),
                ("stg_2", "Sales: Booked"),
                ("stg_3", "pip_2: New"),
            ][..],
        ),
        (settings(), "owner", users(), &[("usr_1", "Sam Ortiz")][..]),
        (
            settings(),
            "contact_field",
            fields("contact"),
            &[("cf_1", "Ref"), ("cf_2", "Long")][..],
        ),
        (
            settings(),
            "opportunity_field",
            fields("opportunity"),
            &[("cf_1", "Ref"), ("cf_2", "Long")][..],
        ),
    ] {
        assert_eq!(
            listed(set, setting, Some(answer)).await,
            pairs(expected),
            "{setting}"
        );
    }
    for other in ["mode", "location_id", "no_such_setting"] {
        assert!(listed(settings(), other, None).await.is_empty(), "{other}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_an_error() {
    for body in [json!({}), json!({"pipelines": [{"id": ""}]}), Value::Null] {
        let crm = ScriptedCrm::start([say(200, &body)]).await;
        let session = session_with(&GoHighLevel, &crm.url, settings());
        assert!(GoHighLevel.options(&session, "pipeline").await.is_err());
    }
}
