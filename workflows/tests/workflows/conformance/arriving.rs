//! A lead arrives, once, whoever calls.

use std::collections::BTreeSet;

use futures::future::join_all;
use leadrail_adapters::{Slot, StepKey};
use leadrail_engine::{HistoryKind, RunState};
use serde_json::{Value, json};

use super::subject::Subject;
use crate::kit::Scene;

pub(super) async fn an_unknown_callers_lead_is_filed_once_and_told_step_by_step(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let submitted = scene.submit(subject.lead(1)).await;
    let run = submitted.run_id;
    scene.until(run, RunState::Completed).await;
    let output = scene.output(run).await;
    assert_eq!(
        (&output["outcome"], &output["crm"]),
        (&json!("delivered"), &json!(subject.crm()))
    );
    for making in subject.makes {
        let rows = scene.books(making.books);
        assert_eq!(rows.len(), 1, "{}: {rows:#?}", making.step);
        let id = output[making.step.slot.as_str()]["id"]
            .as_str()
            .expect("an id");
        assert!(making.is(&rows[0], id), "{id} is not {}", rows[0]);
        let marked =
            subject.comes_along(making) || making.is_marked(&scene, submitted.event_id, &rows[0]);
        assert!(marked, "{} bears no mark: {}", making.step, rows[0]);
    }
    assert_eq!(steps(&scene, run).await, expected_steps(subject));
    scene.end().await;
}

/// The labels of what a run completed, in order.
async fn steps(scene: &Scene, run: leadrail_engine::RunId) -> Vec<String> {
    let history = scene.history(run).await.into_iter();
    let completed = history.filter(|event| event.kind == HistoryKind::ActivityCompleted);
    completed.filter_map(|event| event.activity).collect()
}

/// The plan's order, without the steps whose records come along with others.
fn expected_steps(subject: &Subject) -> Vec<String> {
    let along: BTreeSet<Slot> = subject
        .makes
        .iter()
        .flat_map(|made| made.besides)
        .copied()
        .collect();
    let keys = subject.plan().keys().into_iter();
    let taken = keys.filter(|key| !along.contains(&key.slot));
    let labels = taken.map(|key| key.label().to_owned());
    ["find_connection".to_owned()]
        .into_iter()
        .chain(labels)
        .collect()
}

pub(super) async fn a_known_caller_gets_a_second_lead_and_stays_one_customer(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    for payload in [subject.lead(1), subject.second_lead_of(1)] {
        let run = scene.submit(payload).await.run_id;
        scene.until(run, RunState::Completed).await;
    }
    assert_eq!(
        callers(subject, &scene),
        [1, 1][..callers(subject, &scene).len()]
    );
    assert_eq!(scene.count(subject.filing().books), 2);
    scene.end().await;
}

/// How many there are of what a caller is: customers and sites, as far as the plan makes them.
fn callers(subject: &Subject, scene: &Scene) -> Vec<usize> {
    let makes = subject
        .makes
        .iter()
        .filter(|making| making.step.slot < Slot::Lead);
    makes.map(|making| scene.count(making.books)).collect()
}

/// The customer that the number leads to may be somebody else's record by name.
pub(super) async fn the_story_says_who_called_whoever_the_number_belongs_to(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let mut second = subject.second_lead_of(1);
    let said = json!({
        "first_name": "Zebulon", "last_name": "Quagmire", "email": "zeb@example.org",
        "phone": second["contact"]["phone"],
        "address": {"street": "77 Lerchenfeld", "city": "Hialeah", "state": "FL", "zip": "33010"},
    });
    second["contact"] = said.clone();
    let mut abroad = subject.lead(2);
    abroad["contact"]["phone"] = "+442079460018".into();
    let (books, field) = subject.story;
    for (n, payload) in [subject.lead(1), second, abroad].into_iter().enumerate() {
        let run = scene.submit(payload.clone()).await.run_id;
        scene.until(run, RunState::Completed).await;
        let told = scene.books(books)[n][field].clone();
        let told = told.as_str().expect("a story");
        let contact = &payload["contact"];
        for words in [
            &contact["first_name"],
            &contact["last_name"],
            &contact["email"],
            &contact["phone"],
            &contact["address"]["street"],
            &contact["address"]["city"],
        ] {
            let words = words.as_str().expect("said");
            assert!(told.contains(words), "{words} is not in {told}");
        }
    }
    scene.end().await;
}

/// A caller who calls again from the same place leaves no second site.
pub(super) async fn a_place_that_is_there_is_not_added_again(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let mut places = Vec::new();
    for payload in [subject.lead(1), subject.second_lead_of(1)] {
        let run = scene.submit(payload).await.run_id;
        scene.until(run, RunState::Completed).await;
        places.push(addresses(&scene));
    }
    assert_eq!(places[0], places[1]);
    scene.end().await;
}

