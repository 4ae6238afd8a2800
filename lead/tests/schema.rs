//! The published schema says what the validator does.

use leadrail_lead::{Lead, example, schema};
use serde_json::{Map, Value, json};

/// Follows `$ref` and the first branch that is not null.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolve(root, root.pointer(&reference[1..]).unwrap());
    }
    match schema["anyOf"].as_array() {
        Some(branches) => {
            let branch = branches
                .iter()
                .find(|branch| branch["type"] != "null")
                .unwrap();
            resolve(root, branch)
        }
        None => schema,
    }
}

fn takes_null(schema: &Value) -> bool {
    let in_types = schema["type"]
        .as_array()
        .is_some_and(|types| types.contains(&json!("null")));
    let branches = schema["anyOf"].as_array().into_iter().flatten();
    in_types || branches.into_iter().any(|branch| branch["type"] == "null")
}

/// Visits every property of every object: its pointer, its schema, whether it is required.
fn visit(root: &Value, schema: &Value, at: &str, found: &mut Vec<(String, Value, bool)>) {
    let schema = resolve(root, schema);
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.contains(&json!(name)))
    };
    for (name, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let at = format!("{at}/{name}");
        found.push((at.clone(), property.clone(), required(name)));
        visit(root, property, &at, found);
    }
}

fn properties() -> Vec<(String, Value, bool)> {
    let root = schema();
    let mut found = Vec::new();
    visit(&root, &root, "", &mut found);
    found
}

fn change(pointer: &str, value: Option<Value>) -> Value {
    let mut payload = example();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = payload
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    match value {
        Some(value) => drop(parent.insert(key.to_owned(), value)),
        None => drop(parent.remove(key)),
    }
    payload
}

#[test]
fn required_in_the_schema_is_required_by_the_validator() {
    for (pointer, _, required) in properties() {
        // The schema makes these two depend on the event; the next test looks at them.
        if ["/routing", "/routing/destination_crm"].contains(&pointer.as_str()) {
            continue;
        }
        let taken = Lead::from_value(change(&pointer, None)).is_ok();
        assert_eq!(taken, !required, "{pointer}");
    }
}

#[test]
fn a_destination_is_required_for_a_qualified_lead_only() {
    let schema = schema();
    assert_eq!(
        schema["if"]["properties"]["event"]["const"],
        "lead.qualified"
    );
    assert_eq!(schema["then"]["required"], json!(["routing"]));
    assert_eq!(
        schema["then"]["properties"]["routing"]["required"],
        json!(["destination_crm"])
    );
    for pointer in ["/routing", "/routing/destination_crm"] {
        let mut payload = change(pointer, None);
        assert!(Lead::from_value(payload.clone()).is_err(), "{pointer}");
        payload["event"] = json!("lead.unqualified");
        assert!(Lead::from_value(payload).is_ok(), "{pointer}");
    }
}

#[test]
fn null_is_taken_where_the_schema_allows_it() {
    for (pointer, property, required) in properties() {
        assert_eq!(takes_null(&property), !required, "{pointer} in the schema");
        let by_event = ["/routing", "/routing/destination_crm"].contains(&pointer.as_str());
        let taken = Lead::from_value(change(&pointer, Some(Value::Null))).is_ok();
        assert_eq!(taken, !required && !by_event, "{pointer} in the validator");
    }
}

#[test]
fn the_example_is_a_lead_with_every_property_of_the_schema() {
    assert!(Lead::from_value(example()).is_ok());
    for (pointer, _, _) in properties() {
        assert!(example().pointer(&pointer).is_some(), "{pointer}");
    }
}

#[test]
fn every_property_is_described_and_every_object_may_grow() {
    let root = schema();
    assert_eq!(
        root["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for (pointer, property, _) in properties() {
        let described = property["description"].is_string()
            || resolve(&root, &property)["description"].is_string();
        assert!(described, "{pointer}");
        let object = resolve(&root, &property);
        assert_ne!(object["additionalProperties"], json!(false), "{pointer}");
        let closed = !object["enum"].is_null() || !object["oneOf"].is_null();
        assert_eq!(closed, pointer == "/event", "{pointer}");
    }
}
