//! Answers that are lost: what took effect is adopted, what did not is made, and there is one.

use std::time::Duration;

use leadrail_adapters::{Filing, Links, Made, ReconcileClass, StepKey};
use leadrail_connections::Lookup;
use leadrail_engine::{RunFilter, RunId, RunState};
use leadrail_lead::{Lead, Marker};
use serde_json::{Value, json};

use super::arriving::odd_leads;
use super::subject::{Making, Subject};
use crate::kit::{ACME, Scene};

/// Ways in which an answer is lost after its request took effect.
fn losses() -> [Value; 4] {
    [
        json!({"kind": "timeout_after"}),
        json!({"kind": "reset_after"}),
        json!({"kind": "status_after", "status": 502}),
        json!({"kind": "status_after", "status": 302}),
    ]
}

pub(super) async fn a_record_whose_answer_was_lost_is_adopted_and_not_made_again(
    subject: &Subject,
) {
    let scene = subject.impatient().await;
    let losses = losses();
    let all = subject
        .makes
        .iter()
        .flat_map(|making| losses.iter().map(move |loss| (making, loss)));
    for (n, (making, loss)) in all.enumerate() {
        let payload = subject.lead_that_makes(making, &scene, n as u64).await;
        let before = scene.count(making.books);
        scene.fault(&making.met(1), loss);
        let run = scene.submit(payload).await.run_id;
        scene.until(run, RunState::Retrying).await;
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        assert_eq!(
            scene.count(making.books),
            before + 1,
            "{} {loss}: {told:#?}",
            making.step
        );
        if !subject.can_be_known(making) {
            assert_eq!(
                (ended.state, ended.reason.as_deref()),
                (RunState::Dead, Some("ambiguous"))
            );
            continue;
        }
        assert_eq!(
            ended.state,
            RunState::Completed,
            "{} {loss}: {told:#?}",
            making.step
        );
        assert_is_in_the_books(&scene, making, run).await;
        let adopted = subject.step(making.step).class() != Some(ReconcileClass::A);
        let words = format!(
            "found what an earlier try had made: {} ",
            making.step.slot.as_str()
        );
        let found = told.iter().any(|line| line.starts_with(&words));
        assert_eq!(found, adopted, "{} {loss}: {told:#?}", making.step);
    }
    scene.end().await;
}

/// The newest record of its kind is what the run says that it made.
async fn assert_is_in_the_books(scene: &Scene, making: &Making, run: RunId) {
    let output = scene.output(run).await;
    let id = output[making.step.slot.as_str()]["id"]
        .as_str()
        .expect("an id");
    let newest = scene.books(making.books).pop().expect("a record");
    assert!(making.is(&newest, id), "{id} is not {newest}");
}

/// Anybody may write any time into a payload: what is looked for hangs on when we made it.
pub(super) async fn what_a_payload_says_of_the_time_hides_nothing(subject: &Subject) {
    let scene = subject.impatient().await;
    let times = ["1999-12-31T23:59:59Z", "2099-01-01T00:00:00Z"];
    let all = subject
        .makes
        .iter()
        .filter(|making| subject.can_be_known(making))
        .flat_map(|making| times.iter().map(move |time| (making, time)));
    for (n, (making, time)) in all.enumerate() {
        let mut payload = subject.lead_that_makes(making, &scene, n as u64).await;
        payload["timestamp_utc"] = (*time).into();
        let before = scene.count(making.books);
        scene.fault(&making.met(1), &json!({"kind": "reset_after"}));
        let run = scene.submit(payload).await.run_id;
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        let step = making.step;
        assert_eq!(ended.state, RunState::Completed, "{step} {time}: {told:#?}");
        assert_eq!(scene.count(making.books), before + 1, "{step} {time}");
        assert_is_in_the_books(&scene, making, run).await;
    }
    scene.end().await;
}

/// Where nothing is left to look by, a person is asked.
pub(super) async fn a_caller_without_a_number_is_never_made_twice(subject: &Subject) {
    let scene = subject.impatient().await;
    let mut callers = subject.makes.iter();
    let Some(making) = callers.find(|making| making.step == StepKey::CUSTOMER_CREATE) else {
        return scene.end().await;
    };
    for (n, email) in [json!("maria@example.com"), Value::Null]
        .into_iter()
        .enumerate()
    {
        let mut payload = subject.lead(n as u64);
        payload["contact"]["phone"] = "305 555 O123".into();
        payload["contact"]["email"] = email;
        let before = scene.count(making.books);
        scene.fault(&making.met(1), &json!({"kind": "reset_after"}));
        let run = scene.submit(payload).await.run_id;
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        assert_eq!(scene.count(making.books), before + 1, "{told:#?}");
        let is_asked = ended.reason.as_deref() == Some("ambiguous");
        assert!(
            ended.state == RunState::Completed || (ended.state == RunState::Dead && is_asked),
            "{told:#?}"
        );
    }
    scene.end().await;
}

/// One customer with hundreds of addresses is no reason to give a lead up.
pub(super) async fn a_list_too_long_to_read_is_read_in_parts_and_uses_up_no_try(subject: &Subject) {
    let scene = subject.connected(json!({"retry_schedule": []})).await;
    scene.fault(
        &json!({"times": 2}),
        &json!({"kind": "huge_body", "bytes": 3 * 1024 * 1024}),
    );
    let run = scene.submit(subject.lead(1)).await.run_id;
    let ended = scene.to_the_end(run).await;
    let told = scene.told(run).await;
    assert_eq!(ended.state, RunState::Completed, "{told:#?}");
    assert_eq!(scene.count(subject.filing().books), 1);
    scene.end().await;
}

