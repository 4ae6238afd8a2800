//! One table says of many payloads whether they are taken and what of them is warned of. The tests of
//! every door read the same table; here it is held against the reading itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use leadrail_lead::{Lead, code};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    name: String,
    payload: Value,
    #[serde(default)]
    faults: BTreeMap<String, String>,
    #[serde(default)]
    warnings: BTreeMap<String, String>,
    phone: Option<String>,
    priority: Option<i16>,
    #[serde(default)]
    note: Vec<String>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../testdata/doors.json")).unwrap()
}

fn received() -> DateTime<Utc> {
    DateTime::from_timestamp(1_779_805_920, 0).unwrap()
}

#[test]
fn every_payload_is_read_as_the_table_says() {
    let cases = cases();
    assert!(cases.len() >= 150, "{}", cases.len());
    for case in &cases {
        match Lead::received(case.payload.clone(), received()) {
            Err(faults) => {
                let found = faults.0.into_iter().map(|f| (f.pointer, f.code.to_owned()));
                assert_eq!(
                    found.collect::<BTreeMap<_, _>>(),
                    case.faults,
                    "{}",
                    case.name
                );
            }
            Ok(lead) => assert_is(&lead, case),
        }
    }
}

fn assert_is(lead: &Lead, case: &Case) {
    // Which CRMs there are is not the payload's affair.
    let of_crm = |fault: &String| fault == code::UNKNOWN_CRM;
    assert!(case.faults.values().all(of_crm), "{}", case.name);
    if !case.faults.is_empty() {
        return;
    }
    let warned = lead.warnings.iter();
    let warned = warned.map(|w| (w.field.to_string(), w.code.to_owned()));
    let mut expected = case.warnings.clone();
    if case.payload["routing"]["destination_crm"] == "no_such_crm" {
        expected.remove("/routing/destination_crm");
    }
    assert_eq!(
        warned.collect::<BTreeMap<_, _>>(),
        expected,
        "{}",
        case.name
    );
    for warning in &lead.warnings {
        assert_ne!(
            warning.sentence, "could not be taken as it is",
            "{}",
            case.name
        );
    }
    let phone = lead
        .contact
        .phone
        .as_ref()
        .map(leadrail_lead::Phone::as_str);
    assert_eq!(phone, case.phone.as_deref(), "{}", case.name);
    if let Some(priority) = case.priority {
        assert_eq!(lead.priority(), priority, "{}", case.name);
    }
}

#[test]
fn what_could_not_be_taken_stands_in_the_remarks() {
    for case in cases() {
        let Ok(lead) = Lead::received(case.payload, received()) else {
            continue;
        };
        let remarks = lead.remarks.iter();
        let lines: Vec<_> = remarks
            .map(|r| format!("{}: {}", r.label, r.text))
            .collect();
        let of_remarks = |line: &&String| line.contains(" as given: ");
        for line in case.note.iter().filter(of_remarks) {
            let found = lines.iter().any(|known| known.starts_with(line.as_str()));
            assert!(found, "{}: {line} in {lines:?}", case.name);
        }
    }
}

#[test]
fn the_same_payload_and_receipt_make_the_same_lead() {
    for case in cases() {
        let read = || Lead::received(case.payload.clone(), received()).ok();
        assert_eq!(read(), read(), "{}", case.name);
    }
}
