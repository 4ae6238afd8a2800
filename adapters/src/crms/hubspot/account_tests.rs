//! What a person is told who connects a HubSpot account.

use serde_json::{Value, json};

use super::mapping_tests::{deal_mode, lead_mode, with_ref};
use super::{HUBSPOT, HubSpot};
use crate::scripted_crm::{Script, ScriptedCrm, say, session_with};
use crate::{AccountInfo, AdapterResult, Choice, CrmAdapter, SettingKind, Settings};

fn details() -> Script {
    say(
        200,
        &json!({"portalId": 24_000_001, "timeZone": "US/Eastern"}),
    )
}

fn pipelines() -> Script {
    let stage = |id: &str, archived: bool| json!({"id": id, "label": id, "archived": archived});
    say(
        200,
        &json!({"results": [
            {"id": "771", "label": "Service calls", "archived": false,
             "stages": [stage("7711", false), stage("7712", true)]},
            {"id": "772", "label": "Sales", "stages": [stage("7721", false)]},
            {"id": "773", "label": "Old", "archived": true, "stages": [stage("7731", false)]},
        ]}),
    )
}

fn property(name: &str, kind: &str, unique: bool, hubspots: bool) -> Value {
    json!({"name": name, "label": "A label", "type": kind, "hasUniqueValue": unique,
           "hubspotDefined": hubspots})
}

fn not_there() -> Script {
    let body = json!({"status": "error", "message": "resource not found", "correlationId": "c"});
    say(404, &body)
}

async fn check(
    settings: Settings,
    script: Vec<Script>,
) -> (AdapterResult<AccountInfo>, Vec<String>) {
    let crm = ScriptedCrm::start(script).await;
    let session = session_with(&HubSpot, &crm.url, settings);
    let checked = HubSpot.check(&session).await;
    assert!(crm.is_over(), "everything was asked for");
    let asked = crm.seen().into_iter();
    (
        checked,
        asked
            .map(|seen| format!("{} {}", seen.method, seen.target))
            .collect(),
    )
}

async fn refused(settings: Settings, script: Vec<Script>) -> (String, String) {
    let (checked, _) = check(settings, script).await;
    let error = checked.err().expect("refused");
    (
        format!("{} {}", error.kind(), error.reason()),
        error.detail().to_owned(),
    )
}

#[tokio::test]
async fn a_check_says_whose_account_it_is_and_looks_up_what_is_set() {
    let (checked, asked) = check(Settings::default(), vec![details()]).await;
    let account = checked.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(account.id.as_deref(), Some("24000001"));
    assert_eq!(account.name, "HubSpot account 24000001");
    assert_eq!(asked, ["GET /account-info/2026-03/details"]);

    let reference = || say(200, &property("leadrail_ref", "string", true, false));
    let owner = say(200, &json!({"id": "501", "email": "ana@example.com"}));
    let script = vec![details(), pipelines(), owner, reference(), reference()];
    let settings = with_ref(deal_mode()).with("owner", "501");
    let (checked, asked) = check(settings, script).await;
    assert!(checked.is_ok());
    assert_eq!(
        asked[1..],
        [
            "GET /crm/pipelines/2026-03/deals",
            "GET /crm/owners/2026-03/501",
            "GET /crm/properties/2026-03/contacts/leadrail_ref",
            "GET /crm/properties/2026-03/deals/leadrail_ref",
        ]
    );
}

