//! One line of history as a sentence.

use chrono::{DateTime, Utc};
use leadrail_adapters::{Slot, StepKey, Verb};
use leadrail_engine::{Event, HistoryKind};
use serde_json::Value;

/// What the time is worth that a line says something goes on at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Other lines came after it: it was meant so then.
    Past,
    /// It is what the run waits for.
    ToCome,
    /// Something else holds the run now, or let it go.
    Off,
}

/// What happened, in small letters and without a full stop, so that it reads on after a time.
pub(super) fn sentence(
    event: &Event,
    payload: &Value,
    next: Option<(DateTime<Utc>, Time)>,
    tries: u32,
) -> String {
    // Who waits for somebody looks again by itself only as long as that is what it waits for.
    let is_wait = payload["kind"] == "blocked";
    let counts = |time| time == Time::ToCome || (time == Time::Past && !is_wait);
    let next = next.filter(|(_, time)| counts(*time));
    let next = next.map(|(next, _)| clock(next, event.at));
    match event.kind {
        HistoryKind::RunStarted => "a worker took it up".to_owned(),
        HistoryKind::RunLost => "its worker was lost; no try was used up".to_owned(),
        HistoryKind::RunReleased => "its worker shut down and gave it back".to_owned(),
        HistoryKind::RunWaiting => waiting(payload, next),
        HistoryKind::RunDead => format!("gave up: {}", message(payload)),
        HistoryKind::RunRevived => "sent through again".to_owned(),
        HistoryKind::RunReplayed => "sent through again by a replay".to_owned(),
        HistoryKind::RunCompleted => completed_run(&payload["output"]),
        HistoryKind::RunCancelled => format!("cancelled: {}", why(payload)),
        HistoryKind::ActivityStarted => format!("try {} began", attempt(event)),
        HistoryKind::ActivityCompleted => completed_step(event, payload),
        HistoryKind::ActivityFailed => failed(event, payload, next, tries),
        HistoryKind::ActivityThrottled => held_up(payload, next),
        HistoryKind::TimerStarted => then("sleeps".to_owned(), "until", next),
        HistoryKind::SideValue => "a value was kept".to_owned(),
        HistoryKind::SignalReceived => "the signal came".to_owned(),
        HistoryKind::SignalTimedOut => "no signal came in time".to_owned(),
        HistoryKind::ChildStarted => "started a run of its own".to_owned(),
        HistoryKind::ChildCompleted => "that run is done".to_owned(),
        HistoryKind::ChildFailed => format!("that run gave up: {}", message(payload)),
        HistoryKind::CancelRequested => format!("was asked to stop: {}", why(payload)),
        HistoryKind::StatePublished => "told how far it is".to_owned(),
        HistoryKind::RunContinued => "goes on as a new run".to_owned(),
        HistoryKind::RunTriedNow => "a person would not wait; no try is used up".to_owned(),
        HistoryKind::RunRestarted => restarted(payload),
        HistoryKind::RunIsolated => "runs alone now, because its workers died".to_owned(),
    }
}

