//! `POST /crm/objects/2026-03/{object}/search`, which lags behind what was written.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::books::{Company, Record};
use super::problem::{Fault, bad_request, invalid};
use super::schema::Kind;
use super::{HubSpot, body, kind_in, only, texts};
use crate::call::Call;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// What a search may be made of.
const MOST_GROUPS: usize = 5;
const MOST_FILTERS: usize = 6;
const MOST_RESULTS: usize = 200;
const MOST_IN_ALL: usize = 10_000;

/// One search as it was asked.
struct Question {
    groups: Vec<Vec<Filter>>,
    asked: Vec<String>,
    sort: Option<(String, bool)>,
    limit: usize,
    after: usize,
}

struct Filter {
    property: String,
    test: Test,
}

enum Test {
    Equal(String),
    Among(Vec<String>),
    Present,
}

pub(super) fn search(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let kind = kind_in(crm, visit, 0)?;
    let question = Question::read(visit.call)?;
    crm.with(visit.company, |company| {
        question.check(company, kind)?;
        let all = question.found(company, kind, visit.call);
        let shown = all.iter().skip(question.after).take(question.limit);
        let shown: Vec<Value> = shown
            .map(|record| record.show(kind, company.portal, &question.asked))
            .collect();
        let next = question.after + shown.len();
        let mut body = json!({"total": all.len(), "results": shown});
        if next < all.len() {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Reply::json(StatusCode::OK, &body))
    })
}

impl Question {
    fn read(call: &Call) -> Result<Self, Reply> {
        let mut body = body(call)?;
        let groups = match body.remove("filterGroups") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(groups)) => groups,
            Some(_) => return Err(bad_request("filterGroups must be an array")),
        };
        let groups: Result<Vec<_>, Reply> = groups.iter().map(group).collect();
        let groups = groups?;
        if groups.len() > MOST_GROUPS || groups.iter().any(|group| group.len() > MOST_FILTERS) {
            return Err(bad_request("there are too many filters"));
        }
        let asked = texts(body.remove("properties"))?;
        let sort = body.remove("sorts").and_then(|sorts| {
            let property = sorts[0]["propertyName"].as_str()?.to_owned();
            Some((property, sorts[0]["direction"] == "DESCENDING"))
        });
        let limit = body
            .remove("limit")
            .map_or(Some(10), |limit| limit.as_u64());
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.filter(|limit| (1..=MOST_RESULTS).contains(limit));
        let limit = limit.ok_or_else(|| bad_request("limit must be 1 to 200"))?;
        let after = match body.remove("after") {
            None => Some(0),
            Some(Value::String(after)) => after.parse().ok(),
            Some(other) => other.as_u64().and_then(|after| usize::try_from(after).ok()),
        };
        let after = after.filter(|after| after + limit <= MOST_IN_ALL);
        let after = after.ok_or_else(|| bad_request("after goes too far"))?;
        only(&body)?;
        Ok(Self {
            groups,
            asked,
            sort,
            limit,
            after,
        })
    }

    fn check(&self, company: &Company, kind: Kind) -> Result<(), Reply> {
        let filters = self.groups.iter().flatten();
        let unknown = filters
            .map(|filter| filter.property.as_str())
            .find(|name| company.property(kind, name).is_none());
        match unknown {
            None => Ok(()),
            Some(name) => {
                let message = format!("Property \"{name}\" does not exist");
                Err(invalid(&[Fault::new(
                    name,
                    "PROPERTY_DOESNT_EXIST",
                    message,
                )]))
            }
        }
    }

    /// No groups find everybody, as no text does elsewhere.
    fn found(&self, company: &Company, kind: Kind, call: &Call) -> Vec<Arc<Record>> {
        let shelf = company.shelf(kind);
        let living = |record: &&Arc<Record>| shelf.get(&record.id).is_some();
        let all = shelf.all().iter().filter(living);
        let all = all.filter(|record| call.is_indexed(record.created_at));
        let fits = |record: &&Arc<Record>| {
            let group = |group: &Vec<Filter>| group.iter().all(|filter| filter.fits(record));
            self.groups.is_empty() || self.groups.iter().any(group)
        };
        let mut found: Vec<Arc<Record>> = all.filter(fits).cloned().collect();
        if let Some((property, descending)) = &self.sort {
            found.sort_by_key(|record| record.value(property));
            if *descending {
                found.reverse();
            }
        }
        found
    }
}

impl Filter {
    /// Text is compared without its case.
    fn fits(&self, record: &Record) -> bool {
        let value = record.value(&self.property);
        let value = value.map(|value| value.to_lowercase());
        match &self.test {
            Test::Present => value.is_some(),
            Test::Equal(wanted) => value.as_deref() == Some(&wanted.to_lowercase()),
            Test::Among(wanted) => value.is_some_and(|value| wanted.contains(&value)),
        }
    }
}

fn group(given: &Value) -> Result<Vec<Filter>, Reply> {
    let filters = given["filters"].as_array();
    let filters = filters.ok_or_else(|| bad_request("a filter group must have filters"))?;
    filters.iter().map(filter).collect()
}

fn filter(given: &Value) -> Result<Filter, Reply> {
    let property = given["propertyName"].as_str();
    let property = property.ok_or_else(|| bad_request("a filter must have a propertyName"))?;
    let test = match given["operator"].as_str() {
        Some("EQ") => {
            let value = given["value"].as_str().filter(|value| !value.is_empty());
            Test::Equal(
                value
                    .ok_or_else(|| bad_request("EQ needs a value"))?
                    .to_owned(),
            )
        }
        Some("IN") => {
            let values = texts(given.get("values").cloned())?;
            // HubSpot wants small letters here, and finds nothing by others.
            match values.is_empty() {
                true => return Err(bad_request("IN needs values")),
                false => Test::Among(values),
            }
        }
        Some("HAS_PROPERTY") => Test::Present,
        _ => {
            return Err(bad_request(
                "the stand-in knows the operators EQ, IN and HAS_PROPERTY",
            ));
        }
    };
    Ok(Filter {
        property: property.to_owned(),
        test,
    })
}
