//! What GoHighLevel's own answers lead to, against a scripted server.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::GoHighLevel;
use super::refusal::verdict;
use crate::hostile::any_json;
use crate::scripted_crm::{Scene, Script, ScriptedCrm, lead_with, say};
use crate::{
    AdapterError, AdapterResult, Answer, CallBudget, Effect, Record, Session, Settings, Slot,
    StepKey,
};

fn scene() -> Scene {
    let mut scene = Scene::new().for_customer("con_1");
    scene.settings = Settings::default()
        .with("location_id", "loc_1")
        .with("pipeline", "pip_1");
    scene
}

/// What the only call led to, as a word and a reason.
async fn told(key: StepKey, script: Script) -> String {
    let crm = ScriptedCrm::start([script]).await;
    let session = crm.session_of(&GoHighLevel);
    let taken = scene().take(&GoHighLevel, key, &session).await;
    in_words(&taken)
}

fn in_words<T>(result: &AdapterResult<T>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("{} {}", error.kind(), error.reason()),
    }
}

fn says(status: u16, message: &str) -> Script {
    say(status, &json!({"statusCode": status, "message": message}))
}

#[tokio::test]
async fn every_answer_to_a_new_opportunity_leads_to_one_decision() {
    let made = json!({"opportunity": {"id": "opp_1", "name": "x"}, "traceId": "t"});
    let double = json!({
        "statusCode": 400, "code": "OPPORTUNITY_NO_DUPLICATE",
        "message": "Can not create duplicate opportunity for the contact.",
        "meta": {"existingId": "opp_0"},
    });
    let rows = [
        (say(201, &made), "done"),
        (say(200, &made), "done"),
        (say(400, &double), "done"),
        (say(201, &json!({})), "ambiguous invalid_json"),
        (
            say(201, &json!({"opportunity": {"id": ""}})),
            "ambiguous invalid_json",
        ),
        (
            say(201, &json!({"opportunity": {"id": 7}})),
            "ambiguous invalid_json",
        ),
        (say(201, &json!({"id": "opp_1"})), "ambiguous invalid_json"),
        (Script::BreakOff(201), "ambiguous connection_lost"),
        (says(400, "Bad Request"), "rejected http_400"),
        (says(400, "name must be a string"), "rejected http_400"),
        (
            says(400, "Contact with id con_1 not found"),
            "rejected record_gone",
        ),
        (
            says(400, "The contact id is invalid."),
            "rejected record_gone",
        ),
        (
            says(400, "The pipeline id is invalid."),
            "setup setting_invalid",
        ),
        (
            says(400, "pipelineStageId is not of this pipeline"),
            "setup setting_invalid",
        ),
        (says(400, "The user id is invalid."), "setup owner_unknown"),
        (says(401, "Invalid JWT"), "auth http_401"),
        (
            says(401, "Invalid token: access token is invalid"),
            "auth http_401",
        ),
        (
            says(401, "The token is not authorized for this scope."),
            "setup scope_missing",
        ),
        (
            says(401, "version header was not found."),
            "setup unknown_api_version",
        ),
        (
            says(401, "version header is invalid"),
            "setup unknown_api_version",
        ),
        (
            says(403, "The token does not have access to this location."),
            "forbidden forbidden",
        ),
        (
            Script::Say(403, "<html>blocked</html>".to_owned()),
            "forbidden forbidden",
        ),
        (says(404, "Not Found"), "rejected record_gone"),
        (says(408, "Request Timeout"), "ambiguous http_408"),
        (says(409, "Conflict"), "ambiguous http_409"),
        (says(429, "Too Many Requests"), "throttled http_429"),
        (says(500, "Internal server error"), "ambiguous http_500"),
        (
            Script::Say(502, "Bad Gateway".to_owned()),
            "ambiguous http_502",
        ),
        (says(503, "Service Unavailable"), "ambiguous http_503"),
        (
            Script::Say(524, "A timeout occurred".to_owned()),
            "ambiguous http_524",
        ),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        assert_eq!(
            told(StepKey::LEAD_CREATE, script).await,
            expected,
            "row {number}"
        );
    }
}