/// How many addresses all customers have together, where they stand in their records.
fn addresses(scene: &Scene) -> usize {
    let books = scene.all_books();
    let customers = books["customers"].as_array().into_iter().flatten();
    let of = |customer: &Value| customer["addresses"].as_array().map_or(0, Vec::len);
    customers.map(of).sum()
}

pub(super) async fn two_leads_of_one_caller_at_once_make_one_customer(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let pairs = (0..5).flat_map(|n| [subject.lead(n), subject.second_lead_of(n)]);
    let submitted = join_all(pairs.map(|payload| scene.submit(payload))).await;
    let mut customers: Vec<BTreeSet<String>> = Vec::new();
    for pair in submitted.chunks(2) {
        let mut of_pair = BTreeSet::new();
        for lead in pair {
            scene.to_the_end(lead.run_id).await;
            scene.until(lead.run_id, RunState::Completed).await;
            of_pair.insert(scene.output(lead.run_id).await["customer"].to_string());
        }
        customers.push(of_pair);
    }
    assert!(callers(subject, &scene).iter().all(|count| *count == 5));
    assert_eq!(scene.count(subject.filing().books), 10);
    if subject.making(StepKey::CUSTOMER_CREATE).is_some() {
        assert!(customers.iter().all(|of_pair| of_pair.len() == 1));
        let distinct: BTreeSet<_> = customers.into_iter().flatten().collect();
        assert_eq!(distinct.len(), 5, "each customer has two leads");
    }
    scene.end().await;
}

pub(super) async fn whoever_calls_and_whatever_is_said_arrives(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let odd = odd_leads(subject);
    let expected = odd.len();
    for (what, payload) in odd {
        let run = scene.submit(payload).await.run_id;
        let ended = scene.to_the_end(run).await;
        assert_eq!(
            ended.state,
            RunState::Completed,
            "{what}: {:#?}",
            scene.told(run).await
        );
    }
    assert_eq!(scene.count(subject.filing().books), expected);
    scene.end().await;
}

/// Leads of callers who leave things out, and of some who say too much.
pub(super) fn odd_leads(subject: &Subject) -> Vec<(&'static str, Value)> {
    const HOSTILE: &str =
        "\"><script>alert(1)</script>'; drop table x;-- {{7*7}} %00 \u{202e}\r\n😀 &amp; \\u0000";
    let long = "Ünïcödé 😀 ".repeat(90);
    let story = "He said: \"the boiler\\furnace\" <b>leaks</b>\n\n".repeat(600);
    let said: &[(&str, &[(&str, Value)])] = &[
        ("no e-mail", &[("/contact/email", Value::Null)]),
        ("no last name", &[("/contact/last_name", Value::Null)]),
        ("no first name", &[("/contact/first_name", Value::Null)]),
        (
            "a first name only, and a number",
            &[
                ("/contact/last_name", Value::Null),
                ("/contact/email", Value::Null),
                ("/contact/address", Value::Null),
            ],
        ),
        ("no address", &[("/contact/address", Value::Null)]),
        ("no street", &[("/contact/address/street", Value::Null)]),
        (
            "a city only",
            &[("/contact/address", json!({"city": "Miami"}))],
        ),
        (
            "a foreign number",
            &[("/contact/phone", json!("+4930901820"))],
        ),
        (
            "a foreign number and nothing else",
            &[("/contact", json!({"phone": "+442079460018"}))],
        ),
        (
            "nothing but a number",
            &[("/contact", json!({"phone": "+13055550199"}))],
        ),
        (
            "hostile text",
            &[
                ("/contact/first_name", json!(HOSTILE)),
                ("/contact/last_name", json!(HOSTILE)),
                ("/contact/address/street", json!(HOSTILE)),
                ("/contact/address/city", json!(HOSTILE)),
                ("/service_request/service_type", json!(HOSTILE)),
                ("/service_request/issue_description", json!(HOSTILE)),
                ("/call/transcript_summary", json!(HOSTILE)),
            ],
        ),
        (
            "long text",
            &[
                ("/contact/first_name", json!(long)),
                ("/contact/last_name", json!(long)),
                ("/contact/address/street", json!(long)),
                ("/contact/address/state", json!(long)),
                ("/contact/address/zip", json!(long)),
                ("/service_request/sub_type", json!(long)),
                ("/service_request/preferred_schedule", json!(long)),
                ("/service_request/issue_description", json!(story)),
                ("/call/transcript_summary", json!(story)),
            ],
        ),
        (
            "blanks",
            &[
                ("/contact/first_name", json!("   ")),
                ("/contact/last_name", json!("\t")),
                ("/contact/address/street", json!(" ")),
                ("/service_request/issue_description", json!("  \n ")),
            ],
        ),
    ];
    let odd = said.iter().enumerate().map(|(n, (what, changes))| {
        let mut payload = subject.lead(100 + n as u64);
        for (pointer, value) in *changes {
            *payload.pointer_mut(pointer).expect("a field") = value.clone();
        }
        (*what, payload)
    });
    odd.collect()
}
