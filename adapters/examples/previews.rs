//! What filing 50 varied leads would send, by every plan of every CRM, a JSON object a line.
//! `.ci/check-specs` holds it against the vendors' own API files.

use std::io::{self, Write};

use leadrail_adapters::{
    Adapters, CrmAdapter, CrmInfo, Links, PlannedRequest, Required, SettingInfo, SettingKind,
    Settings, Target, preview,
};
use leadrail_lead::Lead;
use leadrail_lead::sample::sample_lead;
use serde_json::{Map, Value, json};

/// How many leads there are.
const LEADS: u64 = 50;
/// The ids of what a connection chooses and of a customer who is known. CRMs whose ids are no
/// numbers take it too.
const ID: u64 = 4711;
/// In turn with the leads as they are; a number that shares no factor with how samples repeat.
const EDITS: [fn(&mut Value); 11] = [
    |_| (),
    |lead| lead["contact"]["email"] = Value::Null,
    |lead| lead["contact"]["address"] = Value::Null,
    |lead| lead["contact"]["address"] = json!({ "city": "Miami", "zip": "33136" }),
    |lead| lead["contact"]["phone"] = json!("+442071838750"),
    |lead| lead["service_request"]["issue_description"] = json!("No heat. ".repeat(1_500)),
    |lead| {
        lead["contact"]["first_name"] = json!("👩‍🔧 Z\u{331}o\u{308}e");
        lead["contact"]["address"]["street"] = json!("Straße \u{202e}9 ½");
    },
    |lead| {
        lead["contact"]["last_name"] = json!("<b>O'Brien</b> & \"Sons\"");
        lead["service_request"]["issue_description"] = json!("<script>alert(1)</script>\n& </p>");
    },
    |lead| {
        lead["contact"]["first_name"] = Value::Null;
        lead["contact"]["last_name"] = Value::Null;
        lead["service_request"]["preferred_schedule"] = json!("2026-11-30T08:00:00-05:00");
    },
    |lead| {
        lead["contact"] = json!({ "phone": "+4930901820", "email": null });
        lead["service_request"]["urgency"] = json!("emergency");
    },
    |lead| {
        lead["routing"]["assigned_to"] = json!("emp_1");
        lead["service_request"]["is_existing_customer"] = json!(true);
        lead["service_request"]["preferred_schedule"] = json!("2026-12-01T09:30:00Z");
    },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    for adapter in Adapters::all().iter() {
        for mode in modes(adapter.crm()) {
            for every in [false, true] {
                let settings = settings(adapter.crm(), mode, every)?;
                let target = Target::new(adapter.crm())?.with_settings(settings);
                print(&mut out, adapter, &target)?;
            }
        }
    }
    Ok(())
}

fn print(
    out: &mut impl Write,
    adapter: &dyn CrmAdapter,
    target: &Target,
) -> Result<(), Box<dyn std::error::Error>> {
    let known = ID.to_string();
    for n in 0..LEADS {
        let lead = lead(n, adapter.crm().name)?;
        for (links, customer) in [(Links::WORDS, None), (Links::NONE, Some(known.as_str()))] {
            for request in preview(adapter, target, &lead, links, customer) {
                let plan = adapter.plan(target.settings()).name;
                writeln!(out, "{}", told(adapter.crm().name, plan, n, &request))?;
            }
        }
    }
    Ok(())
}

fn told(crm: &str, plan: &str, lead: u64, request: &PlannedRequest) -> Value {
    json!({ "crm": crm, "plan": plan, "lead": lead, "request": request })
}

fn lead(n: u64, crm: &str) -> Result<Lead, Box<dyn std::error::Error>> {
    let mut payload = sample_lead(n, "acme", crm);
    let edits = u64::try_from(EDITS.len())?;
    EDITS[usize::try_from(n % edits)?](&mut payload);
    Lead::from_value(payload).map_err(|faults| format!("lead {n}: {faults}").into())
}

/// What a connection can choose between; one choice that is none where there is nothing to choose.
fn modes(crm: &CrmInfo) -> Vec<Option<&'static str>> {
    let mode = crm.settings.iter().find(|info| info.name == "mode");
    match mode.map(|info| &info.kind) {
        Some(SettingKind::Choice(modes)) => modes.iter().copied().map(Some).collect(),
        _ => vec![None],
    }
}

/// Every setting there is, or those that the mode cannot do without.
fn settings(
    crm: &CrmInfo,
    mode: Option<&str>,
    every: bool,
) -> Result<Settings, Box<dyn std::error::Error>> {
    let needed = |info: &&SettingInfo| match info.required {
        Required::Always => true,
        Required::Never => false,
        Required::When(_, value) => mode == Some(value),
        Required::Unless(_, value) => mode != Some(value),
    };
    let chosen = crm.settings.iter().filter(|info| every || needed(info));
    let mut given: Map<String, Value> = chosen
        .map(|info| (info.name.to_owned(), value(info)))
        .collect();
    if let Some(mode) = mode {
        given.insert("mode".to_owned(), mode.into());
    }
    Ok(Settings::check(crm, &given)?)
}

fn value(info: &SettingInfo) -> Value {
    match info.kind {
        SettingKind::Choice(names) => names[0].into(),
        SettingKind::Switch => true.into(),
        SettingKind::Number { .. } => ID.into(),
        SettingKind::Id { .. } => ID.to_string().into(),
        SettingKind::Text(max) => "Angie's".chars().take(max).collect::<String>().into(),
    }
}
