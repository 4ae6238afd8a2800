//! Whose location it is, what it has to choose from, and whether what is set is among that.

use super::requests::{
    custom_fields, location, location_id, makes_opportunities, pipelines, users,
};
use super::set;
use super::wire::{CustomField, CustomFields, Entry, FoundLocation, Pipeline, Pipelines, Users};
use crate::contract::{AccountInfo, Choice};
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::session::Session;
use crate::text::line::line;

/// The kinds of custom fields that take any text.
const TEXTS: [&str; 2] = ["TEXT", "LARGE_TEXT"];

/// The settings that name a custom field, and of what.
const FIELDS: [(&str, &str); 2] = [
    ("contact_field", "contact"),
    ("opportunity_field", "opportunity"),
];

/// Opens the location, then compares the settings with what it has.
pub(super) async fn check(session: &Session) -> AdapterResult<AccountInfo> {
    let settings = session.settings();
    set(settings, "location_id")?;
    let found = session.send::<FoundLocation>(location(settings)).await;
    let found = found.map_err(unknown_location)?.location;
    check_settings(session).await?;
    let id = location_id(settings);
    let name = line(found.name.as_deref(), 200);
    Ok(AccountInfo {
        id: Some(id.to_owned()),
        name: name.unwrap_or_else(|| format!("location {id}")),
    })
}

/// Whether each setting names something that is there. A preset that was deleted would refuse every lead.
async fn check_settings(session: &Session) -> AdapterResult<()> {
    let settings = session.settings();
    if makes_opportunities(settings) {
        check_pipeline(session).await?;
    }
    if let Some(owner) = settings.text("owner") {
        let users = users_of(session).await?;
        among(
            &users,
            owner,
            "the setting owner names no user of the location",
        )?;
    }
    for (setting, model) in FIELDS {
        if let Some(field) = settings.text(setting)
            && (model == "contact" || makes_opportunities(settings))
        {
            let fields = fields_of(session, model).await?;
            let detail =
                format!("the setting {setting} names no text field that the location has for it");
            among(&fields, field, &detail)?;
        }
    }
    Ok(())
}

/// Whether the stage is one of the pipeline's, and the pipeline one of the location's.
async fn check_pipeline(session: &Session) -> AdapterResult<()> {
    let settings = session.settings();
    let Some(chosen) = settings.text("pipeline") else {
        return Ok(());
    };
    let all = pipelines_of(session).await?;
    let pipeline = all.into_iter().find(|pipeline| pipeline.entry.id == chosen);
    let Some(pipeline) = pipeline else {
        return Err(invalid(
            "the setting pipeline names no pipeline of the location",
        ));
    };
    let stages = pipeline.stages;
    match settings.text("stage") {
        Some(stage) if stages.iter().all(|known| known.id != stage) => Err(invalid(
            "the setting stage names no stage of the pipeline that is set: choose one of the pipeline's own",
        )),
        _ => Ok(()),
    }
}

fn among(known: &[Choice], id: &str, otherwise: &str) -> AdapterResult<()> {
    let is_there = known.iter().any(|choice| choice.id == id);
    is_there.then_some(()).ok_or_else(|| invalid(otherwise))
}

fn invalid(detail: &str) -> AdapterError {
    AdapterError::Setup(Failure::new("setting_invalid", detail))
}

/// What the location has to choose from for a setting.
pub(super) async fn options(session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
    let model = FIELDS.iter().find(|(name, _)| *name == setting);
    if let Some((_, model)) = model {
        return fields_of(session, model).await;
    }
    match setting {
        "pipeline" => {
            let all = pipelines_of(session).await?.into_iter();
            Ok(all.map(|pipeline| choice(pipeline.entry)).collect())
        }
        "stage" => stages_of(session).await,
        "owner" => users_of(session).await,
        _ => Ok(Vec::new()),
    }
}

async fn pipelines_of(session: &Session) -> AdapterResult<Vec<Pipeline>> {
    set(session.settings(), "location_id")?;
    let found = session.send::<Pipelines>(pipelines(session.settings()));
    Ok(found.await?.pipelines)
}

/// The stages of the pipeline that is set; of all, with the pipeline's name before them, if none is.
async fn stages_of(session: &Session) -> AdapterResult<Vec<Choice>> {
    let chosen = session.settings().text("pipeline");
    let mut stages = Vec::new();
    for Pipeline { entry, stages: own } in pipelines_of(session).await? {
        let pipeline = choice(entry);
        if chosen.is_some_and(|chosen| chosen != pipeline.id) {
            continue;
        }
        stages.extend(own.into_iter().map(|stage| {
            let stage = choice(stage);
            let title = match chosen {
                Some(_) => stage.title,
                None => format!("{}: {}", pipeline.title, stage.title),
            };
            Choice { title, ..stage }
        }));
    }
    Ok(stages)
}

async fn users_of(session: &Session) -> AdapterResult<Vec<Choice>> {
    set(session.settings(), "location_id")?;
    let found = session.send::<Users>(users(session.settings())).await?;
    let there = found.users.into_iter();
    let there = there.filter(|user| user.deleted != Some(true));
    Ok(there.map(|user| choice(user.entry)).collect())
}

async fn fields_of(session: &Session, model: &str) -> AdapterResult<Vec<Choice>> {
    set(session.settings(), "location_id")?;
    let found = session.send::<CustomFields>(custom_fields(session.settings(), model));
    let fits = |field: &CustomField| {
        let kind = field.data_type.as_deref();
        let whose = field.model.as_deref();
        kind.is_some_and(|kind| TEXTS.contains(&kind)) && whose.is_none_or(|whose| whose == model)
    };
    let fields = found.await?.custom_fields.into_iter().filter(fits);
    Ok(fields.map(|field| choice(field.entry)).collect())
}

fn choice(entry: Entry) -> Choice {
    let title = line(entry.name.as_deref(), 200);
    Choice {
        title: title.unwrap_or_else(|| entry.id.clone()),
        id: entry.id,
    }
}

/// The check names no lead: a location that is not there is the connection's fault.
fn unknown_location(error: AdapterError) -> AdapterError {
    match error.status() {
        Some(status @ (400 | 404 | 422)) => {
            let detail =
                "GoHighLevel does not know the location that the setting location_id names";
            let failure = Failure::new("setting_invalid", format!("{detail} (HTTP {status})"));
            AdapterError::Setup(failure.with_status(status))
        }
        _ => error,
    }
}
