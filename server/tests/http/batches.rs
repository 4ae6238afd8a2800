//! Many leads in one request.

use serde_json::{Value, json};

use crate::support::{Api, JSON, NDJSON, event_id, lead};

fn ndjson(leads: &[Value]) -> String {
    leads.iter().map(|lead| format!("{lead}\n")).collect()
}

#[tokio::test]
async fn each_lead_of_a_batch_gets_the_answer_it_would_get_alone() {
    let api = Api::start().await;
    let known = lead(1);
    api.post_lead(&known).await;
    let mut other_body = lead(1);
    other_body["contact"]["first_name"] = "Canary".into();
    let mut nobody = lead(3);
    nobody["contact"] = json!({"first_name": "Canary"});
    let batch = json!([lead(2), known, other_body, nobody, 7, lead(2)]);
    let answer = api.post(JSON, batch.to_string()).await;
    assert_eq!(answer.status, 207, "{}", answer.text);
    let body = answer.json();
    let results = body["results"].as_array().expect("results");
    let statuses: Vec<_> = results
        .iter()
        .map(|result| result["status"].as_u64())
        .collect();
    let expected = [202, 200, 409, 422, 422, 200].map(Some);
    assert_eq!(statuses, expected, "{body}");
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
    }
    assert_eq!(
        results[0]["location"],
        format!("/v1/leads/{}", event_id(&lead(2)))
    );
    assert_eq!(results[5]["run_id"], results[0]["run_id"]);
    assert_eq!(results[3]["errors"][0]["pointer"], "/contact");
    assert_eq!(
        (&body["accepted"], &body["duplicates"], &body["refused"]),
        (&json!(1), &json!(2), &json!(3))
    );
    assert_eq!(api.kept().await, 2);
}

#[tokio::test]
async fn lines_of_json_are_a_batch_and_half_a_line_is_one_bad_lead() {
    let api = Api::start().await;
    let whole = ndjson(&[lead(1), lead(2)]);
    let half = lead(3).to_string();
    let body = format!("\n{whole}\r\n{}", &half[..half.len() / 2]);
    let answer = api.post(NDJSON, body).await;
    assert_eq!(answer.status, 207, "{}", answer.text);
    let results = &answer.json()["results"];
    let statuses = [0, 1, 2].map(|index: usize| results[index]["status"].as_u64());
    assert_eq!(statuses, [202, 202, 400].map(Some), "{results}");
    assert_eq!(results[2]["errors"][0]["code"], "json");
    assert_eq!(api.kept().await, 2);
}

#[tokio::test]
async fn the_status_of_a_batch_says_whether_all_some_or_none_were_taken() {
    let api = Api::start().await;
    let rows = [
        (json!([lead(1), lead(2)]), 200),
        (json!([lead(1), lead(2)]), 200),
        (json!([lead(1), 7]), 207),
        (json!([7]), 422),
        (json!([7, {}, null]), 422),
    ];
    for (batch, status) in rows {
        let answer = api.post(JSON, batch.to_string()).await;
        assert_eq!(answer.status, status, "{batch}");
        let results = answer.json()["results"].as_array().expect("results").len();
        assert_eq!(results, batch.as_array().expect("a list").len());
    }
    let body = format!("{}\n{}", json!({}), json!(null));
    assert_eq!(api.post(NDJSON, body).await.status, 422);
}

#[tokio::test]
async fn leads_in_a_row_that_are_called_json_get_a_hint() {
    let api = Api::start().await;
    for separator in ["", "\n", " "] {
        let body = format!("{}{separator}{}", lead(1), lead(2));
        let problem = api.post(JSON, body).await.assert_problem(400);
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("application/x-ndjson"), "{detail}");
    }
    assert_eq!(api.kept().await, 0);
}

#[tokio::test]
async fn a_line_that_is_not_utf8_or_too_deep_does_not_hold_up_the_others() {
    let api = Api::start().await;
    let mut deep = lead(2);
    let mut nested = json!(1);
    for _ in 0..40 {
        nested = json!([nested]);
    }
    deep["nested"] = nested;
    let mut body = ndjson(&[lead(1), deep]).into_bytes();
    body.extend_from_slice(b"{\"a\": \"\xff\"}\n");
    body.extend_from_slice("[".repeat(100_000).as_bytes());
    let answer = api.post(NDJSON, body).await;
    let results = &answer.json()["results"];
    let statuses = [0, 1, 2, 3].map(|index: usize| results[index]["status"].as_u64());
    assert_eq!(statuses, [202, 422, 400, 422].map(Some), "{results}");
}

#[tokio::test]
async fn a_thousand_leads_pass_in_both_shapes_and_are_there() {
    let api = Api::start().await;
    let leads: Vec<_> = (0..1_000).map(lead).collect();
    let answer = api.post(JSON, Value::from(leads.clone()).to_string()).await;
    assert_eq!(answer.json()["accepted"], 1_000, "{}", answer.status);
    let again = api.post(NDJSON, ndjson(&leads)).await;
    assert_eq!(again.json()["duplicates"], 1_000);
    assert_eq!(api.kept().await, 1_000);
}

#[tokio::test]
async fn one_lead_more_than_a_thousand_and_none_of_them_is_taken() {
    let api = Api::start().await;
    let leads: Vec<_> = (0..1_001).map(lead).collect();
    let array = Value::from(leads.clone()).to_string();
    api.post(JSON, array).await.assert_problem(413);
    api.post(NDJSON, ndjson(&leads)).await.assert_problem(413);
    assert_eq!(api.kept().await, 0);
}