#[tokio::test]
async fn every_answer_to_a_new_contact_leads_to_one_decision() {
    let made = json!({"contact": {"id": "con_2", "locationId": "loc_1"}});
    let double = json!({
        "statusCode": 400, "message": "Este local no permite contactos duplicados.",
        "meta": {"contactId": "con_0", "contactName": "ann", "matchingField": "email"},
    });
    let rows = [
        (say(201, &made), "done"),
        (say(400, &double), "done"),
        (
            say(201, &json!({"contact": null})),
            "ambiguous invalid_json",
        ),
        (
            say(400, &json!({"meta": {"contactId": ""}})),
            "rejected http_400",
        ),
        (
            says(400, "locationId is not valid"),
            "setup setting_invalid",
        ),
        (says(400, "email must be an email"), "rejected http_400"),
        (says(401, "Invalid JWT"), "auth http_401"),
        (says(402, "Payment Required"), "rejected http_402"),
        (says(403, "Forbidden"), "forbidden forbidden"),
        (says(404, "Cannot POST /contacts/"), "setup http_404"),
        (says(423, "Locked"), "not_done http_423"),
        (says(429, "Too Many Requests"), "throttled http_429"),
        (says(504, "Gateway Timeout"), "ambiguous http_504"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        assert_eq!(
            told(StepKey::CUSTOMER_CREATE, script).await,
            expected,
            "row {number}"
        );
    }
}

#[tokio::test]
async fn every_answer_to_a_new_note_leads_to_one_decision() {
    let rows = [
        (
            say(201, &json!({"note": {"id": "n_1", "body": "x"}})),
            "done",
        ),
        (say(201, &json!({"note": {}})), "ambiguous invalid_json"),
        (says(400, "body should not be empty"), "rejected http_400"),
        (
            says(400, "Contact with id con_1 not found"),
            "rejected record_gone",
        ),
        (says(404, "Not found"), "rejected record_gone"),
        (says(401, "Invalid JWT"), "auth http_401"),
        (says(429, "Too Many Requests"), "throttled http_429"),
        (says(500, "Internal server error"), "ambiguous http_500"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        assert_eq!(
            told(StepKey::NOTE_ATTACH, script).await,
            expected,
            "row {number}"
        );
    }
}

#[tokio::test]
async fn every_answer_to_a_look_up_leads_to_one_decision() {
    let rows = [
        (
            says(400, "number must be a valid phone number"),
            "rejected http_400",
        ),
        (
            says(400, "This location does not allow duplicated contacts."),
            "rejected http_400",
        ),
        (says(401, "Invalid JWT"), "auth http_401"),
        (
            says(401, "The token is not authorized for this scope."),
            "setup scope_missing",
        ),
        (says(403, "Forbidden"), "forbidden forbidden"),
        (says(404, "Not Found"), "setup http_404"),
        (
            says(422, "locationId should not be empty"),
            "setup setting_invalid",
        ),
        (says(429, "Too Many Requests"), "throttled http_429"),
        (says(500, "Internal server error"), "not_done http_500"),
        (Script::Hang, "not_done timeout"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        assert_eq!(
            told(StepKey::DEDUP_LOOKUP, script).await,
            expected,
            "row {number}"
        );
    }
}

async fn taken(scene: &Scene, key: StepKey, answers: Vec<Script>) -> AdapterResult<Option<Record>> {
    let crm = ScriptedCrm::start(answers).await;
    let session: Session = crm.session_of(&GoHighLevel);
    let taken = scene.take(&GoHighLevel, key, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    taken
}

fn id(taken: AdapterResult<Option<Record>>) -> String {
    taken.unwrap().expect("a record").id
}

fn double_contact() -> Script {
    says(400, "This location does not allow duplicated contacts.")
}

fn double_opportunity() -> Script {
    let body = json!({"statusCode": 400, "code": "OPPORTUNITY_NO_DUPLICATE", "message": "no"});
    say(400, &body)
}

#[tokio::test]
async fn a_refused_double_is_the_record_that_it_names() {
    let named = json!({"statusCode": 400, "message": "no", "meta": {"contactId": "con_0"}});
    let contact = taken(&scene(), StepKey::CUSTOMER_CREATE, vec![say(400, &named)]).await;
    assert_eq!(id(contact), "con_0");
    let named = json!({"code": "OPPORTUNITY_NO_DUPLICATE", "meta": {"existingId": "opp_0"}});
    let lead = taken(&scene(), StepKey::LEAD_CREATE, vec![say(400, &named)]).await;
    assert_eq!(id(lead), "opp_0");
}

#[tokio::test]
async fn a_refused_double_that_names_none_is_looked_for() {
    let known = json!({"contact": {"id": "con_0", "phone": "+13055550182"}});
    let answers = vec![double_contact(), say(200, &known)];
    assert_eq!(
        id(taken(&scene(), StepKey::CUSTOMER_CREATE, answers).await),
        "con_0"
    );

    let listed = |id: &str, pipeline: &str, at: &str| json!({"id": id, "name": "Roof", "pipelineId": pipeline, "createdAt": at});
    let page = json!({"opportunities": [
        listed("opp_new", "pip_1", "2026-02-01T00:00:00Z"),
        listed("opp_other", "pip_2", "2026-03-01T00:00:00Z"),
        listed("opp_old", "pip_1", "2026-01-01T00:00:00Z"),
    ]});
    let answers = vec![double_opportunity(), say(200, &page)];
    assert_eq!(
        id(taken(&scene(), StepKey::LEAD_CREATE, answers).await),
        "opp_new"
    );
}

#[tokio::test]
async fn a_refused_double_that_is_not_found_is_tried_again() {
    let nobody = || say(200, &json!({"contact": null}));
    for answers in [
        vec![double_contact(), nobody(), nobody()],
        vec![double_contact(), says(503, "no")],
    ] {
        let refused = taken(&scene(), StepKey::CUSTOMER_CREATE, answers).await;
        assert_eq!(in_words(&refused), "not_done duplicate_unnamed");
    }
    let empty = say(200, &json!({"opportunities": []}));
    let refused = taken(
        &scene(),
        StepKey::LEAD_CREATE,
        vec![double_opportunity(), empty],
    )
    .await;
    assert_eq!(in_words(&refused), "not_done duplicate_unnamed");
}

/// What each step looks at after a 422: nothing there, and what was made there after all.
fn after_422(key: StepKey) -> (Vec<Value>, Value, &'static str) {
    match key {
        StepKey::CUSTOMER_CREATE => (
            vec![json!({"contact": null}), json!({})],
            json!({"contact": {"id": "con_2", "phone": "+13055550182"}}),
            "con_2",
        ),
        StepKey::LEAD_CREATE => (
            vec![json!({"opportunities": []})],
            json!({"opportunities": [{"id": "opp_2", "name": "Roof [lr-7f3k2m9q]"}]}),
            "opp_2",
        ),
        _ => (
            vec![json!({"notes": []})],
            json!({"notes": [{"id": "n_2", "body": "Ref: lr-7f3k2m9q"}]}),
            "n_2",
        ),
    }
}

#[tokio::test]
async fn after_a_422_it_is_looked_whether_something_was_made() {
    for key in [
        StepKey::CUSTOMER_CREATE,
        StepKey::LEAD_CREATE,
        StepKey::NOTE_ATTACH,
    ] {
        let refused = || {
            say(
                422,
                &json!({"statusCode": 422, "message": ["tags must be an array"]}),
            )
        };
        let (nothing, made, made_id) = after_422(key);
        let answers = vec![refused(), say(200, &made)];
        assert_eq!(id(taken(&scene(), key, answers).await), made_id, "{key}");

        let nothing = nothing.iter().map(|body| say(200, body));
        let answers = std::iter::once(refused()).chain(nothing).collect();
        let told = taken(&scene(), key, answers).await;
        assert_eq!(in_words(&told), "rejected http_422", "{key}");

        let answers = vec![refused(), says(503, "no")];
        let told = taken(&scene(), key, answers).await;
        assert_eq!(
            in_words(&told),
            "ambiguous http_422",
            "{key}: nobody can tell yet"
        );
    }
}

#[tokio::test]
async fn a_user_whom_the_lead_names_is_the_leads_own_fault() {
    let unknown = || says(400, "The user id is invalid.");
    let mut scene = scene();
    scene.settings = scene.settings.with("owner", "usr_gone");
    let refused = taken(&scene, StepKey::LEAD_CREATE, vec![unknown()]).await;
    assert_eq!(in_words(&refused), "setup owner_unknown");
    scene.lead = lead_with(|payload| payload["routing"]["assigned_to"] = json!("usr_7"));
    for key in [StepKey::LEAD_CREATE, StepKey::CUSTOMER_CREATE] {
        let refused = taken(&scene, key, vec![unknown()]).await;
        assert_eq!(in_words(&refused), "rejected owner_unknown");
    }
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    for message in [
        json!([
            "email must be an email, maria@example.com is none",
            "+13055550182 is odd"
        ]),
        json!("email maria@example.com"),
        json!(["property email should not exist"]),
    ] {
        let body = json!({"statusCode": 400, "message": message, "contact": "maria"});
        let error = taken(&scene(), StepKey::CUSTOMER_CREATE, vec![say(400, &body)]).await;
        let error = error.unwrap_err();
        assert_eq!(
            error.to_string(),
            "GoHighLevel rejected the request (HTTP 400); it names email"
        );
        assert!(!format!("{error:?}").contains("maria"));
    }
}

#[tokio::test]
async fn nothing_is_sent_without_a_contact_or_without_what_must_be_set() {
    let bare = |setting: Option<&str>| {
        let mut scene = Scene::new();
        if let Some(setting) = setting {
            scene.settings = Settings::default().with(setting, "x");
        }
        scene
    };
    for key in [
        StepKey::DEDUP_LOOKUP,
        StepKey::CUSTOMER_CREATE,
        StepKey::LEAD_CREATE,
    ] {
        let told = taken(&bare(None), key, vec![]).await;
        assert_eq!(in_words(&told), "setup setting_missing", "{key}");
    }
    for key in [
        StepKey::DEDUP_LOOKUP,
        StepKey::CUSTOMER_CREATE,
        StepKey::LEAD_CREATE,
    ] {
        let told = taken(&bare(Some("location_id")), key, vec![])
            .await
            .unwrap_err();
        assert!(
            told.detail().contains("lacks the setting pipeline"),
            "{key}"
        );
    }
    let mut contact = bare(Some("location_id"));
    contact.settings = contact.settings.with("mode", "contact");
    let nobody = vec![say(200, &json!({})), say(200, &json!({}))];
    let told = taken(&contact, StepKey::DEDUP_LOOKUP, nobody).await;
    assert_eq!(in_words(&told), "done");
    let mut scene = scene();
    scene.made.customer = None;
    for key in [StepKey::LEAD_CREATE, StepKey::NOTE_ATTACH] {
        let told = taken(&scene, key, vec![]).await;
        assert_eq!(in_words(&told), "rejected step_out_of_order");
    }
}

fn limited(status: u16, headers: &[(&'static str, &str)]) -> Script {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Script::SayWith(status, headers.collect(), "{}".to_owned())
}

#[tokio::test]
async fn a_throttled_caller_waits_the_interval_or_an_hour_for_another_day() {
    const EACH: &str = "x-ratelimit-interval-milliseconds";
    const DAY: &str = "x-ratelimit-daily-remaining";
    for (headers, seconds) in [
        (&[][..], 10),
        (&[(EACH, "4000")][..], 4),
        (&[(EACH, "0")][..], 1),
        (&[(EACH, "soon")][..], 10),
        (&[(EACH, "10000"), (DAY, "5")][..], 10),
        (&[(EACH, "10000"), (DAY, "0")][..], 3_600),
        (&[("retry-after", "7"), (DAY, "0")][..], 7),
    ] {
        let told = taken(&scene(), StepKey::LEAD_CREATE, vec![limited(429, headers)]).await;
        let Err(AdapterError::Throttled { retry_after, .. }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(
            retry_after.map(|wait| wait.as_secs()),
            Some(seconds),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn the_tighter_of_both_budgets_is_told() {
    const LEFT: &str = "x-ratelimit-remaining";
    const EACH: &str = "x-ratelimit-interval-milliseconds";
    const DAY: &str = "x-ratelimit-daily-remaining";
    for (headers, budget) in [
        (&[][..], None),
        (
            &[(LEFT, "99"), (EACH, "10000"), (DAY, "199000")][..],
            Some((99, 10)),
        ),
        (
            &[(LEFT, "99"), (EACH, "10000"), (DAY, "3")][..],
            Some((3, 3_600)),
        ),
    ] {
        let crm = ScriptedCrm::start([limited(200, headers)]).await;
        let session = crm.session_of(&GoHighLevel);
        let _ = scene()
            .take(&GoHighLevel, StepKey::DEDUP_LOOKUP, &session)
            .await;
        let told = session.take_budget();
        let told = told.map(|CallBudget { left, resets_in }| (left, resets_in.as_secs()));
        assert_eq!(told, budget, "{headers:?}");
    }
}

/// Names that the answers have.
const NAMES: &str =
    "message|meta|contactId|existingId|contact|contacts|opportunities|id|customFields|.{0,4}";

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble(answer in any_json(NAMES, "Contact with id x not found"), status in 200u16..600) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<super::wire::FoundContact>(&body);
        let _ = serde_json::from_str::<super::wire::ContactPage>(&body);
        let _ = serde_json::from_str::<super::wire::OpportunityPage>(&body);
        let headers = http::HeaderMap::new();
        let head = http::StatusCode::from_u16(status).ok().map(|status| (status, &headers));
        for names in [None, Some(Slot::Customer)] {
            let told = verdict(&Answer {
                effect: Effect::Write, head, fault: None, names, body: body.as_bytes(),
            });
            let known = told.result.as_ref().is_ok_and(|()| status == 400);
            prop_assert!(told.result.is_err() || status < 300 || known);
        }
    }
}
