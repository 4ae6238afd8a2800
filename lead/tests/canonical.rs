//! The canonical form and the fingerprint agree with PostgreSQL's, and ignore only signatures.

use std::collections::BTreeMap;

use leadrail_lead::{canonical, example, fingerprint};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A case whose canonical form and fingerprint PostgreSQL computed.
#[derive(Deserialize)]
struct Case {
    name: String,
    payload: Value,
    canonical: String,
    fingerprint: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../testdata/canonical.json")).unwrap()
}

#[test]
fn canonical_form_and_fingerprint_are_those_of_postgresql() {
    let cases = cases();
    assert!(cases.len() >= 40);
    for case in cases {
        assert_eq!(canonical(&case.payload), case.canonical, "{}", case.name);
        assert_eq!(
            fingerprint(&case.payload).as_str(),
            case.fingerprint,
            "{}",
            case.name
        );
    }
}

#[test]
fn fresh_signatures_leave_the_fingerprint_as_it_is() {
    let first = example();
    let mut resent = example();
    resent["call"]["recording_url"] =
        "https://storage.example.com/recordings/call_abc123.mp3?signature=fresh&expires=9#x".into();
    resent["call"]["transcript_url"] =
        "https://storage.example.com/transcripts/call_abc123.txt".into();
    assert_eq!(fingerprint(&first), fingerprint(&resent));
}

#[test]
fn any_other_change_gives_another_fingerprint() {
    let first = fingerprint(&example());
    let mut seen = BTreeMap::from([(first.to_string(), String::new())]);
    for pointer in leaves(&example(), "") {
        let mut changed = example();
        let leaf = changed.pointer_mut(&pointer).unwrap();
        *leaf = match leaf.as_str() {
            // The part before the query, where there is one.
            Some(text) => format!("x{text}").into(),
            None => "changed".into(),
        };
        let before = seen.insert(fingerprint(&changed).to_string(), pointer.clone());
        assert_eq!(before, None, "{pointer}");
    }
    let mut added = example();
    added["call"]["recording_id"] = "r?1".into();
    assert!(!seen.contains_key(fingerprint(&added).as_str()));
}

fn leaves(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, item)| leaves(item, &format!("{at}/{key}")))
            .collect(),
        _ => vec![at.to_owned()],
    }
}

#[test]
fn a_fingerprint_is_read_back_and_nothing_else_is() {
    let print = fingerprint(&example());
    assert_eq!(print.as_str().parse(), Ok(print.clone()));
    assert_eq!(
        serde_json::from_value::<leadrail_lead::Fingerprint>(json!(print)).unwrap(),
        print
    );
    for text in [
        "",
        "abc",
        &"g".repeat(64),
        &"A".repeat(64),
        &"a".repeat(65),
        &"é".repeat(32),
    ] {
        assert!(
            text.parse::<leadrail_lead::Fingerprint>().is_err(),
            "{text}"
        );
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no such number", |f| f.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_form_is_json_and_its_own_canonical_form(value in any_json()) {
        let text = canonical(&value);
        let back: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(canonical(&back), text);
    }

    #[test]
    fn white_space_and_order_of_keys_do_not_matter(value in any_json()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let back: Value = serde_json::from_str(&pretty).unwrap();
        prop_assert_eq!(canonical(&back), canonical(&value));
    }
}
