//! One lead at a time.

use futures::future::join_all;

use crate::support::{Answer, Api, JSON, Log, event_id, lead};

#[tokio::test]
async fn a_lead_is_accepted_with_its_run_and_where_to_follow_it() {
    let api = Api::start().await;
    let lead = lead(1);
    let answer = api.post_lead(&lead).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let location = format!("/v1/leads/{}", event_id(&lead));
    assert_eq!(answer.header("location"), Some(location.as_str()));
    let accepted = answer.json();
    assert_eq!(accepted["location"], location);
    assert_eq!(accepted["event_id"], lead["event_id"]);
    assert_eq!(accepted["state"], "queued");
    let shown = api.get(&location).await.json();
    assert_eq!(shown["lead"]["run_id"], accepted["run_id"]);
}

#[tokio::test]
async fn the_same_lead_again_is_answered_with_the_run_that_is_there() {
    let api = Api::start().await;
    let mut lead = lead(1);
    let first = api.post_lead(&lead).await;
    // An honest resend carries fresh signatures.
    lead["call"]["recording_url"] =
        "https://storage.example.com/recordings/call_acme_1.mp3?signature=fresh".into();
    let again = api.post_lead(&lead).await;
    assert_eq!((first.status, again.status), (202, 200));
    assert_eq!(first.json(), again.json());
    assert_eq!(api.kept().await, 1);
}

#[tokio::test]
async fn another_body_under_the_same_event_id_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    let mut lead = lead(1);
    api.post_lead(&lead).await;
    lead["contact"]["first_name"] = "Canary".into();
    let answer = api.post_lead(&lead).await;
    let problem = answer.assert_problem(409);
    assert_eq!(problem["type"], "urn:leadrail:problem:event-id-conflict");
    assert!(!answer.text.contains("Canary"));
    let path = format!("/v1/leads/{}", event_id(&lead));
    assert_ne!(api.get(&path).await.json()["payload"], lead);
}

#[tokio::test]
async fn the_same_event_id_of_another_account_is_another_lead() {
    let api = Api::start().await;
    let mut lead = lead(1);
    assert_eq!(api.post_lead(&lead).await.status, 202);
    lead["callsetter_account_id"] = "other".into();
    assert_eq!(api.post_lead(&lead).await.status, 202);
    let path = format!("/v1/leads/{}", event_id(&lead));
    api.get(&path).await.assert_problem(409);
    let theirs = api.get(&format!("{path}?account=other")).await.json();
    assert_eq!(theirs["lead"]["account"], "other");
}

#[tokio::test]
async fn a_hundred_identical_posts_at_once_make_one_run_and_get_equal_answers() {
    let api = Api::start().await;
    let lead = lead(7);
    let answers = join_all((0..100).map(|_| api.hand_over(&lead))).await;
    let (answers, again): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let with = |status| {
        answers
            .iter()
            .filter(|a: &&Answer| a.status == status)
            .count()
    };
    let is_answered_as_new = with(202) == 1 || (with(202) == 0 && again.contains(&true));
    assert!(is_answered_as_new, "{} were new", with(202));
    assert_eq!(with(202) + with(200), 100);
    for answer in &answers {
        assert_eq!(answer.json(), answers[0].json());
    }
    assert_eq!(api.kept().await, 1);
}

#[tokio::test]
async fn parallel_single_leads_share_commits_and_each_gets_its_own_answer() {
    let api = Api::start().await;
    let leads: Vec<_> = (0..200).map(lead).collect();
    let answers = join_all(leads.iter().map(|lead| api.hand_over(lead))).await;
    for (lead, (answer, again)) in leads.iter().zip(&answers) {
        let is_taken = answer.status == 202 || (answer.status == 200 && *again);
        assert!(is_taken, "{}: {}", answer.status, answer.text);
        assert_eq!(answer.json()["event_id"], lead["event_id"]);
    }
    // Every run carries the transaction that wrote it.
    let commits = sqlx::query_scalar!(
        r#"select count(distinct xmin::text) as "commits!" from leadrail.workflow_run"#
    )
    .fetch_one(api.pool())
    .await
    .expect("counted");
    assert!(commits < 200, "{commits} commits for 200 leads");
    assert_eq!(api.kept().await, 200);
}

#[tokio::test]
async fn a_lead_with_a_key_twice_is_refused_by_place() {
    let api = Api::start().await;
    let lead = lead(3);
    let twice = lead
        .to_string()
        .replacen('{', r#"{"event_id":"no-uuid","#, 1);
    let problem = api
        .post("application/json", twice)
        .await
        .assert_problem(400);
    assert_eq!(problem["errors"][0]["code"], "duplicate_key");
    assert_eq!(api.kept().await, 0);
}

#[tokio::test]
async fn nothing_of_a_lead_is_logged_but_its_ids() {
    let (log, _listening) = Log::listen();

    let api = Api::start().await;
    let mut lead = lead(5);
    lead["contact"]["first_name"] = "canary".into();
    lead["contact"]["address"] = serde_json::json!({"street": "canary"});
    lead["canary"] = "canary".into();
    let phone = lead["contact"]["phone"]
        .as_str()
        .expect("a phone")
        .to_owned();
    assert_eq!(api.post_lead(&lead).await.status, 202);
    lead["contact"]["first_name"] = "canary two".into();
    assert_eq!(api.post_lead(&lead).await.status, 409);
    lead["contact"]["phone"] = "canary".into();
    lead["event"] = "canary".into();
    assert_eq!(api.post_lead(&lead).await.status, 422);
    api.post("application/json", "{\"canary")
        .await
        .assert_problem(400);
    api.get("/v1/leads?canary=canary").await.assert_problem(400);
    api.get("/canary").await.assert_problem(404);

    let log = log.text();
    let said: Vec<_> = log
        .lines()
        .filter(|line| line.contains("leadrail_server"))
        .collect();
    assert!(
        said.iter().any(|line| line.contains(event_id(&lead))),
        "{said:?}"
    );
    for line in log.lines() {
        // The test's own client says what it asks for.
        let of_client = line.contains("reqwest") || line.contains("hyper_util::client");
        let shows = line.contains("canary") || line.contains(&phone[1..]);
        assert!(of_client || !shows, "{line}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_the_leads_event_id_or_the_lead_is_not_kept() {
    let api = Api::start().await;
    let lead = lead(4);
    let send = |key: &str, body: String| {
        let request = api.client.post(api.url("/v1/leads")).body(body);
        let request = request.header("content-type", JSON);
        api.send(request.header("idempotency-key", key.to_owned()))
    };
    let other = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
    let problem = send(other, lead.to_string()).await.assert_problem(422);
    assert_eq!(problem["type"], "urn:leadrail:problem:idempotency-key");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|said| said.contains("event_id"))
    );
    assert_eq!(api.kept().await, 0);
    assert_eq!(send(event_id(&lead), lead.to_string()).await.status, 202);
    assert_eq!(send(event_id(&lead), lead.to_string()).await.status, 200);
    // Each lead of a batch has an id of its own.
    assert_eq!(send(other, format!("[{lead}]")).await.status, 200);
    assert_eq!(api.kept().await, 1);
}
