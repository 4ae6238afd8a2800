//! What an account has to choose from, for the settings that name one of its things.

use std::ops::ControlFlow;

use super::lists::each;
use super::requests::entries;
use super::wire::{Entry, Field, FieldOption, Label, Listed};
use crate::contract::Choice;
use crate::http::cut::FEW;
use crate::http::error::AdapterResult;
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::text::line::line;

/// What there is for this setting; nothing for one that names nothing of the account's.
pub(super) async fn of(session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
    let Some(list) = entries(session.settings(), setting) else {
        return Ok(Vec::new());
    };
    match setting {
        "lead_label" => {
            let labels: Listed<Label> = session.send(list).await?;
            let labels = labels.into_parts().0.into_iter();
            Ok(labels
                .map(|label| choice(label.id, label.name.as_deref()))
                .collect())
        }
        "channel" => channels(session, list).await,
        "person_field" | "deal_field" => text_fields(session, list).await,
        _ => entries_of(session, list).await,
    }
}

fn choice(id: String, title: Option<&str>) -> Choice {
    let title = line(title, 200);
    Choice {
        title: title.unwrap_or_else(|| id.clone()),
        id,
    }
}

/// Users, pipelines or stages that are in use. Users come in one piece, and say nothing of pages.
async fn entries_of(session: &Session, list: CrmRequest) -> AdapterResult<Vec<Choice>> {
    let mut choices = Vec::new();
    let mut take = |entry: Entry| {
        if entry.active_flag != Some(false) && entry.is_deleted != Some(true) {
            choices.push(choice(entry.id, entry.name.as_deref()));
        }
    };
    if list.segments().last().is_some_and(|list| list == "users") {
        let users: Listed<Entry> = session.send(list).await?;
        users.into_parts().0.into_iter().for_each(take);
    } else {
        each(session, (list, FEW), |entry| {
            take(entry);
            ControlFlow::Continue(())
        })
        .await?;
    }
    Ok(choices)
}

/// The values of the deal field `channel`, which leads have too.
async fn channels(session: &Session, list: CrmRequest) -> AdapterResult<Vec<Choice>> {
    let fields = fields(session, list).await?;
    let channel = fields
        .into_iter()
        .find(|field| field.field_code == "channel");
    let options = channel.and_then(|field| field.options).unwrap_or_default();
    let number = |option: FieldOption| {
        let id = option.id.as_u64().filter(|id| *id > 0)?;
        Some(choice(id.to_string(), option.label.as_deref()))
    };
    Ok(options.into_iter().filter_map(number).collect())
}

/// The company's own fields that hold a line of text. Their keys are hashes, by which v1 tells them.
async fn text_fields(session: &Session, list: CrmRequest) -> AdapterResult<Vec<Choice>> {
    let holds_text = |field: &Field| {
        let kind = field.field_type.as_deref().unwrap_or_default();
        let is_hash = field.field_code.len() == 40;
        field.is_custom_field.unwrap_or(is_hash)
            && ["varchar", "varchar_auto", "text"].contains(&kind)
    };
    let fields = fields(session, list).await?.into_iter().filter(holds_text);
    Ok(fields
        .map(|field| choice(field.field_code, field.field_name.as_deref()))
        .collect())
}

async fn fields(session: &Session, list: CrmRequest) -> AdapterResult<Vec<Field>> {
    let mut fields = Vec::new();
    each(session, (list, FEW), |field| {
        fields.push(field);
        ControlFlow::Continue(())
    })
    .await?;
    Ok(fields)
}
