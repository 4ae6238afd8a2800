//! Every fault is found, all at once, and none of them repeats what it found.

use std::collections::BTreeSet;

use leadrail_lead::{
    Lead, MAX_DEPTH, MAX_FAULTS, MAX_ID_CHARS, MAX_LINE_CHARS, MAX_PAYLOAD_BYTES, MAX_TEXT_CHARS,
    MAX_URL_CHARS, PayloadFaults, code, example,
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

fn without(pointer: &str) -> Value {
    let mut payload = example();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    payload
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(key)
        .unwrap();
    payload
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

const REQUIRED: [&str; 11] = [
    "/schema_version",
    "/event",
    "/event_id",
    "/timestamp_utc",
    "/callsetter_account_id",
    "/call",
    "/call/call_id",
    "/contact",
    "/contact/phone",
    "/service_request",
    "/routing/destination_crm",
];

const NICETIES: [&str; 27] = [
    "/call/direction",
    "/call/duration_seconds",
    "/call/started_at",
    "/call/ended_at",
    "/call/recording_url",
    "/call/transcript_url",
    "/call/transcript_summary",
    "/contact/first_name",
    "/contact/last_name",
    "/contact/email",
    "/contact/address",
    "/contact/address/street",
    "/contact/address/city",
    "/contact/address/state",
    "/contact/address/zip",
    "/contact/address/country",
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
fn a_required_field_must_be_there() {
    for pointer in REQUIRED {
        let missing = vec![(pointer.to_owned(), code::MISSING)];
        assert_eq!(found(without(pointer)), missing);
        assert_eq!(found(with(pointer, Value::Null)), missing);
    }
    assert_eq!(
        found(without("/routing")),
        [("/routing".to_owned(), code::MISSING)]
    );
}

#[test]
fn no_lead_is_refused_for_a_missing_nicety() {
    for pointer in NICETIES {
        assert_eq!(found(without(pointer)), [], "{pointer} absent");
        assert_eq!(found(with(pointer, Value::Null)), [], "{pointer} null");
        assert_eq!(found(with(pointer, json!(" "))), [], "{pointer} blank");
    }
}

#[test]
fn an_unqualified_lead_needs_no_destination() {
    for routing in [json!(null), json!({}), json!({ "destination_crm": null })] {
        let mut payload = with("/event", json!("lead.unqualified"));
        payload["routing"] = routing;
        assert_eq!(found(payload), []);
    }
    let mut payload = with("/event", json!("lead.unqualified"));
    payload["routing"]["destination_crm"] = json!("No CRM");
    assert_eq!(
        found(payload),
        [("/routing/destination_crm".to_owned(), code::CRM)]
    );
}

#[test]
fn each_field_refuses_what_it_cannot_be() {
    let cases = [
        ("/schema_version", json!("2.0"), code::VERSION),
        ("/schema_version", json!("0.9"), code::VERSION),
        ("/schema_version", json!("11.0"), code::VERSION),
        ("/schema_version", json!("1"), code::VERSION),
        ("/schema_version", json!("1.x"), code::VERSION),
        ("/schema_version", json!("1.0\n"), code::VERSION),
        ("/schema_version", json!(""), code::EMPTY),
        ("/schema_version", json!(1.0), code::TYPE),
        ("/event", json!("lead.lost"), code::EVENT),
        ("/event", json!("LEAD.QUALIFIED"), code::EVENT),
        ("/event", json!(["lead.qualified"]), code::TYPE),
        ("/event_id", json!("not-a-uuid"), code::UUID),
        (
            "/event_id",
            json!("3d1f6a527c1e4b7a9d550d6c1f3b9a10"),
            code::UUID,
        ),
        (
            "/event_id",
            json!("3d1f6a52-7c1e-1b7a-9d55-0d6c1f3b9a10"),
            code::UUID_VERSION,
        ),
        ("/event_id", json!(17), code::TYPE),
        ("/timestamp_utc", json!("yesterday"), code::TIMESTAMP),
        ("/timestamp_utc", json!("2026-05-26"), code::TIMESTAMP),
        (
            "/timestamp_utc",
            json!("2026-05-26T14:32:00"),
            code::TIMESTAMP,
        ),
        (
            "/timestamp_utc",
            json!("2026-02-30T14:32:00Z"),
            code::TIMESTAMP,
        ),
        (
            "/timestamp_utc",
            json!("0000-01-01T00:00:00Z"),
            code::TIMESTAMP,
        ),
        (
            "/timestamp_utc",
            json!("9999-12-31T23:59:59-01:00"),
            code::TIMESTAMP,
        ),
        ("/timestamp_utc", json!(1_780_000_000), code::TYPE),
        ("/callsetter_account_id", json!(""), code::EMPTY),
        (
            "/callsetter_account_id",
            json!("a".repeat(129)),
            code::TOO_LONG,
        ),
        (
            "/callsetter_account_id",
            json!("a\tb"),
            code::CONTROL_CHARACTER,
        ),
        ("/callsetter_account_id", json!(4829), code::TYPE),
        ("/call", json!("call_abc123"), code::TYPE),
        ("/call/call_id", json!("\t"), code::EMPTY),
        (
            "/call/call_id",
            json!("c".repeat(MAX_ID_CHARS + 1)),
            code::TOO_LONG,
        ),
        ("/call/call_id", json!("a\nb"), code::CONTROL_CHARACTER),
        ("/call/direction", json!(1), code::TYPE),
        ("/call/duration_seconds", json!(-1), code::RANGE),
        ("/call/duration_seconds", json!(-0.5), code::RANGE),
        ("/call/duration_seconds", json!(1e300), code::RANGE),
        ("/call/duration_seconds", json!("142"), code::TYPE),
        ("/call/started_at", json!("14:29"), code::TIMESTAMP),
        ("/call/ended_at", json!(false), code::TYPE),
        ("/call/recording_url", json!("storage/call.mp3"), code::URL),
        (
            "/call/recording_url",
            json!("javascript:alert(1)"),
            code::URL,
        ),
        (
            "/call/recording_url",
            json!("file:///etc/passwd"),
            code::URL,
        ),
        ("/call/recording_url", json!("https://"), code::URL),
        (
            "/call/transcript_url",
            json!(format!("https://a/{}", "a".repeat(MAX_URL_CHARS))),
            code::TOO_LONG,
        ),
        ("/call/transcript_url", json!({}), code::TYPE),
        (
            "/call/transcript_summary",
            json!("a".repeat(MAX_TEXT_CHARS + 1)),
            code::TOO_LONG,
        ),
        ("/contact", json!([]), code::TYPE),
        (
            "/contact/first_name",
            json!("a".repeat(MAX_LINE_CHARS + 1)),
            code::TOO_LONG,
        ),
        ("/contact/last_name", json!(true), code::TYPE),
        ("/contact/phone", json!("anonymous"), code::PHONE),
        ("/contact/phone", json!("911"), code::PHONE),
        ("/contact/phone", json!("+1305555018"), code::PHONE),
        ("/contact/phone", json!("1".repeat(65)), code::TOO_LONG),
        ("/contact/phone", json!(""), code::EMPTY),
        ("/contact/phone", json!(13_055_550_182_u64), code::TYPE),
        ("/contact/email", json!("maria"), code::EMAIL),
        ("/contact/email", json!("maria@"), code::EMAIL),
        ("/contact/email", json!("@example.com"), code::EMAIL),
        ("/contact/email", json!("maria@localhost"), code::EMAIL),
        ("/contact/email", json!("maria@example..com"), code::EMAIL),
        ("/contact/email", json!("ma ria@example.com"), code::EMAIL),
        ("/contact/email", json!("maria@ex@ample.com"), code::EMAIL),
        (
            "/contact/email",
            json!("maria@example.com\r\nBcc: x@example.com"),
            code::EMAIL,
        ),
        (
            "/contact/email",
            json!(format!("{}@example.com", "a".repeat(65))),
            code::EMAIL,
        ),
        (
            "/contact/email",
            json!(format!("a@{}.com", "a".repeat(260))),
            code::TOO_LONG,
        ),
        ("/contact/address", json!("1420 NW 7th Ave"), code::TYPE),
        ("/contact/address/zip", json!(33136), code::TYPE),
        ("/service_request", json!(7), code::TYPE),
        ("/service_request/urgency", json!(1), code::TYPE),
        (
            "/service_request/is_existing_customer",
            json!("no"),
            code::TYPE,
        ),
        ("/ai_analysis", json!([1]), code::TYPE),
        (
            "/ai_analysis/conversion_intent_score",
            json!(1.0001),
            code::RANGE,
        ),
        (
            "/ai_analysis/conversion_intent_score",
            json!(-0.1),
            code::RANGE,
        ),
        (
            "/ai_analysis/conversion_intent_score",
            json!(87),
            code::RANGE,
        ),
        (
            "/ai_analysis/conversion_intent_score",
            json!("0.87"),
            code::TYPE,
        ),
        ("/ai_analysis/qualifier_answers", json!(["yes"]), code::TYPE),
        ("/routing", json!("housecall_pro"), code::TYPE),
        (
            "/routing/destination_crm",
            json!("Housecall Pro"),
            code::CRM,
        ),
        ("/routing/assigned_to", json!(12), code::TYPE),
    ];
    for (pointer, value, code) in cases {
        let expected = vec![(pointer.to_owned(), code)];
        assert_eq!(found(with(pointer, value.clone())), expected, "{value}");
    }
}

#[test]
fn each_field_takes_what_real_senders_send() {
    let cases = [
        ("/schema_version", json!("1.17")),
        ("/event_id", json!("3D1F6A52-7C1E-4B7A-9D55-0D6C1F3B9A10")),
        ("/timestamp_utc", json!("2026-05-26T10:32:00.123456-04:00")),
        ("/call/duration_seconds", json!(0)),
        ("/call/duration_seconds", json!(142.7)),
        (
            "/call/recording_url",
            json!("http://10.0.0.1:9000/r.mp3?X-Amz-Signature=a%2Fb"),
        ),
        ("/contact/first_name", json!("👩‍🔧 مريم\u{202e}")),
        ("/contact/phone", json!("(305) 555-0182 ext. 12")),
        ("/contact/email", json!(" maria+leads@sub.example.co.uk ")),
        ("/contact/email", json!("józef@żółw.example")),
        (
            "/service_request/preferred_schedule",
            json!("any time after five"),
        ),
        ("/ai_analysis/conversion_intent_score", json!(0)),
        ("/ai_analysis/conversion_intent_score", json!(1.0)),
    ];
    for (pointer, value) in cases {
        assert_eq!(found(with(pointer, value.clone())), [], "{pointer} {value}");
    }
}

#[test]
fn all_faults_come_at_once() {
    let mut payload = example();
    put(&mut payload, "/schema_version", json!("2.0"));
    put(&mut payload, "/event_id", json!("x"));
    put(&mut payload, "/call/call_id", Value::Null);
    put(&mut payload, "/call/duration_seconds", json!(-5));
    put(&mut payload, "/contact/phone", json!("unknown"));
    put(&mut payload, "/contact/email", json!("nobody"));
    put(&mut payload, "/contact/address/city", json!(5));
    put(
        &mut payload,
        "/ai_analysis/conversion_intent_score",
        json!(2),
    );
    put(&mut payload, "/routing/destination_crm", Value::Null);
    put(
        &mut payload,
        "/extra",
        json!({ "a/b~c": ["fine", "nul\0"] }),
    );
    let pointers: Vec<String> = found(payload)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/schema_version",
            "/event_id",
            "/call/call_id",
            "/call/duration_seconds",
            "/contact/phone",
            "/contact/email",
            "/contact/address/city",
            "/ai_analysis/conversion_intent_score",
            "/routing/destination_crm",
            "/extra/a~1b~0c/1",
        ]
    );
}

#[test]
fn a_refusal_names_every_pointer_and_no_value() {
    let mut payload = example();
    let secrets = [
        "tel-0182-secret",
        "mail-secret",
        "url-secret",
        "event-secret",
        "crm-Secret",
    ];
    put(&mut payload, "/contact/phone", json!(secrets[0]));
    put(&mut payload, "/contact/email", json!(secrets[1]));
    put(&mut payload, "/call/recording_url", json!(secrets[2]));
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
    let mut payload = with("/contact/phone", json!("unknown"));
    payload["extra"] = json!(vec!["\0"; 10_000]);
    let found = found(payload);
    assert_eq!(found.len(), MAX_FAULTS);
    assert_eq!(found[0], ("/contact/phone".to_owned(), code::PHONE));
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let text = example()
        .to_string()
        .replacen('{', "{\"event\":\"lead.lost\",", 1);
    assert!(Lead::from_slice(text.as_bytes()).is_ok());
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
        field in 0..REQUIRED.len() + NICETIES.len(),
        value in any_json(),
    ) {
        let pointer = REQUIRED.iter().chain(&NICETIES).nth(field).unwrap();
        for (_, code) in found(with(pointer, value)) {
            prop_assert_ne!(code, code::SHAPE);
        }
    }

    #[test]
    fn no_text_as_phone_makes_it_panic(text in "\\PC{0,80}|[+0-9 ().x;=/#*-]{0,70}|[0-9\u{660}-\u{669}]{0,20}") {
        let payload = with("/contact/phone", json!(text));
        if let Ok(lead) = Lead::from_value(payload) {
            let digits = lead.contact.phone.digits();
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
