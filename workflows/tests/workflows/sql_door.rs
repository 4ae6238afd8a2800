//! The SQL door: the same runs as the Rust door makes, inside the caller's transaction.

use leadrail_engine::{Outcome, RunId, RunState};
use leadrail_lead::sample::sample_phone;
use leadrail_lead::{Lead, MAX_VALUES, fingerprint};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sqlx::postgres::{PgListener, PgPool};
use uuid::Uuid;

use crate::kit::{LeadRow, Scene, lead};

pub(crate) async fn enqueue(pool: &PgPool, payload: &Value) -> sqlx::Result<RunId> {
    let run = sqlx::query_scalar!(
        r#"select leadrail.enqueue_lead($1::text::jsonb) as "run!""#,
        payload.to_string()
    );
    run.fetch_one(pool).await.map(RunId)
}

/// The refusal's SQLSTATE and message.
async fn refusal(pool: &PgPool, payload: &Value) -> (String, String) {
    let error = enqueue(pool, payload).await.expect_err("refused");
    let error = error.as_database_error().expect("the database refused it");
    let code = error.code().expect("a code").into_owned();
    (code, error.message().to_owned())
}

async fn runs(pool: &PgPool) -> i64 {
    let count = sqlx::query_scalar!(
        r#"
        select (select count(*) from leadrail.workflow_run)
             + (select count(*) from leadrail.run_key)
             + (select count(*) from leadrail.lead) as "rows!"
        "#
    );
    count.fetch_one(pool).await.expect("counted")
}

