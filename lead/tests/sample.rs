//! Sample leads are valid, always the same, and as varied as callers are.

use std::collections::HashSet;

use leadrail_lead::sample::{DISTINCT_PHONES, sample_lead, sample_lead_at, sample_phone};
use leadrail_lead::{Lead, example};
use serde_json::Value;

fn lead(n: u64) -> Lead {
    Lead::from_value(sample_lead(n, "acct_demo", "jobber")).unwrap()
}

#[test]
fn every_sample_is_a_lead_for_the_account_and_crm_asked_for() {
    let far = (0..1_000_000).step_by(7_919).chain([999_999, u64::MAX]);
    for n in (0..500).chain(far) {
        let lead = lead(n);
        assert_eq!(lead.callsetter_account_id.as_str(), "acct_demo");
        assert_eq!(lead.routing.destination_crm.unwrap().as_str(), "jobber");
        assert!(lead.unknown.is_empty());
    }
}

#[test]
fn a_sample_is_always_the_same() {
    assert_eq!(sample_lead(7, "a", "jobber"), sample_lead(7, "a", "jobber"));
    assert_ne!(lead(7).event_id, lead(8).event_id);
    let other = Lead::from_value(sample_lead(7, "b", "jobber")).unwrap();
    assert_ne!(lead(7).event_id, other.event_id);
    assert_eq!(
        lead(7).event_id.to_string(),
        "81f7ccbb-6086-4256-a9e5-fb75ff212b4f"
    );
}

#[test]
fn a_million_samples_have_a_million_phones() {
    const { assert!(DISTINCT_PHONES >= 1_000_000) };
    let phones: HashSet<String> = (0..1_000_000).map(sample_phone).collect();
    assert_eq!(phones.len(), 1_000_000);
}

#[test]
fn sample_phones_are_valid_numbers_and_the_first_ones_fictional() {
    for n in (0..3_000).chain((0..1_000_000).step_by(997)) {
        let phone = sample_phone(n);
        let number = phonenumber::parse(None, &phone).unwrap();
        assert!(phonenumber::is_valid(&number), "{phone}");
        assert!(n >= 2_400 || &phone[5..10] == "55501", "{phone}");
    }
}

#[test]
fn callers_differ_as_real_ones_do() {
    let leads: Vec<Value> = (0..600).map(|n| sample_lead(n, "a", "jobber")).collect();
    let some = |has: &dyn Fn(&Value) -> bool| leads.iter().any(has) && !leads.iter().all(has);
    assert!(some(&|lead| lead["contact"]["last_name"].is_string()));
    assert!(some(&|lead| lead["contact"]["email"].is_string()));
    assert!(some(&|lead| lead["contact"].get("email").is_some()));
    assert!(some(&|lead| lead["contact"]["address"].is_object()));
    assert!(some(&|lead| lead["contact"]["first_name"]
        .as_str()
        .unwrap()
        .is_ascii()));
    let kinds = |pointer: &str| {
        leads
            .iter()
            .filter_map(|lead| lead.pointer(pointer))
            .map(Value::to_string)
            .collect::<HashSet<_>>()
    };
    assert!(kinds("/service_request/service_type").len() >= 3);
    assert_eq!(kinds("/service_request/urgency").len(), 4);
    assert_eq!(kinds("/ai_analysis/sentiment").len(), 3);
    assert!(kinds("/contact/address/city").len() >= 4);
}

#[test]
fn a_sample_can_be_of_now_so_that_its_links_live() {
    let now = Lead::from_value(example()).unwrap().timestamp_utc;
    let lead = Lead::from_value(sample_lead_at(3, "a", "jobber", now)).unwrap();
    assert_eq!(lead.timestamp_utc, now);
    assert_eq!(lead.call.ended_at, Some(now));
    assert!(lead.call.started_at < Some(now));
}
