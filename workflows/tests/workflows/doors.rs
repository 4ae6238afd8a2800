//! One table of payloads, through the doors of SQL and Rust: the same verdict, the same warnings, the
//! same record in the CRM's books.

use std::collections::BTreeMap;

use leadrail_engine::{RunId, RunState};
use leadrail_lead::{EventId, Marker};
use leadrail_workflows::Submission;
use serde::Deserialize;
use serde_json::Value;
use sqlx::postgres::PgPool;

use crate::kit::Scene;
use crate::sql_door::enqueue;

#[derive(Deserialize)]
struct Case {
    name: String,
    payload: Value,
    #[serde(default)]
    faults: BTreeMap<String, String>,
    #[serde(default)]
    warnings: BTreeMap<String, String>,
    phone: Option<String>,
    #[serde(default)]
    note: Vec<String>,
    /// False where the simulated CRM has no such record as the payload names.
    #[serde(default = "yes")]
    filed: bool,
}

fn yes() -> bool {
    true
}

impl Case {
    fn is_refused(&self) -> bool {
        !self.faults.is_empty()
    }

    fn event(&self) -> EventId {
        let id = self.payload["event_id"].as_str().expect("a text");
        id.parse().expect("an event id")
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../lead/testdata/doors.json")).expect("cases")
}

type Warnings = BTreeMap<String, (String, String)>;

async fn warnings_by_sql(pool: &PgPool, payload: &Value) -> Warnings {
    let rows = sqlx::query!(
        r#"
        select code as "code!", field as "field!", sentence as "sentence!"
        from leadrail.lead_warnings($1::text::jsonb)
        "#,
        payload.to_string()
    );
    let rows = rows.fetch_all(pool).await.expect("judged");
    rows.into_iter()
        .map(|row| (row.field, (row.code, row.sentence)))
        .collect()
}

fn warnings_by_rust(lead: &Submission) -> Warnings {
    let warnings = lead.lead().warnings.iter();
    warnings
        .map(|w| {
            (
                w.field.to_string(),
                (w.code.to_owned(), w.sentence.to_owned()),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_doors_judge_every_payload_as_the_table_says() {
    let scene = Scene::quiet().await;
    let pool = scene.engine.pool();
    for case in cases() {
        let name = &case.name;
        let by_rust = Submission::read(case.payload.clone());
        let by_sql = enqueue(pool, &case.payload).await;
        let warnings = warnings_by_sql(pool, &case.payload).await;
        assert_eq!(by_rust.is_err(), case.is_refused(), "{name}, Rust");
        assert_eq!(
            by_sql.is_err(),
            case.is_refused(),
            "{name}, SQL: {by_sql:?}"
        );
        match (by_rust, by_sql) {
            (Ok(lead), Ok(_)) => {
                assert_eq!(warnings_by_rust(&lead), warnings, "{name}");
                let codes = warnings.into_iter().map(|(field, (code, _))| (field, code));
                assert_eq!(codes.collect::<BTreeMap<_, _>>(), case.warnings, "{name}");
            }
            (Err(faults), Err(refused)) => {
                let found = faults
                    .0
                    .iter()
                    .map(|f| (f.pointer.clone(), f.code.to_owned()));
                assert_eq!(found.collect::<BTreeMap<_, _>>(), case.faults, "{name}");
                assert_eq!(warnings, Warnings::new(), "{name}");
                assert_names_the_same(&case, &refused);
            }
            _ => unreachable!("{name}"),
        }
    }
}

/// SQL says of the payload as a whole what Rust finds at a place too deep.
fn assert_names_the_same(case: &Case, refused: &sqlx::Error) {
    let refused = refused.as_database_error().expect("by the database");
    assert_eq!(refused.code().as_deref(), Some("22023"), "{}", case.name);
    let message = refused.message();
    let said = message
        .strip_prefix("the lead is not valid: ")
        .expect("said so");
    for (pointer, code) in &case.faults {
        let whole = pointer.is_empty() || code == "too_deep";
        let place = if whole { "the payload" } else { pointer };
        assert!(
            said.contains(&format!("{place}: ")),
            "{}: {said}",
            case.name
        );
    }
    assert_eq!(
        said.split("; /").count(),
        case.faults.len(),
        "{}: {said}",
        case.name
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_table_says_of_the_note_stands_in_the_crms_books() {
    let scene = Scene::connected().await;
    let mut runs: Vec<(Case, RunId)> = Vec::new();
    for (n, case) in cases()
        .into_iter()
        .filter(|case| !case.is_refused() && case.filed)
        .enumerate()
    {
        // By turns, so that each door's leads are in the books.
        let run = match n % 2 {
            0 => scene.submit(case.payload.clone()).await.run_id,
            _ => enqueue(scene.engine.pool(), &case.payload)
                .await
                .expect("taken"),
        };
        runs.push((case, run));
    }
    for (_, run) in &runs {
        scene.until(*run, RunState::Completed).await;
    }
    let (customers, leads) = (scene.books("customers"), scene.books("leads"));
    for (case, _) in runs
        .iter()
        .filter(|(case, _)| case.payload["event"] == "lead.qualified")
    {
        assert_filed(case, &customers, &leads);
    }
    scene.end().await;
}

fn assert_filed(case: &Case, customers: &[Value], leads: &[Value]) {
    let name = &case.name;
    let marker = Marker::new(case.event(), "lead_create").to_string();
    let is_ours = |lead: &&Value| {
        lead["tags"]
            .as_array()
            .is_some_and(|tags| tags.contains(&marker.clone().into()))
    };
    let ours: Vec<_> = leads.iter().filter(is_ours).collect();
    assert_eq!(ours.len(), 1, "{name}");
    let shown = |text: &str| -> String {
        let shown = text
            .chars()
            .filter(|c| *c == '\n' || !leadrail_lead::is_unshown(*c));
        shown.collect()
    };
    let note = shown(ours[0]["note"].as_str().expect("a note"));
    for line in &case.note {
        // A line is one line in the note.
        let line = shown(line);
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(note.contains(&line), "{name}: {line} in {note}");
    }
    let customer = customers
        .iter()
        .find(|one| one["id"] == ours[0]["customer_id"]);
    let customer = customer.expect("a customer");
    let american = case
        .phone
        .as_deref()
        .and_then(|phone| phone.strip_prefix("+1"));
    // Whoever left no number may be known by the e-mail address, and by nothing else.
    if case.phone.is_some() || case.payload["contact"]["email"].is_null() {
        assert_eq!(customer["mobile_number"].as_str(), american, "{name}");
    }
}
