//! Erasing a person through the API: operators only, and nothing of the person in any answer.

use leadrail_desk::{KeyMode, NewKey, Role};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Answer, Api, JSON, event_id, lead};

async fn erase(api: &Api, key: Option<&str>, body: &Value) -> Answer {
    let mut request = api.client.post(api.url("/v1/erasures"));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    api.send(request.header("content-type", JSON).body(body.to_string()))
        .await
}

#[tokio::test]
async fn a_person_is_looked_for_and_erased_and_the_event_is_no_new_lead() {
    let api = Api::start().await;
    let lead = lead(1);
    let phone = lead["contact"]["phone"].clone();
    assert_eq!(api.post_lead(&lead).await.status, 202);
    let found = erase(&api, None, &json!({"phone": phone, "dry_run": true})).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let expected = json!({"leads": 1, "erased": 0, "on_their_way": 1, "more": false, "copies": [
        {"account": "acme", "crm": "housecall_pro", "leads": 1, "records": []},
    ]});
    assert_eq!(found.json(), expected);
    let erased = erase(&api, None, &json!({"phone": phone})).await.json();
    assert_eq!(
        (&erased["erased"], &erased["on_their_way"]),
        (&json!(1), &json!(0))
    );
    let shown = api.get(&format!("/v1/leads/{}", event_id(&lead))).await;
    let name = lead["contact"]["last_name"].as_str().expect("a name");
    assert!(!shown.text.contains(name), "{}", shown.text);
    let again = api.post_lead(&lead).await;
    assert_eq!(again.status, 200, "a duplicate: {}", again.text);
    let mut another = lead.clone();
    another["contact"]["first_name"] = json!("Another");
    assert_eq!(
        api.post_lead(&another).await.status,
        200,
        "whatever it says"
    );
    assert_eq!(api.kept().await, 1);
    let none = erase(&api, None, &json!({"phone": phone})).await.json();
    assert_eq!(none["leads"], 0, "nobody finds them by the number");
    let log = api.get("/v1/audit?action=person.erase").await;
    let digits = phone.as_str().expect("a number");
    assert!(!log.text.contains(digits), "{}", log.text);
    assert!(log.text.contains("1 of 1 leads erased"), "{}", log.text);
}

#[tokio::test]
async fn who_is_meant_must_be_clear() {
    let api = Api::start().await;
    for body in [
        json!({}),
        json!({"phone": "Zebulon 77"}),
        json!({"phone": ""}),
        json!({"phone": "+16025559999", "event_id": event_id(&lead(1))}),
        json!({"phone": "+16025559999", "account": "acme"}),
        json!({"phone": 6_025_559_999_u64}),
        json!({"event_id": "x"}),
        json!({"phone": "+16025559999", "dryrun": true}),
        json!([]),
    ] {
        let refused = erase(&api, None, &body).await;
        refused.assert_problem(400);
        assert!(!refused.text.contains("Zebulon") && !refused.text.contains("6025559999"));
    }
    let unknown = json!({"event_id": event_id(&lead(1))});
    erase(&api, None, &unknown).await.assert_problem(404);
    let form = api.client.post(api.url("/v1/erasures")).body("phone=1");
    api.send(form).await.assert_problem(415);
}

#[tokio::test]
async fn only_an_operator_erases() {
    let api = Api::start().await;
    let actor = leadrail_desk::Actor::System { part: "test" };
    let body = json!({"phone": "+13055550182"});
    for (role, account, expected) in [
        (Role::Operator, None, 200),
        (Role::OperatorReadOnly, None, 403),
        (Role::Account, Some("acme"), 403),
        (Role::Intake, None, 403),
    ] {
        let new = NewKey {
            mode: KeyMode::Live,
            purpose: role.to_string(),
            role,
            account: account.map(str::to_owned),
            expires_in: None,
        };
        let made = api.desk.create_key(&actor, new).await.expect("made");
        let answer = erase(&api, Some(made.secret.expose_secret()), &body).await;
        assert_eq!(answer.status, expected, "{role}");
    }
    assert_eq!(api.call(Method::GET, "/v1/erasures").await.status, 405);
}