/// The time of day; with its date if that is not the day of `now`.
fn clock(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format = if time.date_naive() == now.date_naive() {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    time.format(format).to_string()
}

fn attempt(event: &Event) -> i16 {
    event.attempt.unwrap_or(1)
}

/// The sentence that goes with a failure, or its reason if there is none.
fn message(payload: &Value) -> &str {
    let said = payload["message"].as_str().filter(|said| !said.is_empty());
    said.or_else(|| payload["reason"].as_str())
        .unwrap_or("no reason was kept")
}

fn why(payload: &Value) -> &str {
    payload["why"].as_str().unwrap_or("no reason was given")
}

fn restarted(payload: &Value) -> String {
    match payload["from"].as_str() {
        Some(from) => format!("begun again by a person from {from}"),
        None => "begun again by a person".to_owned(),
    }
}

fn waiting(payload: &Value, next: Option<String>) -> String {
    let what = match payload["reason"].as_str() {
        Some("settling") => "waits until a lost answer's effect would show",
        Some("nondeterminism") => "its history does not fit this version; waits for one that does",
        Some("locked") => "waits for another lead of the same caller",
        Some(reason) => reason,
        None => "waits",
    };
    then(what.to_owned(), "next at", next)
}

fn failed(event: &Event, payload: &Value, next: Option<String>, tries: u32) -> String {
    let (try_, why) = (attempt(event), message(payload));
    if payload["kind"] == "rejected" {
        return format!("try {try_} failed for good: {why}");
    }
    let look = match payload["kind"] == "ambiguous" {
        true => " and looks first",
        false => "",
    };
    let is_last = payload["next_in_ms"].is_null();
    match next {
        Some(next) => format!("try {try_} of {tries} failed: {why}; next at {next}{look}"),
        None if is_last => format!("try {try_} of {tries} failed: {why}; that was the last"),
        None => format!("try {try_} of {tries} failed: {why}"),
    }
}

fn held_up(payload: &Value, next: Option<String>) -> String {
    let link = match payload["kind"].as_str() {
        Some("blocked") => "looks again by itself at",
        _ => "no try used up, next at",
    };
    then(message(payload).to_owned(), link, next)
}

fn then(what: String, link: &str, next: Option<String>) -> String {
    match next {
        Some(next) => format!("{what}; {link} {next}"),
        None => what,
    }
}

fn completed_run(output: &Value) -> String {
    let id = |what: &str| output[what]["id"].as_str().unwrap_or("?");
    match output["outcome"].as_str() {
        Some("delivered") => {
            let crm = output["crm"].as_str().unwrap_or("the CRM");
            match output["customer"].is_object() {
                true => format!(
                    "delivered to {crm}: lead {} of customer {}",
                    id("lead"),
                    id("customer")
                ),
                false => format!("delivered to {crm}: lead {}", id("lead")),
            }
        }
        Some("recorded") => "recorded; an unqualified lead goes to no CRM".to_owned(),
        Some("duplicate") => "looked again: there is more than one of them".to_owned(),
        Some("gone") => "looked again: something of it is not there any more".to_owned(),
        Some("unknown") => "looked again: the CRM cannot tell whether there is more".to_owned(),
        Some("single") => "looked again: there is exactly one of each".to_owned(),
        _ => "done".to_owned(),
    }
}

fn completed_step(event: &Event, payload: &Value) -> String {
    let label = event.activity.as_deref().unwrap_or_default();
    let step = label.split('#').next().unwrap_or_default();
    let output = &payload["output"];
    if let Some(key) = StepKey::of_label(step) {
        return taken(key, payload);
    }
    match step {
        "find_connection" => {
            let crm = output["crm"].as_str().unwrap_or("the CRM");
            format!("found the connection to {crm}")
        }
        "schedule_audit" => "planned second looks".to_owned(),
        _ => "done".to_owned(),
    }
}

/// What a step of a plan came to.
fn taken(key: StepKey, payload: &Value) -> String {
    let (slot, output) = (key.slot.as_str(), &payload["output"]);
    let Some(id) = output["id"].as_str() else {
        return match (key.verb, key.slot) {
            (Verb::Find, Slot::Customer) if output.is_null() => {
                "the caller is not known yet".to_owned()
            }
            (Verb::Find, _) if output.is_null() => format!("there is no such {slot} yet"),
            (_, _) if output.is_null() => format!("there is no {slot} to make"),
            _ => "done".to_owned(),
        };
    };
    match (key.verb, payload["source"].as_str()) {
        (_, Some("reconciled")) => format!("found what an earlier try had made: {slot} {id}"),
        (Verb::Find, _) if key.slot == Slot::Customer => format!("the caller is customer {id}"),
        (Verb::Find, _) => format!("found {slot} {id}"),
        (Verb::Make, _) => format!("made {slot} {id}"),
        (Verb::Upsert, _) => format!("made or changed {slot} {id}"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use leadrail_engine::RunId;
    use serde_json::json;

    use super::*;

    /// Reads one line, the first try of its step, at 14:32:00.
    fn read(kind: HistoryKind, step: &str, payload: &Value, wait_s: Option<i64>) -> String {
        let at = DateTime::from_timestamp(1_779_805_920, 0).unwrap();
        let event = Event {
            run_id: RunId::new(),
            seq: 0,
            at,
            kind,
            activity: (!step.is_empty()).then(|| step.to_owned()),
            attempt: (!step.is_empty()).then_some(1),
            payload: None,
        };
        let next = wait_s.map(|wait| (at + TimeDelta::seconds(wait), Time::ToCome));
        sentence(&event, payload, next, 6)
    }

    #[test]
    fn what_happens_to_a_run_reads_as_a_sentence() {
        use HistoryKind as Kind;
        let delivered = json!({"output": {"outcome": "delivered", "crm": "housecall_pro",
            "customer": {"id": "cus_1"}, "lead": {"id": "lea_1"}}});
        let table = [
            (Kind::RunStarted, json!({}), None, "a worker took it up"),
            (
                Kind::RunDead,
                json!({"reason": "auth", "message": "no"}),
                None,
                "gave up: no",
            ),
            (
                Kind::RunDead,
                json!({"reason": "auth"}),
                None,
                "gave up: auth",
            ),
            (
                Kind::RunDead,
                Value::Null,
                None,
                "gave up: no reason was kept",
            ),
            (
                Kind::RunWaiting,
                json!({"reason": "locked"}),
                Some(5),
                "waits for another lead of the same caller; next at 14:32:05",
            ),
            (
                Kind::RunWaiting,
                json!({"reason": "settling"}),
                Some(5),
                "waits until a lost answer's effect would show; next at 14:32:05",
            ),
            (
                Kind::RunCompleted,
                delivered,
                None,
                "delivered to housecall_pro: lead lea_1 of customer cus_1",
            ),
            (
                Kind::RunCompleted,
                json!({"output": {"outcome": "duplicate"}}),
                None,
                "looked again: there is more than one of them",
            ),
            (Kind::RunCompleted, json!({"output": 7}), None, "done"),
        ];
        for (kind, payload, wait, expected) in table {
            assert_eq!(read(kind, "", &payload, wait), expected);
        }
    }

    #[test]
    fn what_a_step_achieves_reads_as_a_sentence() {
        let customer = json!({"output": {"id": "cus_1"}});
        let found = json!({"output": {"id": "cus_1"}, "source": "reconciled"});
        let table = [
            ("customer_create", customer.clone(), "made customer cus_1"),
            (
                "customer_create#2",
                found,
                "found what an earlier try had made: customer cus_1",
            ),
            ("dedup_lookup", customer, "the caller is customer cus_1"),
            (
                "dedup_lookup",
                json!({"output": null}),
                "the caller is not known yet",
            ),
            (
                "site_lookup",
                json!({"output": null}),
                "there is no such site yet",
            ),
            (
                "site_create",
                json!({"output": null}),
                "there is no site to make",
            ),
            (
                "note_attach",
                json!({"output": {"id": "n1"}}),
                "made note n1",
            ),
            (
                "lead_upsert",
                json!({"output": {"id": "d1"}}),
                "made or changed lead d1",
            ),
            ("lead_create", json!({"output": "of another shape"}), "done"),
            ("something_new", Value::Null, "done"),
        ];
        for (step, payload, expected) in table {
            assert_eq!(
                read(HistoryKind::ActivityCompleted, step, &payload, None),
                expected
            );
        }
    }

    #[test]
    fn a_try_that_did_not_succeed_says_what_comes_next() {
        use HistoryKind as Kind;
        let said = |kind: &str, message: &str| json!({"kind": kind, "message": message});
        let table = [
            (
                Kind::ActivityFailed,
                said("ambiguous", "no answer came"),
                Some(30),
                "try 1 of 6 failed: no answer came; next at 14:32:30 and looks first",
            ),
            (
                Kind::ActivityFailed,
                said("ambiguous", "no answer came"),
                None,
                "try 1 of 6 failed: no answer came; that was the last",
            ),
            (
                Kind::ActivityFailed,
                said("rejected", "it names phone"),
                None,
                "try 1 failed for good: it names phone",
            ),
            (
                Kind::ActivityThrottled,
                said("blocked", "it is switched off"),
                Some(60),
                "it is switched off; looks again by itself at 14:33:00",
            ),
            (
                Kind::ActivityThrottled,
                said("throttled", "slow down"),
                Some(60),
                "slow down; no try used up, next at 14:33:00",
            ),
            (Kind::ActivityStarted, Value::Null, None, "try 1 began"),
        ];
        for (kind, payload, wait, expected) in table {
            assert_eq!(read(kind, "lead_create", &payload, wait), expected);
        }
    }

    #[test]
    fn a_time_is_named_only_as_long_as_it_means_something() {
        use HistoryKind as Kind;
        let at = DateTime::from_timestamp(1_779_805_920, 0).unwrap();
        let text = |kind: HistoryKind, said: &str, time: Time| {
            let event = Event {
                run_id: RunId::new(),
                seq: 0,
                at,
                kind,
                activity: Some("lead_create".to_owned()),
                attempt: Some(1),
                payload: None,
            };
            let payload = json!({"kind": said, "message": "no", "next_in_ms": 5_000});
            sentence(
                &event,
                &payload,
                Some((at + TimeDelta::seconds(5), time)),
                6,
            )
        };
        let failed = |time| text(Kind::ActivityFailed, "not_done", time);
        let named = "try 1 of 6 failed: no; next at 14:32:05";
        assert_eq!([failed(Time::Past), failed(Time::ToCome)], [named, named]);
        assert_eq!(failed(Time::Off), "try 1 of 6 failed: no");
        let waits = |time| text(Kind::ActivityThrottled, "blocked", time);
        assert_eq!(waits(Time::ToCome), "no; looks again by itself at 14:32:05");
        assert_eq!([waits(Time::Past), waits(Time::Off)], ["no", "no"]);
    }
}
