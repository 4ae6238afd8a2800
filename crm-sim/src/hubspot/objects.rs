//! `/crm/objects/2026-03/{object}`: creating, reading one, reading many.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::books::Draft;
use super::problem::{Fault, bad_request, invalid, not_found, part};
use super::schema::{ASSOCIATIONS, Kind};
use super::{HubSpot, body, kind_in, only, texts};
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// The most records of one batch.
const MOST: usize = 100;

pub(super) fn create(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let mut body = body(visit.call)?;
    let properties = values(kind, body.remove("properties"))?;
    let associations = associations(kind, body.remove("associations"))?;
    body.remove("objectWriteTraceId");
    only(&body)?;
    let draft = Draft {
        properties,
        associations,
    };
    let shown = crm.with(visit.company, |company| {
        let portal = company.portal;
        let made = company.create(kind, draft)?;
        Ok::<_, Reply>(made.show_whole(kind, portal))
    })?;
    Ok(Reply::json(StatusCode::CREATED, &shown))
}

/// By id, or by the value of the unique property that `idProperty` names.
pub(super) fn show(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let by = visit.call.parameter("idProperty");
    let asked = visit.call.parameter("properties").unwrap_or_default();
    let asked: Vec<String> = asked
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let value = decoded(visit.ids.get(1).copied().unwrap_or_default());
    crm.with(visit.company, |company| {
        if let Some(by) = by {
            must_identify(company, kind, by)?;
        }
        let found = company.find(kind, by, &value).ok_or_else(not_found)?;
        Ok(Reply::json(
            StatusCode::OK,
            &found.show(kind, company.portal, &asked),
        ))
    })
}

/// 200, or 207 where some are not there.
pub(super) fn read_batch(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let mut body = body(visit.call)?;
    let asked = texts(body.remove("properties"))?;
    let by = match body.remove("idProperty") {
        None | Some(Value::Null) => None,
        Some(Value::String(by)) => Some(by),
        Some(_) => return Err(bad_request("idProperty must be a string")),
    };
    let inputs = body.remove("inputs");
    body.remove("propertiesWithHistory");
    only(&body)?;
    let ids = ids(inputs)?;
    crm.with(visit.company, |company| {
        if let Some(by) = &by {
            must_identify(company, kind, by)?;
        }
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for id in ids {
            match company.find(kind, by.as_deref(), &id) {
                Some(found) => results.push(found.show(kind, company.portal, &asked)),
                None => missing.push(id),
            }
        }
        let mut errors = Vec::new();
        if !missing.is_empty() {
            let kind = kind.upper();
            let message =
                format!("Could not get some {kind} objects, they may be deleted or not exist.");
            errors.push(part("OBJECT_NOT_FOUND", "", &message, &missing));
        }
        Ok(batch(&results, &errors))
    })
}

/// The answer to a batch: 207 as soon as one part has failed.
pub(super) fn batch(results: &[Value], errors: &[Value]) -> Reply {
    let mut body = json!({"status": "COMPLETE", "results": results});
    if errors.is_empty() {
        return Reply::json(StatusCode::OK, &body);
    }
    body["numErrors"] = json!(errors.len());
    body["errors"] = json!(errors);
    Reply::json(StatusCode::MULTI_STATUS, &body)
}

/// `[{"id": "1"}]`.
fn ids(inputs: Option<Value>) -> Result<Vec<String>, Reply> {
    let Some(Value::Array(inputs)) = inputs else {
        return Err(bad_request("inputs must be an array"));
    };
    if inputs.is_empty() || inputs.len() > MOST {
        return Err(bad_request("inputs must hold 1 to 100 objects"));
    }
    let ids = inputs
        .iter()
        .map(|input| input["id"].as_str().map(str::to_owned));
    ids.collect::<Option<_>>()
        .ok_or_else(|| bad_request("an input must have an id"))
}

fn must_identify(company: &super::books::Company, kind: Kind, by: &str) -> Result<(), Reply> {
    let known = company.property(kind, by);
    let is_unique = known.is_some_and(|known| known.is_unique);
    let is_usual = by == "hs_object_id" || by == "email" && kind == Kind::Contact;
    match (known, is_unique || is_usual) {
        (_, true) => Ok(()),
        (None, _) => {
            let message = format!("Property \"{by}\" does not exist");
            Err(invalid(&[Fault::new(by, "PROPERTY_DOESNT_EXIST", message)]))
        }
        (Some(_), false) => Err(bad_request(&format!("{by} is not a unique property"))),
    }
}

/// Values are texts; null and nothing are left out.
fn values(kind: Kind, given: Option<Value>) -> Result<BTreeMap<String, String>, Reply> {
    let Some(Value::Object(given)) = given else {
        return Err(bad_request("properties must be an object"));
    };
    let mut values = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, value) in given {
        match value {
            Value::String(value) if value.is_empty() => {}
            Value::String(value) => drop(values.insert(name, value)),
            Value::Null => {}
            _ => {
                let message = format!("{name} of {} must be a string", kind.name());
                faults.push(Fault::new(&name, "INVALID_VALUE", message));
            }
        }
    }
    match faults.is_empty() {
        true => Ok(values),
        false => Err(invalid(&faults)),
    }
}

/// Each names one record and one kind of association that there is. A lead needs a contact.
fn associations(kind: Kind, given: Option<Value>) -> Result<Vec<(Kind, String)>, Reply> {
    let given = match given {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(bad_request("associations must be an array")),
    };
    let mut read = Vec::new();
    for one in &given {
        let id = one["to"]["id"].as_str();
        let id = id.ok_or_else(|| bad_request("an association must have to.id"))?;
        let types = one["types"].as_array().filter(|types| !types.is_empty());
        let types = types.ok_or_else(|| bad_request("an association must have types"))?;
        for spec in types {
            let number = spec["associationTypeId"].as_i64();
            let is_own = spec["associationCategory"] == "HUBSPOT_DEFINED";
            let known = ASSOCIATIONS
                .iter()
                .find(|(from, _, known)| *from == kind && is_own && number == Some(*known));
            let Some((_, to, _)) = known else {
                return Err(bad_request(&format!(
                    "{spec} is not a valid association type from {}",
                    kind.name()
                )));
            };
            read.push((*to, id.to_owned()));
        }
    }
    if kind == Kind::Lead && !read.iter().any(|(to, _)| *to == Kind::Contact) {
        return Err(bad_request("A lead must be associated with a contact"));
    }
    Ok(read)
}

/// A path segment with its escapes read.
fn decoded(segment: &str) -> String {
    let pairs = format!("x={}", segment.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pairs.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The faults of a body that names no property.
pub(super) fn nonsense(names: &Map<String, Value>) -> Reply {
    let names: Vec<&str> = names.keys().map(String::as_str).collect();
    bad_request(&format!(
        "Invalid input JSON: unknown fields {}",
        names.join(", ")
    ))
}
