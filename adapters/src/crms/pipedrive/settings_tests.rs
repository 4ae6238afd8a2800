//! What a person who connects an account is told, and what there is to choose from.

use serde_json::{Value, json};

use super::Pipedrive;
use crate::scripted_crm::{Script, ScriptedCrm, say, session_with};
use crate::{AccountInfo, AdapterResult, CrmAdapter, Settings};

fn me() -> Script {
    let user = json!({"id": 1, "name": "Ann", "company_id": 77, "company_name": "Acme\u{0} Heating",
                      "company_domain": "acme", "locale": "en_US"});
    say(200, &json!({"success": true, "data": user}))
}

fn one(data: &Value) -> Script {
    say(200, &json!({"success": true, "data": data}))
}

async fn checked(
    settings: Settings,
    script: Vec<Script>,
) -> (AdapterResult<AccountInfo>, Vec<String>) {
    let crm = ScriptedCrm::start(script).await;
    let session = session_with(&Pipedrive, &crm.url, settings);
    let account = Pipedrive.check(&session).await;
    assert!(crm.is_over());
    (
        account,
        crm.seen().into_iter().map(|seen| seen.target).collect(),
    )
}

fn deal(pipeline: Option<u64>, stage: Option<u64>) -> Settings {
    let settings = Settings::default().with("mode", "deal");
    let settings = match pipeline {
        Some(id) => settings.with("pipeline", id.to_string()),
        None => settings,
    };
    match stage {
        Some(id) => settings.with("stage", id.to_string()),
        None => settings,
    }
}

#[tokio::test]
async fn the_check_says_whose_account_it_is() {
    let (account, asked) = checked(Settings::default(), vec![me()]).await;
    let account = account.unwrap();
    assert_eq!(
        (account.id.as_deref(), account.name.as_str()),
        (Some("77"), "Acme Heating")
    );
    assert_eq!(asked, ["/api/v1/users/me"]);
    let (account, _) = checked(
        Settings::default(),
        vec![one(&json!({"company_domain": "acme"}))],
    )
    .await;
    assert_eq!(account.unwrap().name, "acme");
}

#[tokio::test]
async fn a_wrong_token_and_an_account_that_is_not_open_park_the_connection() {
    for (status, expected) in [
        (401, "auth http_401"),
        (402, "forbidden http_402"),
        (403, "forbidden forbidden"),
    ] {
        let refusal = say(status, &json!({"success": false, "error": "no"}));
        let (account, _) = checked(Settings::default(), vec![refusal]).await;
        let error = account.err().unwrap();
        assert_eq!(format!("{} {}", error.kind(), error.reason()), expected);
    }
}

#[tokio::test]
async fn a_stage_that_does_not_belong_to_the_pipeline_is_refused_with_a_sentence() {
    let stage = |pipeline: u64| one(&json!({"id": 11, "name": "New", "pipeline_id": pipeline}));
    let (account, asked) = checked(deal(Some(2), Some(11)), vec![me(), stage(1)]).await;
    let error = account.err().unwrap();
    assert_eq!((error.kind(), error.reason()), ("setup", "setting_invalid"));
    assert_eq!(
        error.to_string(),
        "the stage that the connection to Pipedrive sets does not belong to its pipeline"
    );
    assert_eq!(asked[1], "/api/v2/stages/11");
    for settings in [deal(Some(1), Some(11)), deal(None, Some(11))] {
        assert!(checked(settings, vec![me(), stage(1)]).await.0.is_ok());
    }
    assert!(checked(deal(None, None), vec![me()]).await.0.is_ok());
    // Where calls become leads, nobody reads it.
    let settings = deal(Some(2), Some(11)).with("mode", "lead");
    assert!(checked(settings, vec![me()]).await.0.is_ok());
}

#[tokio::test]
async fn a_stage_or_pipeline_that_is_gone_is_named() {
    let gone = || say(404, &json!({"success": false, "error": "not found"}));
    let deleted = || one(&json!({"id": 11, "name": "New", "pipeline_id": 1, "is_deleted": true}));
    for (settings, script, what) in [
        (deal(Some(1), Some(11)), gone(), "no stage"),
        (deal(Some(1), Some(11)), deleted(), "no stage"),
        (deal(Some(1), None), gone(), "no pipeline"),
    ] {
        let (account, _) = checked(settings, vec![me(), script]).await;
        let error = account.err().unwrap();
        assert_eq!(error.kind(), "setup");
        assert!(error.to_string().contains(what), "{error}");
    }
    let busy = say(503, &json!({"success": false}));
    let (account, _) = checked(deal(Some(1), Some(11)), vec![me(), busy]).await;
    assert_eq!(account.err().unwrap().kind(), "not_done");
}

