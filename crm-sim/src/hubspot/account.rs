//! The account itself: its number, pipelines, owners and properties.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::problem::{bad_request, not_found, problem};
use super::schema::{OWNERS, Property, pipelines, show_owner};
use super::{HubSpot, body, kind_in, ok};
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// The most unique properties of a kind.
const MOST_UNIQUE: usize = 10;

pub(super) fn details(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let portal = crm.with(visit.company, |company| company.portal);
    ok(&json!({
        "portalId": portal, "accountType": "STANDARD", "timeZone": "US/Eastern",
        "companyCurrency": "USD", "additionalCurrencies": [], "utcOffset": "-05:00",
        "utcOffsetMilliseconds": -18_000_000, "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }))
}

pub(super) fn list_pipelines(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let all = pipelines(kind).iter().map(super::schema::Pipeline::show);
    ok(&json!({"results": all.collect::<Vec<_>>()}))
}

/// Those who have left are listed where `archived=true` asks for them, and no others then.
pub(super) fn list_owners(_: &HubSpot, visit: &Visit<'_>) -> Answer {
    let archived = visit.call.parameter("archived") == Some("true");
    let limit = visit
        .call
        .parameter("limit")
        .map_or(Ok(100), str::parse::<usize>);
    let limit = limit.map_err(|_| bad_request("limit must be a number"))?;
    let after = visit
        .call
        .parameter("after")
        .map_or(Ok(0), str::parse::<usize>);
    let after = after.map_err(|_| bad_request("after must be a number"))?;
    let all = OWNERS.into_iter().filter(|(.., gone)| *gone == archived);
    let all: Vec<_> = all.collect();
    let page = all
        .iter()
        .skip(after)
        .take(limit)
        .map(|owner| show_owner(*owner));
    let mut body = json!({"results": page.collect::<Vec<_>>()});
    if after + limit < all.len() {
        body["paging"] = json!({"next": {"after": (after + limit).to_string()}});
    }
    ok(&body)
}

pub(super) fn show_owner_of_id(_: &HubSpot, visit: &Visit<'_>) -> Answer {
    let id = visit.ids.first().copied().unwrap_or_default();
    let mut all = OWNERS.into_iter();
    let owner = all.find(|(known, .., gone)| known.to_string() == id && !gone);
    ok(&show_owner(owner.ok_or_else(not_found)?))
}

pub(super) fn list_properties(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let all: Vec<Value> = crm.with(visit.company, |company| {
        let all = company.properties(kind).iter();
        all.map(Property::show).collect()
    });
    ok(&json!({"results": all}))
}

pub(super) fn show_property(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let name = visit.ids.get(1).copied().unwrap_or_default();
    let shown = crm.with(visit.company, |company| {
        company.property(kind, name).map(Property::show)
    });
    ok(&shown.ok_or_else(not_found)?)
}

/// `hasUniqueValue` can be had at the creation only, for ten properties of a kind.
pub(super) fn create_property(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let body = body(visit.call)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, label) = (text("name"), text("label"));
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) || label.is_empty() {
        return Err(bad_request("a property needs a name and a label"));
    }
    if [text("type"), text("fieldType"), text("groupName")].contains(&"") {
        return Err(bad_request(
            "a property needs type, fieldType and groupName",
        ));
    }
    let is_unique = body.get("hasUniqueValue") == Some(&Value::Bool(true));
    let property = Property::own(name, label, is_unique);
    let shown = property.show();
    crm.with(visit.company, |company| {
        if company.property(kind, name).is_some() {
            let message = format!("A property named '{name}' already exists.");
            return Err(problem(
                StatusCode::CONFLICT,
                "OBJECT_ALREADY_EXISTS",
                &message,
            ));
        }
        let unique = company.properties(kind).iter().filter(|one| one.is_unique);
        if is_unique && unique.count() >= MOST_UNIQUE {
            return Err(bad_request("there are ten unique properties already"));
        }
        company.add_property(kind, property);
        Ok(())
    })?;
    Ok(Reply::json(StatusCode::CREATED, &shown))
}
