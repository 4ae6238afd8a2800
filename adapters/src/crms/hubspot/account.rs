//! The account itself: whose it is, what there is to choose from, and whether what was chosen fits.

use std::ops::ControlFlow;

use super::lists::each;
use super::refusal::NOT_THERE;
use super::requests::{account, owner, owners, pipelines, properties_of, property};
use super::wire::{Account, Owner, Pipeline, Pipelines, Property, PropertyList, Stage};
use super::{Kind, filed_as};
use crate::contract::{AccountInfo, Choice};
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::session::Session;
use crate::text::line::line;

/// The account behind the token. What the connection sets is looked up there too: a stage of another
/// pipeline would cost every lead, one by one.
pub(super) async fn check(session: &Session) -> AdapterResult<AccountInfo> {
    let account: Account = session.send(account()).await?;
    check_stage(session).await?;
    check_owner(session).await?;
    check_property(session).await?;
    Ok(AccountInfo {
        id: Some(account.portal_id.to_string()),
        name: format!("HubSpot account {}", account.portal_id),
    })
}

/// Pipelines of leads are read in any case: an account without leads refuses that.
async fn check_stage(session: &Session) -> AdapterResult<()> {
    let settings = session.settings();
    let kind = filed_as(settings);
    let [for_pipeline, for_stage] = names_of(kind);
    let (pipeline, stage) = (settings.text(for_pipeline), settings.text(for_stage));
    if kind == Kind::Deal && pipeline.is_none() && stage.is_none() {
        return Ok(());
    }
    let all = session.send::<Pipelines>(pipelines(kind)).await?.results;
    let (Some(id), stage) = (pipeline, stage) else {
        return match stage {
            None => Ok(()),
            Some(_) => Err(unfit(&format!("{for_stage} is set without {for_pipeline}"))),
        };
    };
    let mut known = all.into_iter().filter(|pipeline| !pipeline.archived);
    let Some(pipeline) = known.find(|pipeline| pipeline.id == id) else {
        let what = format!("the account has no pipeline that is what {for_pipeline} names");
        return Err(unfit(&what));
    };
    let fits = |stage: &str| living(&pipeline).any(|known| known.id == stage);
    match stage {
        Some(stage) if !fits(stage) => Err(unfit(&format!(
            "the stage that {for_stage} names is not one of the pipeline that {for_pipeline} names"
        ))),
        _ => Ok(()),
    }
}

async fn check_owner(session: &Session) -> AdapterResult<()> {
    let Some(id) = session.settings().number("owner") else {
        return Ok(());
    };
    match session.send::<Owner>(owner(id)).await {
        Ok(owner) if owner.archived => Err(unfit("the owner was taken out of the account")),
        Ok(_) => Ok(()),
        Err(error) if error.reason() == NOT_THERE => Err(unfit("the account has no such owner")),
        Err(error) => Err(error),
    }
}

/// Our references must be unique wherever they stand, or a look-up by them proves nothing.
async fn check_property(session: &Session) -> AdapterResult<()> {
    let settings = session.settings();
    let Some(name) = settings.text("ref_property") else {
        return Ok(());
    };
    for kind in [Kind::Contact, filed_as(settings)] {
        let of = kind.name();
        match session.send::<Property>(property(kind, name)).await {
            Ok(known) if known.is_for_references() => {}
            Ok(_) => {
                return Err(unfit(&format!(
                    "ref_property names a property of {of} that is no text of the account's own with \
                     unique values"
                )));
            }
            Err(error) if error.reason() == NOT_THERE => {
                return Err(unfit(&format!(
                    "ref_property names a property that {of} do not have"
                )));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What the account has to choose from for a setting.
pub(super) async fn options(session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
    let kind = match setting {
        "lead_pipeline" | "lead_stage" => Kind::Lead,
        _ => Kind::Deal,
    };
    match setting {
        "pipeline" | "lead_pipeline" => {
            let all = living_pipelines(session, kind).await?;
            let all = all.into_iter();
            Ok(all
                .map(|one| choice(one.id, one.label.as_deref()))
                .collect())
        }
        "stage" | "lead_stage" => stages(session, kind).await,
        "owner" => people(session).await,
        "ref_property" => reference_properties(session).await,
        _ => Ok(Vec::new()),
    }
}

/// Those of the pipeline that is chosen, or of all, each named with its pipeline.
async fn stages(session: &Session, kind: Kind) -> AdapterResult<Vec<Choice>> {
    let [for_pipeline, _] = names_of(kind);
    let chosen = session.settings().text(for_pipeline);
    let mut choices = Vec::new();
    for pipeline in living_pipelines(session, kind).await? {
        if chosen.is_some_and(|id| id != pipeline.id) {
            continue;
        }
        let title = pipeline.label.as_deref().unwrap_or(&pipeline.id);
        for stage in living(&pipeline) {
            let label = stage.label.as_deref().unwrap_or(&stage.id);
            let label = match chosen {
                Some(_) => label.to_owned(),
                None => format!("{title}: {label}"),
            };
            choices.push(choice(stage.id.clone(), Some(&label)));
        }
    }
    Ok(choices)
}

async fn people(session: &Session) -> AdapterResult<Vec<Choice>> {
    let mut choices = Vec::new();
    each(session, owners, |owner: Owner| {
        let name = [owner.first_name.as_deref(), owner.last_name.as_deref()];
        let name: Vec<&str> = name.into_iter().flatten().collect();
        let name = line(Some(&name.join(" ")), 200).or_else(|| line(owner.email.as_deref(), 200));
        if !owner.archived {
            choices.push(choice(owner.id, name.as_deref()));
        }
        ControlFlow::Continue(())
    })
    .await?;
    Ok(choices)
}

async fn reference_properties(session: &Session) -> AdapterResult<Vec<Choice>> {
    let all: PropertyList = session.send(properties_of(Kind::Contact)).await?;
    let fitting = all.results.into_iter().filter(Property::is_for_references);
    Ok(fitting
        .map(|one| choice(one.name, one.label.as_deref()))
        .collect())
}

async fn living_pipelines(session: &Session, kind: Kind) -> AdapterResult<Vec<Pipeline>> {
    let all = session.send::<Pipelines>(pipelines(kind)).await?.results;
    Ok(all.into_iter().filter(|one| !one.archived).collect())
}

fn living(pipeline: &Pipeline) -> impl Iterator<Item = &Stage> {
    pipeline.stages.iter().filter(|stage| !stage.archived)
}

/// The settings of pipeline and stage.
fn names_of(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Lead => ["lead_pipeline", "lead_stage"],
        _ => ["pipeline", "stage"],
    }
}

fn choice(id: String, title: Option<&str>) -> Choice {
    Choice {
        title: line(title, 200).unwrap_or_else(|| id.clone()),
        id,
    }
}

/// No fault of a lead: the connection waits for a person.
fn unfit(what: &str) -> AdapterError {
    let detail = format!("the connection to HubSpot does not fit the account: {what}");
    AdapterError::Setup(Failure::new("setting_invalid", detail))
}