#[derive(serde::Deserialize)]
struct Case<'a> {
    name: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    fingerprint: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_gives_the_fingerprints_that_rust_gives() {
    let scene = Scene::quiet().await;
    let cases = include_str!("../../../lead/testdata/canonical.json");
    let cases: Vec<Case> = serde_json::from_str(cases).expect("cases");
    let samples = (0..100).map(lead).map(|payload| {
        (
            payload.to_string(),
            fingerprint(&payload).to_string(),
            "a sample".to_owned(),
        )
    });
    let known = cases.iter().map(|case| {
        (
            case.payload.get().to_owned(),
            case.fingerprint.clone(),
            case.name.clone(),
        )
    });
    for (payload, expected, name) in samples.chain(known) {
        let print = sqlx::query_scalar!(
            r#"select leadrail.lead_fingerprint($1::text::jsonb) as "print!""#,
            payload
        );
        let print = print
            .fetch_one(scene.engine.pool())
            .await
            .expect("a fingerprint");
        assert_eq!(print, expected, "{name}: {payload}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_doors_make_the_same_run() {
    let scene = Scene::quiet().await;
    let unknown_urgency = |n: u64| {
        let mut payload = lead(n);
        payload["service_request"]["urgency"] = "yesterday".into();
        payload
    };
    let unqualified = |n: u64, crm: Value| {
        let mut payload = lead(n);
        payload["event"] = "lead.unqualified".into();
        payload["routing"]["destination_crm"] = crm;
        payload
    };
    let at = |n: u64, crm_account_id: Value| {
        let mut payload = lead(n);
        payload["routing"]["crm_account_id"] = crm_account_id;
        payload
    };
    let written = |n: u64, phone: &str| {
        let mut payload = lead(n);
        payload["contact"]["phone"] = phone.into();
        payload
    };
    let others = [
        (unknown_urgency(100), "acme/housecall_pro"),
        (unqualified(101, Value::Null), "acme/-"),
        (unqualified(102, "jobber".into()), "acme/jobber"),
        (at(104, "location 7/a".into()), "acme/housecall_pro"),
        (at(105, " \t".into()), "acme/housecall_pro"),
        (written(106, "(305) 555-0182"), "acme/housecall_pro"),
        (written(107, "1-305-555-0182 ext. 7"), "acme/housecall_pro"),
        (written(108, "011 49 30 1234567"), "acme/housecall_pro"),
        (written(109, "tel:+44 20 7946 0018"), "acme/housecall_pro"),
    ];
    let samples = (0..100).map(|n| (lead(n), "acme/housecall_pro"));
    for (payload, lane) in samples.chain(others) {
        let by_sql = enqueue(scene.engine.pool(), &payload)
            .await
            .expect("enqueued");
        let by_rust = scene.submit(payload.clone()).await;
        assert_eq!(
            (by_rust.outcome, by_rust.run_id),
            (Outcome::Duplicate, by_sql)
        );
        let (run, lead) = (
            scene.run(by_sql).await,
            Lead::from_value(payload.clone()).expect("valid"),
        );
        assert_eq!((run.lane.as_str(), run.priority), (lane, lead.priority()));
        assert_eq!((run.workflow.as_str(), &run.input), ("push_lead", &payload));
        assert_eq!(
            (run.scope.as_str(), run.key),
            ("acme", Some(lead.event_id.to_string()))
        );
        assert_same_by_rust(&scene, payload, by_sql, lane).await;
    }
}

/// The same lead of another event, through the Rust door, has the same row.
async fn assert_same_by_rust(scene: &Scene, mut payload: Value, by_sql: RunId, lane: &str) {
    payload["event_id"] = Uuid::new_v4().to_string().into();
    let by_rust = scene.submit(payload.clone()).await;
    assert_eq!(by_rust.outcome, Outcome::Created);
    assert_eq!(scene.run(by_rust.run_id).await.lane, lane);
    let mut rows = scene.lead_rows().await;
    let mut row = |run: RunId| {
        let place = rows.iter().position(|row| row.run_id == run.0);
        rows.swap_remove(place.expect("a row"))
    };
    let (sql, rust) = (row(by_sql), row(by_rust.run_id));
    assert!(sql.phone_hash.is_some(), "{payload}");
    let as_sql = LeadRow {
        run_id: sql.run_id,
        event_id: sql.event_id,
        ..rust
    };
    assert_eq!(as_sql, sql, "{payload}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_connection_makes_a_lane_of_its_own() {
    let scene = Scene::quiet().await;
    let to = |n: u64, id: &str| {
        let mut payload = lead(n);
        payload["routing"]["crm_account_id"] = id.into();
        payload
    };
    let mut north = scene.new_connection(json!({}));
    north.crm_account_id = Some("north".into());
    scene.connections.add(north).await.expect("connected");
    let rows = [
        ("north", "acme/housecall_pro/north"),
        ("x1", "acme/housecall_pro"),
        ("x2", "acme/housecall_pro"),
    ];
    for (n, (id, lane)) in (1..).zip(rows) {
        let by_rust = scene.submit(to(n, id)).await.run_id;
        assert_eq!(scene.run(by_rust).await.lane, lane);
        let by_sql = enqueue(scene.engine.pool(), &to(n + 10, id))
            .await
            .expect("taken");
        assert_eq!(scene.run(by_sql).await.lane, lane);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_sql_cannot_read_leaves_a_row_without_one() {
    let scene = Scene::quiet().await;
    let numbers = [
        json!(null),
        json!("canary"),
        json!("12"),
        json!({}),
        json!("3".repeat(99)),
    ];
    for (n, number) in (1..).zip(numbers) {
        let mut payload = lead(n);
        payload["contact"]["phone"] = number;
        payload["contact"]["email"] = "maria@example.com".into();
        enqueue(scene.engine.pool(), &payload).await.expect("taken");
    }
    let rows = scene.lead_rows().await;
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.phone_hash.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_of_numbers_are_not_those_of_another_database() {
    let hash = async |scene: &Scene| {
        scene.submit(lead(1)).await;
        scene.lead_rows().await[0].phone_hash.clone()
    };
    let (one, other) = (Scene::quiet().await, Scene::quiet().await);
    let (one, other) = (hash(&one).await, hash(&other).await);
    assert!(one.is_some() && one != other);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_id_in_capitals_is_the_same_key() {
    let scene = Scene::quiet().await;
    let mut payload = lead(1);
    let capitals = payload["event_id"].as_str().expect("an id").to_uppercase();
    payload["event_id"] = capitals.into();
    let by_sql = enqueue(scene.engine.pool(), &payload)
        .await
        .expect("enqueued");
    assert_eq!(scene.submit(payload).await.run_id, by_sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_lead_again_returns_the_run_that_is_there() {
    let scene = Scene::quiet().await;
    let first = enqueue(scene.engine.pool(), &lead(1))
        .await
        .expect("enqueued");
    let again = enqueue(scene.engine.pool(), &lead(1))
        .await
        .expect("enqueued");
    assert_eq!(first, again);
    let rows = runs(scene.engine.pool()).await;
    assert_eq!(rows, 3, "one run, its key and its lead");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_lead_under_the_same_id_is_refused_with_both_fingerprints() {
    let scene = Scene::quiet().await;
    enqueue(scene.engine.pool(), &lead(1))
        .await
        .expect("enqueued");
    let mut other = lead(1);
    other["contact"]["first_name"] = "canary".into();
    let (code, message) = refusal(scene.engine.pool(), &other).await;
    assert_eq!(code, "LR409");
    assert_eq!(scene.lead_rows().await.len(), 1);
    for print in [fingerprint(&lead(1)), fingerprint(&other)] {
        assert!(message.contains(print.as_str()), "{message}");
    }
    assert!(!message.contains("canary"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_leaves_nothing() {
    let scene = Scene::quiet().await;
    let mut transaction = scene.engine.pool().begin().await.expect("begun");
    let run = sqlx::query_scalar!(
        r#"select leadrail.enqueue_lead($1::text::jsonb) as "run!""#,
        lead(1).to_string()
    );
    let run: Uuid = run.fetch_one(&mut *transaction).await.expect("enqueued");
    transaction.rollback().await.expect("rolled back");
    assert!(scene.engine.run(RunId(run)).await.expect("read").is_none());
    assert_eq!(runs(scene.engine.pool()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_lead_is_refused_with_every_fault_and_no_value() {
    let scene = Scene::quiet().await;
    let pool = scene.engine.pool();
    let mut payload = lead(1);
    payload["schema_version"] = "2.canary".into();
    payload["event"] = "lead.qualified".into();
    payload["event_id"] = "canary".into();
    payload["callsetter_account_id"] = "canary\n".into();
    payload["routing"]["destination_crm"] = "Canary CRM".into();
    let (code, message) = refusal(pool, &payload).await;
    assert_eq!(code, "22023");
    for pointer in [
        "/schema_version: ",
        "/event_id: ",
        "/callsetter_account_id: ",
        "/routing/destination_crm: ",
    ] {
        assert!(message.contains(pointer), "{message}");
    }
    assert!(!message.contains("anary"), "{message}");
    assert_eq!(runs(pool).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_refuses_what_rust_refuses_in_the_fields_that_it_needs() {
    let scene = Scene::quiet().await;
    let missing = Value::Null;
    let long = "x".repeat(129);
    let table = [
        (
            "/schema_version",
            vec![
                missing.clone(),
                json!("1"),
                json!("1.x"),
                json!("2.0"),
                json!(1.0),
                json!("1.0\n"),
            ],
        ),
        (
            "/event",
            vec![
                missing.clone(),
                json!("lead.lost"),
                json!(1),
                json!(["lead.qualified"]),
            ],
        ),
        (
            "/event_id",
            vec![
                missing.clone(),
                json!(""),
                json!(7),
                json!("3d1f6a52-7c1e-1b7a-9d55-0d6c1f3b9a10"),
                json!("3d1f6a52-7c1e-4b7a-1d55-0d6c1f3b9a10"),
                json!("3d1f6a527c1e4b7a9d550d6c1f3b9a10"),
            ],
        ),
        (
            "/callsetter_account_id",
            vec![
                missing.clone(),
                json!(""),
                json!(" \t"),
                json!(long),
                json!("a\u{9f}"),
                json!({}),
            ],
        ),
        (
            "/routing/destination_crm",
            vec![
                missing,
                json!(""),
                json!("Jobber"),
                json!("jobber\n"),
                json!(["jobber"]),
            ],
        ),
    ];
    for (pointer, values) in table {
        for value in values {
            let mut payload = lead(1);
            *payload.pointer_mut(pointer).expect("a field") = value.clone();
            let (code, message) = refusal(scene.engine.pool(), &payload).await;
            assert_eq!(code, "22023", "{pointer} {value}");
            let expected = format!("the lead is not valid: {pointer}: ");
            assert!(message.starts_with(&expected), "{value}: {message}");
            assert!(Lead::from_value(payload).is_err(), "{pointer} {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_and_deep_payloads_are_refused_at_the_size_that_rust_refuses() {
    let scene = Scene::quiet().await;
    let with = |extra: Value| {
        let mut payload = lead(1);
        payload["extra"] = extra;
        payload
    };
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let room = 256 * 1024 - with(json!([])).to_string().len();
    let table = [
        (with(nested(31)), true),
        (with(nested(32)), false),
        (with(json!("x".repeat(room))), true),
        (with(json!("x".repeat(room + 1))), false),
        (with(json!(", : ".repeat(room / 4))), true),
        (with(json!(vec![0; MAX_VALUES - 100])), true),
        (with(json!(vec![0; MAX_VALUES])), false),
        (json!({"a": "x".repeat(2_000_000)}), false),
    ];
    for (payload, taken) in table {
        let size = payload.to_string().len();
        let lead = Lead::from_value(payload.clone());
        assert_eq!(lead.is_ok(), taken, "Rust, {size} bytes");
        let faults = sqlx::query_scalar!(
            "select leadrail.lead_faults($1::text::jsonb)",
            payload.to_string()
        );
        let faults = faults.fetch_one(scene.engine.pool()).await.expect("judged");
        assert_eq!(faults.is_none(), taken, "SQL, {size} bytes: {faults:?}");
    }
    for payload in [json!(null), json!([]), json!("x"), json!(1)] {
        let (_, message) = refusal(scene.engine.pool(), &payload).await;
        assert_eq!(
            message,
            "the lead is not valid: the payload: must be an object"
        );
    }
    let null = sqlx::query_scalar!("select leadrail.enqueue_lead(null)");
    assert!(null.fetch_one(scene.engine.pool()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_no_other_reader_holds_is_refused_as_by_http() {
    let scene = Scene::quiet().await;
    for number in ["1e999", "-1e400", &"9".repeat(60_000)] {
        let text = lead(1)
            .to_string()
            .replacen('{', &format!("{{\"x\":{number},"), 1);
        let run = sqlx::query_scalar!(
            r#"select leadrail.enqueue_lead($1::text::jsonb) as "run!""#,
            text
        );
        assert!(run.fetch_one(scene.engine.pool()).await.is_err());
        assert!(Lead::from_slice(text.as_bytes()).is_err());
    }
    assert_eq!(runs(scene.engine.pool()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_values_in_another_spelling_are_the_same_lead() {
    let scene = Scene::quiet().await;
    let first = enqueue(scene.engine.pool(), &lead(1)).await.expect("new");
    let phone = lead(1)["contact"]["phone"]
        .as_str()
        .expect("a number")
        .to_owned();
    let written = format!("({}) {}-{}", &phone[2..5], &phone[5..8], &phone[8..]);
    let changes: [(&str, Value); 7] = [
        ("/contact/phone", json!(written)),
        (
            "/contact/email",
            json!(format!(
                " {}",
                lead(1)["contact"]["email"].as_str().expect("one")
            )),
        ),
        ("/contact/notes", json!(null)),
        (
            "/service_request/urgency",
            json!(
                lead(1)["service_request"]["urgency"]
                    .as_str()
                    .expect("one")
                    .to_uppercase()
            ),
        ),
        (
            "/call/duration_seconds",
            json!(lead(1)["call"]["duration_seconds"].to_string()),
        ),
        (
            "/timestamp_utc",
            json!(
                lead(1)["timestamp_utc"]
                    .as_str()
                    .expect("one")
                    .replace('Z', "+00:00")
            ),
        ),
        (
            "/call/recording_url",
            json!("https://storage.example.com/recordings/call_acme_1.mp3?signature=new"),
        ),
    ];
    for (pointer, value) in changes {
        let mut payload = lead(1);
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        payload.pointer_mut(parent).expect("there")[key] = value;
        let by_rust = scene.submit(payload.clone()).await;
        assert_eq!(
            (by_rust.outcome, by_rust.run_id),
            (Outcome::Duplicate, first),
            "{pointer}"
        );
        let by_sql = enqueue(scene.engine.pool(), &payload).await;
        assert_eq!(by_sql.expect("the same"), first, "{pointer}");
    }
    let mut other = lead(1);
    other["contact"]["phone"] = sample_phone(2).into();
    assert_eq!(scene.submit(other).await.outcome, Outcome::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn enqueue_sends_no_notification_and_hint_does() {
    let scene = Scene::quiet().await;
    let pool = scene.engine.pool();
    let mut listener = PgListener::connect_with(pool).await.expect("a listener");
    listener.listen("leadrail_run").await.expect("listening");
    enqueue(pool, &lead(1)).await.expect("enqueued");
    sqlx::query!("select pg_notify('leadrail_run', 'afterwards')")
        .execute(pool)
        .await
        .expect("sent");
    let first = listener.recv().await.expect("a notification");
    assert_eq!(first.payload(), "afterwards");
    sqlx::query!("select leadrail.hint()")
        .execute(pool)
        .await
        .expect("sent");
    let second = listener.recv().await.expect("a notification");
    assert_eq!(second.payload(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_wakes_workers_that_ask_rarely_and_the_same_lead_again_does_not() {
    let scene = Scene::quiet().await;
    let pool = scene.engine.pool();
    let mut session = pool.acquire().await.expect("a session");
    sqlx::query(
        "select leadrail.renew_worker(leadrail.register_worker('w', 1, '0', '1 hour'), true)",
    )
    .execute(&mut *session)
    .await
    .expect("a quiet worker");
    let mut listener = PgListener::connect_with(pool).await.expect("a listener");
    listener.listen("leadrail_run").await.expect("listening");
    for _ in 0..2 {
        enqueue(pool, &lead(1)).await.expect("enqueued");
    }
    sqlx::query("select pg_notify('leadrail_run', 'afterwards')")
        .execute(pool)
        .await
        .expect("sent");
    for expected in ["", "afterwards"] {
        let notification = listener.recv().await.expect("a notification");
        assert_eq!(notification.payload(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_from_sql_is_delivered() {
    let scene = Scene::connected().await;
    let run = enqueue(scene.engine.pool(), &lead(1))
        .await
        .expect("enqueued");
    scene.until(run, RunState::Completed).await;
    assert_eq!(scene.count("leads"), 1);
    scene.end().await;
}