async fn choices(
    settings: Settings,
    setting: &str,
    answer: &Value,
) -> (Vec<(String, String)>, String) {
    let crm = ScriptedCrm::start([say(200, answer)]).await;
    let session = session_with(&Pipedrive, &crm.url, settings);
    let choices = Pipedrive.options(&session, setting).await.unwrap();
    let choices = choices.into_iter().map(|choice| (choice.id, choice.title));
    (choices.collect(), crm.seen()[0].target.clone())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs
        .map(|(id, title)| ((*id).to_owned(), (*title).to_owned()))
        .collect()
}

#[tokio::test]
async fn owners_labels_pipelines_and_stages_are_those_in_use() {
    let listed = |data: Value| json!({"success": true, "data": data});
    let users = listed(json!([
        {"id": 1, "name": "Ann", "active_flag": true}, {"id": 2, "name": "Ben", "active_flag": false},
    ]));
    let (found, asked) = choices(Settings::default(), "owner", &users).await;
    assert_eq!(
        (found, asked.as_str()),
        (pairs(&[("1", "Ann")]), "/api/v1/users")
    );

    let labels =
        listed(json!([{"id": "u-1", "name": "Hot", "color": "red"}, {"id": "u-2", "name": null}]));
    let (found, asked) = choices(Settings::default(), "lead_label", &labels).await;
    assert_eq!(found, pairs(&[("u-1", "Hot"), ("u-2", "u-2")]));
    assert_eq!(asked, "/api/v1/leadLabels");

    let pipelines = listed(json!([
        {"id": 1, "name": "Sales", "is_deleted": false}, {"id": 2, "name": "Old", "is_deleted": true},
    ]));
    let (found, asked) = choices(Settings::default(), "pipeline", &pipelines).await;
    assert_eq!(
        (found, asked.as_str()),
        (pairs(&[("1", "Sales")]), "/api/v2/pipelines?limit=50")
    );

    let stages = listed(json!([{"id": 11, "name": "New", "pipeline_id": 1}]));
    let (found, asked) = choices(deal(Some(1), None), "stage", &stages).await;
    assert_eq!(found, pairs(&[("11", "New")]));
    assert_eq!(asked, "/api/v2/stages?pipeline_id=1&limit=50");
}

#[tokio::test]
async fn channels_and_fields_are_read_in_the_words_of_both_versions() {
    let hash = "a".repeat(40);
    let in_v2 = json!([
        {"field_code": "title", "field_name": "Title", "field_type": "varchar", "is_custom_field": false},
        {"field_code": "status", "field_name": "Status", "field_type": "status",
         "options": [{"id": "open", "label": "Open"}]},
        {"field_code": "channel", "field_name": "Channel", "field_type": "enum",
         "options": [{"id": 52, "label": "Phone"}, {"id": "web", "label": "Web"}]},
        {"field_code": hash, "field_name": "Reference", "field_type": "varchar", "is_custom_field": true},
        {"field_code": "b".repeat(40), "field_name": "Age", "field_type": "double", "is_custom_field": true},
    ]);
    let in_v1 = json!([
        {"id": 1, "key": "channel", "name": "Channel", "field_type": "enum", "options": [{"id": 52, "label": "Phone"}]},
        {"id": 2, "key": hash, "name": "Reference", "field_type": "text"},
        {"id": 3, "key": "title", "name": "Title", "field_type": "varchar"},
    ]);
    for data in [in_v2, in_v1] {
        let answer = json!({"success": true, "data": data});
        let (found, asked) = choices(Settings::default(), "channel", &answer).await;
        assert_eq!(found, pairs(&[("52", "Phone")]));
        assert_eq!(asked, "/api/v2/dealFields?limit=50");
        for (setting, list) in [
            ("deal_field", "dealFields"),
            ("person_field", "personFields"),
        ] {
            let (found, asked) = choices(Settings::default(), setting, &answer).await;
            assert_eq!(found, pairs(&[(hash.as_str(), "Reference")]));
            assert_eq!(asked, format!("/api/v2/{list}?limit=50"));
        }
    }
}
