//! Every fault is found, all at once, and none of them repeats what it found.

use std::collections::BTreeSet;

use leadrail_lead::{
    Lead, MAX_DEPTH, MAX_FAULTS, MAX_PAYLOAD_BYTES, MAX_TEXT_CHARS, MAX_VALUES, PayloadFaults,
    code, example,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The example with one value put somewhere; absent parents are made.
fn with(pointer: &str, value: Value) -> Value {
    let mut payload = example();
    put(&mut payload, pointer, value);
    payload
}

fn put(payload: &mut Value, pointer: &str, value: Value) {
    let mut place = payload;
    for key in pointer.split('/').skip(1) {
        place = &mut place[key];
    }
    *place = value;
}

fn faults(payload: Value) -> PayloadFaults {
    Lead::from_value(payload).unwrap_err()
}

/// Pointers and codes of all faults.
fn found(payload: Value) -> Vec<(String, &'static str)> {
    match Lead::from_value(payload) {
        Ok(_) => Vec::new(),
        Err(faults) => faults
            .0
            .into_iter()
            .map(|fault| (fault.pointer, fault.code))
            .collect(),
    }
}

const FIELDS: [&str; 37] = [
    "/schema_version",
    "/event",
    "/event_id",
    "/timestamp_utc",
    "/callsetter_account_id",
    "/call",
    "/call/call_id",
    "/call/direction",
    "/call/duration_seconds",
    "/call/started_at",
    "/call/ended_at",
    "/call/recording_url",
    "/call/transcript_url",
    "/call/transcript_summary",
    "/contact",
    "/contact/first_name",
    "/contact/last_name",
    "/contact/phone",
    "/contact/email",
    "/contact/address",
    "/contact/address/street",
    "/contact/address/city",
    "/contact/address/state",
    "/contact/address/zip",
    "/contact/address/country",
    "/service_request",
    "/service_request/service_type",
    "/service_request/sub_type",
    "/service_request/urgency",
    "/service_request/issue_description",
    "/service_request/preferred_schedule",
    "/service_request/is_existing_customer",
    "/ai_analysis",
    "/ai_analysis/conversion_intent_score",
    "/ai_analysis/qualifier_answers",
    "/routing/crm_account_id",
    "/routing/assigned_to",
];

#[test]
fn a_refusal_names_every_pointer_and_no_value() {
    let mut payload = example();
    let secrets = [
        "id-secret",
        "version-secret",
        "account-\tsecret",
        "event-secret",
        "crm-Secret",
    ];
    put(&mut payload, "/event_id", json!(secrets[0]));
    put(&mut payload, "/schema_version", json!(secrets[1]));
    put(&mut payload, "/callsetter_account_id", json!(secrets[2]));
    put(&mut payload, "/event", json!(secrets[3]));
    put(&mut payload, "/routing/destination_crm", json!(secrets[4]));
    let refused = faults(payload);
    let shown = format!("{refused} {refused:?} {}", json!(refused));
    for fault in &refused.0 {
        assert!(
            refused.to_string().contains(&fault.pointer),
            "{}",
            fault.pointer
        );
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn a_payload_is_an_object() {
    for payload in [
        json!(null),
        json!([example()]),
        json!("lead"),
        json!(1),
        json!(true),
    ] {
        assert_eq!(found(payload), [(String::new(), code::TYPE)]);
    }
}

#[test]
fn nul_is_refused_wherever_it_stands() {
    let known = with("/contact/first_name", json!("Ma\0ria"));
    assert_eq!(
        found(known),
        [("/contact/first_name".to_owned(), code::NUL)]
    );
    let key = with("/contact/a\0b", json!(1));
    assert_eq!(found(key), [("/contact".to_owned(), code::NUL)]);
    let escaped = br#"{"x":"\u0000"}"#;
    let codes: BTreeSet<_> = Lead::from_slice(escaped)
        .unwrap_err()
        .0
        .into_iter()
        .map(|fault| fault.code)
        .collect();
    assert!(codes.contains(code::NUL));
}

#[test]
fn a_hostile_key_never_reaches_a_pointer() {
    for key in ["line\nbreak", "\u{1b}[31m", &"k".repeat(65)] {
        let mut payload = example();
        payload["contact"][key] = json!({ "inner": "nul\0" });
        assert_eq!(found(payload), [("/contact/inner".to_owned(), code::NUL)]);
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("core"), |inner, level| {
        if level % 2 == 0 {
            json!([inner])
        } else {
            json!({ "in": inner })
        }
    })
}

#[test]
fn nesting_has_a_limit() {
    assert_eq!(found(with("/extra", nested(MAX_DEPTH - 1))), []);
    let too_deep = found(with("/extra", nested(MAX_DEPTH)));
    assert_eq!(too_deep.len(), 1);
    assert!(too_deep[0].0.starts_with("/extra/") && too_deep[0].1 == code::TOO_DEEP);
}

#[test]
fn nesting_that_no_parser_survives_is_refused_by_name() {
    for open in ["[", "{\"a\":"] {
        let bytes = open.repeat(40_000);
        let refused = Lead::from_slice(bytes.as_bytes()).unwrap_err();
        assert_eq!((refused.0.len(), refused.0[0].code), (1, code::TOO_DEEP));
    }
}

#[test]
fn size_has_a_limit_by_either_way_in() {
    let room = MAX_PAYLOAD_BYTES - with("/extra", json!("")).to_string().len();
    let fits = with("/extra", json!("a".repeat(room)));
    assert_eq!(fits.to_string().len(), MAX_PAYLOAD_BYTES);
    assert!(Lead::from_slice(fits.to_string().as_bytes()).is_ok());
    assert_eq!(found(fits), []);
    let large = with("/extra", json!("a".repeat(room + 1)));
    let refused = Lead::from_slice(large.to_string().as_bytes()).unwrap_err();
    assert_eq!(refused.0[0].code, code::TOO_LARGE);
    assert_eq!(found(large), [(String::new(), code::TOO_LARGE)]);
}

#[test]
fn bytes_that_are_not_json_are_refused_by_place() {
    let cases: [(&[u8], &str); 9] = [
        (b"", code::JSON),
        (b"{", code::JSON),
        (b"{} {}", code::JSON),
        (b"{'a':1}", code::JSON),
        (b"{\"a\":1e999}", code::JSON),
        (b"{\"a\":NaN}", code::JSON),
        (b"{\"a\":\"\\ud800\"}", code::JSON),
        (b"{\"a\":\"\xff\"}", code::UTF8),
        (b"\xed\xa0\x80", code::UTF8),
    ];
    for (bytes, code) in cases {
        let refused = Lead::from_slice(bytes).unwrap_err();
        assert_eq!((refused.0.len(), refused.0[0].code), (1, code), "{bytes:?}");
        assert_eq!(refused.0[0].pointer, "");
    }
}

#[test]
fn the_list_of_faults_has_an_end_and_known_fields_come_first() {
    let mut payload = with("/event_id", json!("unknown"));
    payload["extra"] = json!(vec!["\0"; MAX_VALUES / 2]);
    let found = found(payload);
    assert_eq!(found.len(), MAX_FAULTS);
    assert_eq!(found[0], ("/event_id".to_owned(), code::UUID));
}

#[test]
fn a_key_that_stands_twice_is_refused_by_place() {
    for text in [
        example()
            .to_string()
            .replacen('{', "{\"event\":\"lead.lost\",", 1),
        r#"{"a":[{"b":1,"b":1}]}"#.to_owned(),
    ] {
        let refused = Lead::from_slice(text.as_bytes()).unwrap_err();
        assert_eq!(refused.0[0].code, code::DUPLICATE_KEY);
        assert!(refused.0[0].detail.contains("at line 1, column"));
    }
}

#[test]
fn several_values_in_a_row_get_a_hint() {
    for text in ["{} {}", "{}\n{}\n", "{}{}"] {
        let refused = Lead::from_slice(text.as_bytes()).unwrap_err();
        assert!(
            refused.to_string().contains("application/x-ndjson"),
            "{text}"
        );
    }
    let refused = Lead::from_slice(b"{").unwrap_err();
    assert!(!refused.to_string().contains("ndjson"));
}

#[test]
fn the_number_of_values_has_a_limit() {
    let around = with("/extra", json!([])).to_string();
    let values = around.matches(':').count();
    assert!(values < MAX_VALUES);
    let many = with("/extra", json!(vec![0; MAX_VALUES]));
    assert_eq!(found(many), [(String::new(), code::TOO_MANY_VALUES)]);
    assert_eq!(found(with("/extra", json!(vec![0; MAX_VALUES - 100]))), []);
}

#[test]
fn a_text_beyond_its_limit_is_cut_and_the_rest_is_told() {
    let text = "ü".repeat(MAX_TEXT_CHARS + 1);
    let lead = Lead::from_value(with("/call/transcript_summary", json!(text))).unwrap();
    let summary = lead.call.transcript_summary.unwrap();
    assert_eq!(summary.chars().count(), MAX_TEXT_CHARS);
    assert_eq!(lead.warnings[0].code, code::TOO_LONG);
}

/// Any JSON of a few levels.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = Lead::from_slice(&bytes);
    }

    #[test]
    fn no_value_in_any_field_makes_it_panic_or_break_after_the_checks(
        field in 0..FIELDS.len(),
        value in any_json(),
    ) {
        let pointer = FIELDS[field];
        for (_, code) in found(with(pointer, value)) {
            prop_assert_ne!(code, code::SHAPE);
        }
    }

    #[test]
    fn no_text_as_phone_makes_it_panic(text in "\\PC{0,80}|[+0-9 ().x;=/#*-]{0,70}|[0-9\u{660}-\u{669}]{0,20}") {
        let payload = with("/contact/phone", json!(text));
        if let Some(phone) = Lead::from_value(payload).ok().and_then(|lead| lead.contact.phone) {
            let digits = phone.digits();
            prop_assert!(digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit()));
        }
    }

    #[test]
    fn no_text_as_email_makes_it_panic(text in "\\PC{0,300}|[a-z@. -]{0,40}") {
        if let Ok(lead) = Lead::from_value(with("/contact/email", json!(text)))
            && let Some(email) = lead.contact.email
        {
            prop_assert!(email.contains('@') && !email.contains(char::is_whitespace));
        }
    }
}
