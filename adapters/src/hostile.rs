//! What nobody should say, for the tests of every mapping.

use leadrail_lead::Lead;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::CrmInfo;
use crate::scripted_crm::lead_with;

/// Text as nobody should send it: controls, joiners, overrides, stacked accents, emoji, markup, templates,
/// and long.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,40}",
        "[\u{0}-\u{1f}\u{202e}\u{200d}\u{feff}\u{300}\u{1f469}\u{1f527}é<>@.]{0,400}",
        "[a\u{301}]{0,900}",
        "[<>&\"']{0,5000}",
        Just("\"".repeat(12_000)),
        Just("👩‍🔧".repeat(400)),
        Just(
            "</p><script>alert('x')</script>\"'&lt;\\{access_token}{api_key}{api_token}".to_owned()
        ),
        Just("\"}) { account { id } } # \\{access_token}".to_owned()),
    ]
}

/// A lead in which everything that a caller says is hostile; with a number from here, from abroad, or
/// without one, and with a street or not.
pub(crate) fn hostile_lead() -> impl Strategy<Value = Lead> {
    let phone = prop_oneof![
        Just(json!("+13055550182")),
        Just(json!("+442079460958")),
        Just(Value::Null),
    ];
    (vec(hostile(), 17), phone, any::<bool>(), any::<f64>())
        .prop_map(|(said, phone, has_street, score)| saying(said, phone, has_street, score))
}

fn saying(said: Vec<String>, phone: Value, has_street: bool, score: f64) -> Lead {
    let mut lead = lead_with(|payload| payload["contact"]["phone"] = phone);
    let mut said = said.into_iter();
    let mut text = || said.next();
    lead.contact.first_name = text();
    lead.contact.last_name = text();
    lead.contact.email = text();
    let address = lead.contact.address.get_or_insert_default();
    address.street = text().filter(|_| has_street);
    address.city = text();
    address.state = text();
    address.zip = text();
    address.country = text();
    lead.call.call_id = text().unwrap_or_default();
    lead.call.recording_url = text();
    lead.call.transcript_summary = text();
    lead.service_request.service_type = text();
    lead.service_request.sub_type = text();
    lead.service_request.issue_description = text();
    lead.service_request.preferred_schedule = text();
    lead.routing.assigned_to = text();
    lead.ai_analysis.conversion_intent_score = Some(score);
    let answer = text().unwrap_or_default();
    let answers = [(answer.clone(), json!({ "nested": [answer] }))];
    lead.ai_analysis.qualifier_answers = Some(answers.into_iter().collect());
    lead
}

/// Any JSON, nested and named like the answers that adapters look into: patterns of the names, and of the texts
/// that an adapter knows, if it knows any.
pub(crate) fn any_json(names: &'static str, texts: &'static str) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u16>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(names, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Every text in some JSON values, with the name of its field.
pub(crate) fn texts_in<'v>(values: &[&'v Value]) -> Vec<(&'v str, &'v str)> {
    let mut found = Vec::new();
    values.iter().for_each(|value| texts("", value, &mut found));
    found
}

fn texts<'v>(name: &'v str, value: &'v Value, found: &mut Vec<(&'v str, &'v str)>) {
    match value {
        Value::String(text) => found.push((name, text)),
        Value::Array(items) => items.iter().for_each(|item| texts(name, item, found)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, item)| texts(name, item, found)),
        _ => {}
    }
}

/// The limit of a field of that name in whatever it stands; `otherwise` where there is none.
pub(crate) fn limit_of(crm: &CrmInfo, field: &str, otherwise: usize) -> usize {
    let known = crm
        .limits
        .iter()
        .find(|limit| limit.field.ends_with(&format!(".{field}")));
    known.map_or(otherwise, |limit| limit.max_chars)
}
