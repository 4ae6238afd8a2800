//! What a connection wizard asks for: units, types, campaigns, tags, reasons, booking providers.

use serde_json::{Value, json};

use super::listing::Listing;
use super::presets::{
    BUSINESS_UNITS, CALL_REASONS, CAMPAIGNS, JOB_TYPES, Preset, TAG_TYPES, units_of,
};
use super::problem::{check, conflict, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::routes::{Answer, Visit};

pub(super) fn business_units(_: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    presets(visit, BUSINESS_UNITS, |row, preset| {
        row["officialName"] = json!(preset.name);
        row["externalData"] = json!([]);
    })
}

/// A job type names the business units that do it.
pub(super) fn job_types(_: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    presets(visit, JOB_TYPES, |row, preset| {
        row["businessUnitIds"] = json!(units_of(preset.id));
        row["priority"] = json!("Normal");
        row["duration"] = json!(3600);
        row["skills"] = json!([]);
        row["tagTypeIds"] = json!([]);
        row["class"] = json!("Service");
        row["summary"] = json!("");
        row["noCharge"] = json!(false);
        row["externalData"] = json!([]);
    })
}

/// The document of campaigns has no creation time.
pub(super) fn campaigns(_: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    presets(visit, CAMPAIGNS, |row, _| {
        row["category"] = Value::Null;
        row["createdOn"].take();
    })
}

pub(super) fn tag_types(_: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    presets(visit, TAG_TYPES, |row, preset| {
        row["color"] = json!("#00bb66");
        row["code"] = json!(preset.id.to_string());
    })
}

pub(super) fn call_reasons(_: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    presets(visit, CALL_REASONS, |row, _| row["isLead"] = json!(true))
}

pub(super) fn provider_tags(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let name = visit.call.parameter("name");
    let slice = crm.with(visit.company, |company| {
        let mut found = company.provider_tags.all();
        found.retain(|tag| name.is_none_or(|name| tag.text("tagName") == Some(name)));
        listing.cut(found)
    });
    ok(&listing.show(&slice))
}

pub(super) fn provider_tag(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let id = path_id(visit, 1)?;
    let tag = crm.with(visit.company, |company| {
        company.provider_tags.records.get(&id).cloned()
    });
    ok(&show(
        &*tag.ok_or_else(|| not_found("The booking provider tag"))?,
    ))
}

/// 409 if the name is taken.
pub(super) fn add_provider_tag(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let mut form = read(visit.call)?;
    let name = form.required_text("tagName");
    let description = form.required_text("description");
    check(form)?;
    let fields = json!({"tagName": name, "description": description, "type": "V2Api"});
    let tag = crm.with(visit.company, |company| {
        let mut known = company.provider_tags.all().into_iter();
        if known.any(|tag| tag.text("tagName") == Some(name.as_str())) {
            return None;
        }
        let tag = company.record(Draft::of(fields).active());
        company.provider_tags.add(tag.clone(), None);
        Some(tag)
    });
    ok(&show(&*tag.ok_or_else(|| {
        conflict("A booking provider tag of that name exists.")
    })?))
}

fn show(tag: &Record) -> Value {
    tag.show(None)
}

fn presets(visit: &Visit<'_>, presets: &[Preset], more: impl Fn(&mut Value, &Preset)) -> Answer {
    let listing = Listing::read(visit.call)?;
    let row = |preset: &Preset| {
        let mut row = preset.show();
        more(&mut row, preset);
        row
    };
    ok(&listing.of_presets(presets.iter().map(row).collect()))
}
