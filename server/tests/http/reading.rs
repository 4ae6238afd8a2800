//! Looking leads up.

use serde_json::{Value, json};

use crate::support::{Api, JSON, event_id, lead};

#[tokio::test]
async fn a_lead_is_shown_with_its_payload_as_given_and_its_story() {
    let api = Api::start().await;
    let mut lead = lead(1);
    lead["contact"]["phone"] = "(305) 555-0182".into();
    lead["our_own_field"] = json!({"kept": true});
    api.post_lead(&lead).await;
    let shown = api.get(&format!("/v1/leads/{}", event_id(&lead))).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let shown = shown.json();
    assert_eq!(shown["payload"], lead);
    assert_eq!(shown["lead"]["state"], "queued");
    assert_eq!(shown["lead"]["account"], "acme");
    assert_eq!(shown["lead"]["crm"], "housecall_pro");
    assert_eq!(shown["entries"], json!([]));
    assert_eq!(shown["result"], Value::Null);
}

/// All pages of a listing, each as its event ids.
async fn pages(api: &Api, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/v1/leads?{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let page = page.json();
        let leads = page["leads"].as_array().expect("leads").iter();
        pages.push(leads.map(|lead| event_id(lead).to_owned()).collect());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn pages_show_every_lead_once_and_the_newest_first() {
    let api = Api::start().await;
    let leads: Vec<_> = (0..7).map(lead).collect();
    for lead in &leads {
        api.post_lead(lead).await;
    }
    let pages = pages(&api, "limit=3").await;
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let newest_first: Vec<_> = leads
        .iter()
        .rev()
        .map(|lead| event_id(lead).to_owned())
        .collect();
    assert_eq!(pages.concat(), newest_first);
}

#[tokio::test]
async fn leads_are_filtered_by_state_account_and_crm() {
    let api = Api::start().await;
    let other = leadrail_lead::sample::sample_lead(1, "other/a%", "jobber");
    let mut unqualified = lead(2);
    unqualified["event"] = "lead.unqualified".into();
    unqualified["routing"]["destination_crm"] = Value::Null;
    let batch = json!([lead(1), other, unqualified]);
    assert_eq!(
        api.post(JSON, batch.to_string()).await.json()["accepted"],
        3
    );
    let by_id = format!("q={}", event_id(&other));
    let number = other["contact"]["phone"].as_str().expect("a number");
    let by_number = format!("account=other%2Fa%25&q={}", number.replace('+', "%2B"));
    let rows = [
        (by_id.as_str(), vec![&other]),
        (by_number.as_str(), vec![&other]),
        ("q=%2B13055550000", vec![]),
        ("state=queued", vec![&unqualified, &other, &batch[0]]),
        ("state=dead", vec![]),
        ("account=acme", vec![&unqualified, &batch[0]]),
        ("account=other%2Fa%25", vec![&other]),
        ("account=other%2F_", vec![]),
        ("crm=jobber", vec![&other]),
        ("crm=housecall_pro&account=acme", vec![&batch[0]]),
        ("crm=jobber&account=acme", vec![]),
    ];
    for (query, expected) in rows {
        let expected: Vec<_> = expected.into_iter().map(event_id).collect();
        assert_eq!(pages(&api, query).await.concat(), expected, "{query}");
    }
    let all = api.get("/v1/leads").await.json();
    let crms: Vec<_> = (0..3)
        .map(|n: usize| all["leads"][n]["crm"].clone())
        .collect();
    assert_eq!(crms, [Value::Null, "jobber".into(), "housecall_pro".into()]);
}

#[tokio::test]
async fn a_payload_that_does_not_read_is_shown_as_text_and_hides_nobody() {
    let api = Api::start().await;
    for n in [1, 2] {
        api.post_lead(&lead(n)).await;
    }
    // What the doors refuse may be there from elsewhere.
    let spoil = "update leadrail.workflow_run set input = '{\"x\": 1e999}' where key = $1";
    let spoiled = sqlx::query(spoil)
        .bind(event_id(&lead(1)))
        .execute(api.pool())
        .await;
    assert_eq!(spoiled.expect("spoiled").rows_affected(), 1);
    let story = api.get(&format!("/v1/leads/{}", event_id(&lead(1)))).await;
    assert_eq!(story.status, 200, "{}", story.text);
    assert_eq!(story.json()["payload"], r#"{"x": 1e999}"#);
    assert_eq!(pages(&api, "account=acme").await.concat().len(), 2);
    let other = api.get(&format!("/v1/leads/{}", event_id(&lead(2)))).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_list_says_who_called_and_no_number() {
    let api = Api::start().await;
    let mut lead = lead(1);
    lead["contact"]["first_name"] = "Canary".into();
    lead["contact"]["last_name"] = Value::Null;
    lead["contact"]["phone"] = "+13055550182".into();
    api.post_lead(&lead).await;
    let listed = api.get("/v1/leads").await;
    let caller = json!({"name": "Canary", "phone_last4": "0182"});
    assert_eq!(listed.json()["leads"][0]["caller"], caller);
    assert!(!listed.text.contains("5550182"), "{}", listed.text);
}

#[tokio::test]
async fn a_lead_in_a_paused_lane_is_queued_and_held_and_goes_on_at_no_time() {
    let api = Api::start().await;
    api.post_lead(&lead(1)).await;
    let paused = api.desk.engine().pause_lane("acme/housecall_pro").await;
    assert!(paused.expect("paused"));
    let listed = api.get("/v1/leads?state=queued").await.json();
    let held = &listed["leads"][0]["held"];
    assert_eq!(
        (&held["by"], &held["lane"]),
        (&json!("pause"), &json!("acme/housecall_pro"))
    );
    let shown = api.get(&format!("/v1/leads/{}", event_id(&lead(1)))).await;
    let shown = &shown.json()["lead"];
    assert_eq!((&shown["held"], &shown["next_at"]), (held, &Value::Null));
}
