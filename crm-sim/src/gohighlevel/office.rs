//! What people at a company do with their records and settings.

use serde::Deserialize;
use serde_json::Value;

use super::books::Company;
use crate::office::deleted;

/// What is changed of a location's settings; the rest stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    allow_duplicate_contact: Option<bool>,
    allow_duplicate_opportunity: Option<bool>,
    names_duplicates: Option<bool>,
    scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    id: String,
    name: String,
}

pub(super) fn happen(company: &mut Company, event: &Value) -> Result<(), String> {
    if let Some(settings) = event.get("settings") {
        return set(company, settings);
    }
    if let Some(rename) = event.get("rename_opportunity") {
        let rename = Rename::deserialize(rename).map_err(|wrong| wrong.to_string())?;
        let renamed = company.rename_opportunity(&rename.id, &rename.name);
        return renamed.ok_or_else(|| "there is no such opportunity".to_owned());
    }
    let id = deleted(event, "delete_contact")?;
    let gone = company.contacts.remove(&id);
    gone.ok_or_else(|| "there is no such contact".to_owned())
}

fn set(company: &mut Company, settings: &Value) -> Result<(), String> {
    let new = NewSettings::deserialize(settings).map_err(|wrong| wrong.to_string())?;
    let settings = &mut company.settings;
    let kept = |new: Option<bool>, now: &mut bool| *now = new.unwrap_or(*now);
    kept(
        new.allow_duplicate_contact,
        &mut settings.allow_duplicate_contact,
    );
    kept(
        new.allow_duplicate_opportunity,
        &mut settings.allow_duplicate_opportunity,
    );
    kept(new.names_duplicates, &mut settings.names_duplicates);
    settings.scopes = new.scopes.or(settings.scopes.take());
    Ok(())
}
