//! How Jobber's own answers are read, against a scripted server.

use leadrail_lead::Marker;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Jobber;
use super::wire::{
    Answered, CreateClient, CreateProperty, Created, FindClients, FindNotes, FindProperties,
    FindRequests, Lists, find_notes,
};
use crate::hostile::any_json;
use crate::http::answer::Effect;
use crate::scripted_crm::{KEY, Scene, ScriptedCrm, say, session_with};
use crate::{
    AdapterResult, Answer, CrmAdapter, Links, Record, Session, Settings, Slot, StepKey, Verb,
    preview,
};

const SITE_CREATE: StepKey = StepKey::new(Verb::Make, Slot::Site);

pub(super) async fn file(session: &Session) -> AdapterResult<Option<Record>> {
    let scene = Scene::new().for_customer("Q2xpZW50LzE=");
    scene.take(&Jobber, StepKey::LEAD_CREATE, session).await
}

pub(super) async fn look(session: &Session) -> AdapterResult<Option<Record>> {
    Scene::new()
        .take(&Jobber, StepKey::DEDUP_LOOKUP, session)
        .await
}

/// The outcome as a word and a reason, which is what the only exchange recorded.
pub(super) fn told<T>(result: &AdapterResult<T>, session: &Session) -> String {
    let exchanges = session.take_exchanges();
    assert_eq!(exchanges.len(), 1, "every call is recorded once");
    let recorded = exchanges[0].error.as_deref();
    match result {
        Ok(_) => {
            assert_eq!(recorded, None);
            "done".to_owned()
        }
        Err(error) => {
            assert_eq!(recorded, Some(error.reason()));
            format!("{} {}", error.kind(), error.reason())
        }
    }
}

#[tokio::test]
async fn two_properties_in_one_answer_leave_open_which_is_ours() {
    let made = |ids: &[&str]| {
        let properties: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        say(
            200,
            &json!({"data": {"propertyCreate": {"properties": properties}}}),
        )
    };
    let scene = Scene::new().for_customer("c1");
    for (ids, expected) in [
        (&["p1"][..], "done"),
        (&["p1", "p2"], "ambiguous invalid_json"),
        (&[], "ambiguous invalid_json"),
    ] {
        let crm = ScriptedCrm::start([made(ids)]).await;
        let session = crm.session_of(&Jobber);
        let site = scene.take(&Jobber, SITE_CREATE, &session).await;
        assert_eq!(told(&site, &session), expected);
    }
}

#[tokio::test]
async fn the_check_says_whose_account_it_is() {
    let account = |account: Value| say(200, &json!({"data": {"account": account}}));
    let crm = ScriptedCrm::start([
        account(json!({"id": "QWNjb3VudC8x", "name": "Acme\u{0} Heating"})),
        account(json!({"id": "QWNjb3VudC8x", "name": null})),
        account(Value::Null),
        say(401, &json!({"message": "Token not recognized"})),
    ])
    .await;
    let session = crm.session_of(&Jobber);
    let found = Jobber.check(&session).await.unwrap();
    assert_eq!(
        (found.id.as_deref(), found.name.as_str()),
        (Some("QWNjb3VudC8x"), "Acme Heating")
    );
    assert!(Jobber.check(&session).await.is_ok());
    let nobody = Jobber.check(&session).await.err().unwrap();
    assert_eq!(nobody.reason(), "record_gone");
    assert_eq!(Jobber.check(&session).await.err().unwrap().kind(), "auth");
}