pub(super) async fn a_create_without_effect_is_made_after_the_look(subject: &Subject) {
    let scene = subject.impatient().await;
    for (n, making) in subject.makes.iter().enumerate() {
        let payload = subject.lead_that_makes(making, &scene, n as u64).await;
        let before = scene.count(making.books);
        scene.fault(&making.met(1), &json!({"kind": "timeout_before"}));
        let run = scene.submit(payload).await.run_id;
        scene.until(run, RunState::Retrying).await;
        let ended = scene.to_the_end(run).await;
        if !subject.can_be_known(making) {
            assert_eq!(ended.state, RunState::Dead);
            continue;
        }
        let told = scene.told(run).await;
        assert_eq!(
            ended.state,
            RunState::Completed,
            "{}: {told:#?}",
            making.step
        );
        assert_eq!(
            scene.count(making.books),
            before + 1,
            "{}: {told:#?}",
            making.step
        );
        assert_is_in_the_books(&scene, making, run).await;
    }
    scene.end().await;
}

pub(super) async fn whoever_calls_every_lost_answer_is_found_again(subject: &Subject) {
    let scene = subject.impatient().await;
    let knowable = subject
        .makes
        .iter()
        .filter(|making| subject.can_be_known(making));
    for making in knowable {
        // Every time: a request that comes twice would be lost twice, and be counted twice.
        let always = json!({"method": "POST", "path_prefix": making.path});
        scene.fault(&always, &json!({"kind": "reset_after"}));
    }
    let odd = odd_leads(subject);
    let expected = odd.len();
    for (what, payload) in odd {
        let run = scene.submit(payload).await.run_id;
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        assert_eq!(ended.state, RunState::Completed, "{what}: {told:#?}");
    }
    assert_eq!(scene.count(subject.filing().books), expected);
    if let Some(customers) = subject.making(StepKey::CUSTOMER_CREATE) {
        assert_eq!(scene.count(customers.books), expected);
    }
    scene.end().await;
}

pub(super) async fn a_late_double_is_found_by_the_next_look(subject: &Subject) {
    if !subject
        .makes
        .iter()
        .any(|making| subject.can_be_known(making))
    {
        return;
    }
    let scene = subject.connected(json!({})).await;
    scene.fault(&subject.filing().met(1), &json!({"kind": "reset_after"}));
    let run = scene.submit(subject.lead(1)).await.run_id;
    let ended = scene.to_the_end(run).await;
    assert_eq!(ended.state, RunState::Completed);
    let [soon, later] = audits(&scene).await;
    scene.pass(700).await;
    scene.until(soon, RunState::Completed).await;
    assert_eq!(scene.output(soon).await["outcome"], "single");

    let made: Made = serde_json::from_value(scene.output(run).await).expect("records");
    for making in subject.first_makes() {
        lands_again(subject, &scene, making, (run, &made)).await;
    }
    scene.pass(24 * 3600).await;
    scene.until(later, RunState::Completed).await;
    let found = scene.output(later).await;
    assert_eq!(found["outcome"], "duplicate", "{found:#}");
    let findings = found["found"].as_array().expect("findings");
    assert_eq!(findings.len(), subject.first_makes().count(), "{found:#}");
    for (making, finding) in subject.first_makes().zip(findings) {
        assert_eq!(finding["step"], making.step.label());
        if !subject.can_be_known(making) {
            continue;
        }
        let records = finding["records"].as_array().expect("records");
        let landed = if making.is_unique() { 1 } else { 2 };
        assert_eq!(records.len(), landed, "{finding}");
        let first = made.get(making.step.slot).expect("made");
        assert_eq!(records[0]["id"], first.id, "the oldest first");
    }
    scene.end().await;
}

/// The looks that are planned: in ten minutes, and in a day.
async fn audits(scene: &Scene) -> [RunId; 2] {
    let filter = RunFilter {
        workflow: Some("audit_lead".into()),
        ..RunFilter::default()
    };
    let planned = scene.engine.runs_after(&filter, None, 10).await;
    let planned = planned.expect("listed").runs;
    assert_eq!(planned.len(), 2);
    ["/10m", "/24h"].map(|ending| {
        let is_it = |key: &String| key.ends_with(ending);
        let mut planned = planned.iter();
        let found = planned.find(|run| run.key.as_ref().is_some_and(is_it));
        found.expect("planned").id
    })
}

/// A step's request lands a second time, as late effects do.
async fn lands_again(
    subject: &Subject,
    scene: &Scene,
    making: &Making,
    (run, made): (RunId, &Made),
) {
    let found = scene.connections.find(ACME, subject.crm(), None).await;
    let Lookup::Found(connection) = found.expect("read") else {
        panic!("no connection");
    };
    let minute = Duration::from_secs(60);
    let door = scene
        .doors()
        .open(connection.id, minute)
        .await
        .expect("opened");
    let lead = Lead::from_value(subject.lead(1)).expect("valid");
    let filing = Filing {
        lead: &lead,
        settings: door.session.settings(),
        marker: &Marker::new(lead.event_id, making.step.label()),
        links: Links::NONE,
        since: scene.run(run).await.created_at,
        made,
    };
    let step = subject.step(making.step);
    let before = scene.count(making.books);
    let again = step.run(&door.session, &filing).await.expect("filed");
    let again = again.expect("a record");
    if making.is_unique() {
        let first = made.get(making.step.slot).expect("made");
        assert_eq!(scene.count(making.books), before, "{}", making.step);
        assert_eq!(again.id, first.id, "{}", making.step);
    }
}
