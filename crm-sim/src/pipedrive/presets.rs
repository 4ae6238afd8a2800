//! What every company has from the beginning.

use serde_json::{Value, json};

/// Users: the first is the one behind every credential.
pub(super) const USER: i64 = 901;
pub(super) const OTHER_USER: i64 = 902;

/// A pipeline: its id, its name, and its stages with theirs.
type Pipeline = (i64, &'static str, [(i64, &'static str); 2]);

pub(super) const PIPELINES: [Pipeline; 2] = [
    (1, "Sales", [(11, "New"), (12, "Visit agreed")]),
    (2, "Service", [(21, "New"), (22, "Booked")]),
];

/// Labels of leads.
pub(super) const LABELS: [(&str, &str); 2] = [
    ("5c7e1a3e-2f0b-4b58-9b7a-31d1a5c0a101", "Phone"),
    ("5c7e1a3e-2f0b-4b58-9b7a-31d1a5c0a102", "Hot"),
];

/// Marketing channels.
pub(super) const CHANNELS: [(i64, &str); 2] = [(51, "Paid search"), (52, "Phone")];

/// A text field of the company's own, of persons and of deals.
pub(super) const PERSON_FIELD: &str = "7f3c0e6a9b1d4258e6f0a1b2c3d4e5f607182930";
pub(super) const DEAL_FIELD: &str = "0a1b2c3d4e5f607182930f3c0e6a9b1d4258e6f7";

pub(super) fn users() -> [Value; 2] {
    [
        json!({"id": USER, "name": "Simulated user", "active_flag": true, "is_you": true}),
        json!({"id": OTHER_USER, "name": "Simulated colleague", "active_flag": true, "is_you": false}),
    ]
}

pub(super) fn is_user(id: i64) -> bool {
    [USER, OTHER_USER].contains(&id)
}

pub(super) fn labels() -> [Value; 2] {
    LABELS.map(|(id, name)| json!({"id": id, "name": name, "color": "blue"}))
}

pub(super) fn pipelines() -> Vec<Value> {
    let all = PIPELINES.iter();
    all.map(|(id, name, _)| json!({"id": id, "name": name, "is_deleted": false}))
        .collect()
}

pub(super) fn stages() -> Vec<Value> {
    let all = PIPELINES.iter();
    let of = |(pipeline, _, stages): &Pipeline| {
        let pipeline = *pipeline;
        stages.map(|(id, name)| {
            json!({"id": id, "name": name, "pipeline_id": pipeline, "is_deleted": false})
        })
    };
    all.flat_map(of).collect()
}

/// The pipeline of a stage.
pub(super) fn pipeline_of(stage: i64) -> Option<i64> {
    let mut all = PIPELINES.iter();
    let found = all.find(|(_, _, stages)| stages.iter().any(|(id, _)| *id == stage));
    found.map(|(id, ..)| *id)
}

/// The first stage of a pipeline.
pub(super) fn first_stage(pipeline: i64) -> Option<i64> {
    let mut all = PIPELINES.iter();
    let found = all.find(|(id, ..)| *id == pipeline);
    found.map(|(_, _, stages)| stages[0].0)
}

pub(super) fn person_fields() -> Vec<Value> {
    vec![
        field("name", "Name", "varchar", false),
        field("phone", "Phone", "phone", false),
        field(PERSON_FIELD, "Reference", "varchar", true),
        field(
            "9b1d4258e6f07f3c0e6aa1b2c3d4e5f607182931",
            "Age",
            "double",
            true,
        ),
    ]
}

pub(super) fn deal_fields() -> Vec<Value> {
    let mut channel = field("channel", "Source channel", "enum", false);
    channel["options"] = CHANNELS
        .iter()
        .map(|(id, label)| json!({"id": id, "label": label}))
        .collect();
    let mut status = field("status", "Status", "status", false);
    status["options"] = json!([{"id": "open", "label": "Open"}, {"id": "won", "label": "Won"}]);
    vec![
        field("title", "Title", "varchar", false),
        status,
        channel,
        field(DEAL_FIELD, "Reference", "varchar", true),
    ]
}

fn field(code: &str, name: &str, kind: &str, is_custom: bool) -> Value {
    json!({
        "field_code": code, "field_name": name, "field_type": kind, "is_custom_field": is_custom,
        "options": null,
    })
}