#[tokio::test]
async fn a_step_without_what_it_builds_on_is_never_sent() {
    let crm = ScriptedCrm::start([]).await;
    let session = crm.session_of(&Jobber);
    for key in [SITE_CREATE, StepKey::LEAD_CREATE, StepKey::NOTE_ATTACH] {
        let done = Scene::new().take(&Jobber, key, &session).await;
        assert_eq!(done.unwrap_err().reason(), "step_out_of_order");
    }
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn a_page_to_open_is_kept_only_if_it_is_one_of_the_web() {
    let long = format!("https://secure.getjobber.com/{}", "a".repeat(500));
    for (page, kept) in [
        ("https://secure.getjobber.com/requests/1", true),
        ("javascript:alert(1)", false),
        ("https://secure.getjobber.com/\n", false),
        (long.as_str(), false),
    ] {
        let request = json!({"id": "r1", "jobberWebUri": page});
        let made = json!({"data": {"requestCreate": {"request": request, "userErrors": []}}});
        let crm = ScriptedCrm::start([say(200, &made)]).await;
        let filed = file(&crm.session_of(&Jobber)).await.unwrap().unwrap();
        assert_eq!(filed.url.as_deref(), kept.then_some(page));
    }
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent() {
    let end = json!({"hasNextPage": false, "endCursor": null});
    let none = json!({"nodes": [], "pageInfo": end});
    let answers = [
        json!({"clientPhones": none}),
        json!({"clientCreate": {"client": {"id": "c1"}, "userErrors": []}}),
        json!({"client": {"clientProperties": none}}),
        json!({"propertyCreate": {"properties": [{"id": "p1"}], "userErrors": []}}),
        json!({"requestCreate": {"request": {"id": "r1"}, "userErrors": []}}),
        json!({"requestCreateNote": {"requestNote": {"id": "n1"}, "userErrors": []}}),
    ];
    let crm = ScriptedCrm::start(answers.map(|data| say(200, &json!({"data": data})))).await;
    let settings = Settings::default()
        .with("lead_source", "Radio")
        .with("pin_note", true)
        .with("api_version", "2025-04-16");
    let session = session_with(&Jobber, &crm.url, settings.clone());
    let mut scene = Scene::new();
    scene.settings = settings.clone();
    for key in Jobber.plan(&settings).keys() {
        if scene.made.get(key.slot).is_none() {
            scene.marker = Marker::new(scene.lead.event_id, key.label());
            let record = scene.take(&Jobber, key, &session).await.unwrap();
            scene.made.set(key.slot, record);
        }
    }

    let target = crate::scripted_crm::target(&Jobber, &crm.url).with_settings(settings);
    let preview = preview(&Jobber, &target, &scene.lead, Links::WORDS, None);
    let seen = crm.seen();
    assert_eq!((preview.len(), seen.len()), (6, 6));
    for (planned, seen) in preview.into_iter().zip(seen) {
        let ids = [("customer", "c1"), ("site", "p1"), ("lead", "r1")];
        let body = planned.body.unwrap().to_string();
        let body = ids.into_iter().fold(body, |body, (slot, id)| {
            body.replace(&format!("(id of the {slot} created before)"), id)
        });
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap(),
            seen.body.unwrap()
        );
        assert_eq!(planned.method, seen.method);
        assert_eq!(planned.url, format!("{}{}", crm.url, seen.target));
        let mut headers = seen.headers;
        headers.remove("host");
        headers.remove("content-length");
        assert_eq!(headers["x-jobber-graphql-version"], "2025-04-16");
        assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
        headers.insert("authorization".into(), "Bearer ********".into());
        assert_eq!(planned.headers, headers);
    }
}

fn reads<Q: Lists>(body: &str) -> bool {
    serde_json::from_str::<Answered<Q::ResponseData>>(body).is_ok_and(|answered| {
        let _ = Q::page(answered.data);
        true
    })
}

/// Names that the answers have.
const NAMES: &str = "data|errors|extensions|code|cost|throttleStatus|requestedQueryCost|restoreRate|\
                currentlyAvailable|maximumAvailable|userErrors|path|problems|clientPhones|nodes|\
                client|id|pageInfo|.{0,4}";

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble(answer in any_json(NAMES, "THROTTLED|RequestNote"), status in 200_u16..600) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<Created<CreateClient>>(&body);
        let _ = serde_json::from_str::<Created<CreateProperty>>(&body);
        let _ = (reads::<FindClients>(&body), reads::<FindProperties>(&body));
        let _ = (reads::<FindRequests>(&body), reads::<FindNotes>(&body));
        let headers = http::HeaderMap::new();
        for effect in [Effect::Read, Effect::Write] {
            let verdict = Jobber.judge(&Answer {
                names: None,
                effect,
                head: Some((http::StatusCode::from_u16(status).unwrap(), &headers)),
                fault: None,
                body: body.as_bytes(),
            });
            if let Err(error) = verdict.result {
                prop_assert_eq!(error.status(), Some(status));
                prop_assert!(error.detail().starts_with("Jobber "));
                prop_assert!(effect == Effect::Write || error.kind() != "ambiguous");
            } else {
                prop_assert!(status < 300);
            }
        }
    }
}

#[test]
fn a_note_of_an_unknown_kind_does_not_spoil_the_list() {
    let notes = json!({"data": {"request": {"notes": {
        "nodes": [
            {"__typename": "ClientNote"},
            {"__typename": "FutureNote"},
            {"__typename": "RequestNote", "id": "n1", "message": "hello"},
        ],
        "pageInfo": {"hasNextPage": false, "endCursor": null},
    }}}});
    let answered: Answered<find_notes::ResponseData> = serde_json::from_value(notes).unwrap();
    assert_eq!(FindNotes::page(answered.data).items.len(), 1);
}