#[tokio::test]
async fn a_stage_of_another_pipeline_is_refused_with_a_sentence() {
    let rows = [
        (
            "771",
            Some("7721"),
            "the stage that stage names is not one of the pipeline that pipeline names",
        ),
        (
            "771",
            Some("7712"),
            "the stage that stage names is not one of the pipeline that pipeline names",
        ),
        (
            "773",
            Some("7731"),
            "the account has no pipeline that is what pipeline names",
        ),
        (
            "999",
            None,
            "the account has no pipeline that is what pipeline names",
        ),
    ];
    for (pipeline, stage, sentence) in rows {
        let settings = Settings::default().with("pipeline", pipeline);
        let settings = match stage {
            Some(stage) => settings.with("stage", stage),
            None => settings,
        };
        let (told, detail) = refused(settings, vec![details(), pipelines()]).await;
        assert_eq!(told, "setup setting_invalid");
        let whole = format!("the connection to HubSpot does not fit the account: {sentence}");
        assert_eq!(detail, whole);
    }
    let alone = lead_mode().with("lead_stage", "7711");
    let (_, detail) = refused(alone, vec![details(), pipelines()]).await;
    assert!(
        detail.ends_with("lead_stage is set without lead_pipeline"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_check_of_leads_proves_that_the_account_has_them() {
    let (checked, asked) = check(lead_mode(), vec![details(), pipelines()]).await;
    assert!(checked.is_ok());
    assert_eq!(asked[1], "GET /crm/pipelines/2026-03/leads");
    let no = json!({"status": "error", "category": "MISSING_SCOPES", "correlationId": "c",
                    "message": "?", "context": {"requiredScopes": ["crm.objects.leads.read"]}});
    let (told, detail) = refused(lead_mode(), vec![details(), say(403, &no)]).await;
    assert_eq!(told, "forbidden missing_scopes");
    assert!(detail.contains("crm.objects.leads.read"), "{detail}");
}

#[tokio::test]
async fn an_owner_and_a_property_must_be_there_and_fit() {
    let owned = Settings::default().with("owner", "501");
    for script in [
        not_there(),
        say(200, &json!({"id": "501", "archived": true})),
    ] {
        let (told, detail) = refused(owned.clone(), vec![details(), script]).await;
        assert_eq!(told, "setup setting_invalid");
        assert!(detail.contains("owner"), "{detail}");
    }
    let set = with_ref(Settings::default());
    for wrong in [
        property("leadrail_ref", "string", false, false),
        property("leadrail_ref", "number", true, false),
        property("leadrail_ref", "string", true, true),
    ] {
        let (told, detail) = refused(set.clone(), vec![details(), say(200, &wrong)]).await;
        assert_eq!(told, "setup setting_invalid");
        assert!(detail.contains("unique values"), "{detail}");
    }
    let right = say(200, &property("leadrail_ref", "string", true, false));
    let (told, detail) = refused(set, vec![details(), right, not_there()]).await;
    assert_eq!(told, "setup setting_invalid");
    assert!(
        detail.ends_with("a property that deals do not have"),
        "{detail}"
    );
}

async fn options(settings: Settings, setting: &str, script: Vec<Script>) -> Vec<(String, String)> {
    let crm = ScriptedCrm::start(script).await;
    let session = session_with(&HubSpot, &crm.url, settings);
    let choices = HubSpot.options(&session, setting).await.unwrap();
    assert!(crm.is_over(), "everything was asked for");
    let pair = |choice: Choice| (choice.id, choice.title);
    choices.into_iter().map(pair).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(id, title): &(&str, &str)| ((*id).to_owned(), (*title).to_owned());
    all.iter().map(own).collect()
}

#[tokio::test]
async fn living_pipelines_and_their_stages_are_listed() {
    for setting in ["pipeline", "lead_pipeline"] {
        let listed = options(Settings::default(), setting, vec![pipelines()]).await;
        assert_eq!(listed, pairs(&[("771", "Service calls"), ("772", "Sales")]));
    }
    for (setting, of) in [("stage", "pipeline"), ("lead_stage", "lead_pipeline")] {
        let chosen = Settings::default().with(of, "771");
        let listed = options(chosen, setting, vec![pipelines()]).await;
        assert_eq!(listed, pairs(&[("7711", "7711")]));
        let listed = options(Settings::default(), setting, vec![pipelines()]).await;
        let all = [("7711", "Service calls: 7711"), ("7721", "Sales: 7721")];
        assert_eq!(listed, pairs(&all));
    }
}

#[tokio::test]
async fn owners_are_listed_by_name_page_after_page() {
    let ana = json!({"id": 501, "firstName": "Ana", "lastName": "Ruiz", "archived": false});
    let ben = json!({"id": "502", "email": "ben@example.com", "firstName": null, "lastName": " "});
    let gone = json!({"id": "503", "firstName": "Cleo", "archived": true});
    let script = vec![
        say(
            200,
            &json!({"results": [ana], "paging": {"next": {"after": "1"}}}),
        ),
        say(200, &json!({"results": [ben, gone]})),
    ];
    let listed = options(Settings::default(), "owner", script).await;
    assert_eq!(
        listed,
        pairs(&[("501", "Ana Ruiz"), ("502", "ben@example.com")])
    );
}

#[tokio::test]
async fn only_properties_that_can_hold_references_are_listed() {
    let all = json!({"results": [
        property("email", "string", true, true), property("nickname", "string", false, false),
        property("size", "number", true, false), property("leadrail_ref", "string", true, false),
    ]});
    let listed = options(Settings::default(), "ref_property", vec![say(200, &all)]).await;
    assert_eq!(listed, pairs(&[("leadrail_ref", "A label")]));
}

#[tokio::test]
async fn every_setting_with_options_has_a_list_and_no_other() {
    for setting in HUBSPOT.settings {
        let has = matches!(
            setting.kind,
            SettingKind::Id { options: true } | SettingKind::Number { options: true }
        );
        let crm = ScriptedCrm::start([say(200, &json!({"results": []}))]).await;
        let session = session_with(&HubSpot, &crm.url, Settings::default());
        assert!(
            HubSpot
                .options(&session, setting.name)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(crm.is_over(), has, "{}", setting.name);
    }
}
