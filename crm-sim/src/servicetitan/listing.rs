//! Lists: the documents' paginated answers, with the filters and the sort order they share.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::problem::bad_request;
use super::record::Record;
use crate::call::Call;
use crate::page::{Page, Slice, one_of, positive};
use crate::reply::Reply;

/// What the vendor documents as its upper bound; larger is refused.
const MAX_PAGE_SIZE: usize = 5_000;

/// Said of a parameter that another one needs.
const ALSO: &str = "must also be provided";

/// How many ids one look-up may name.
const MAX_IDS: usize = 50;

/// Which records of a list are wanted, and which part of them.
pub(super) struct Listing<'a> {
    call: &'a Call,
    page: Page,
    sort: Sort,
    with_total: bool,
    ids: Option<Vec<i64>>,
    active: &'a str,
    created: Span,
    modified: Span,
    external: Lookup<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Id,
    CreatedOn,
    ModifiedOn,
}

/// From the one time on, before the other.
struct Span {
    from: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

/// Whose external data is shown, and which must be there.
struct Lookup<'a> {
    application: Option<&'a str>,
    key_and_values: Option<(&'a str, Vec<&'a str>)>,
}

impl<'a> Listing<'a> {
    /// Reads the parameters that lists share; 400 if one of them makes no sense.
    pub(super) fn read(call: &'a Call) -> Result<Self, Reply> {
        let (sort, ascending) = read_sort(call)?;
        let size = read_positive(call, "pageSize", 50)?;
        if size > MAX_PAGE_SIZE {
            return Err(bad_request("pageSize", "must not be greater than 5000"));
        }
        Ok(Self {
            call,
            page: Page {
                number: read_positive(call, "page", 1)?,
                size,
                ascending,
            },
            sort,
            with_total: read_choice(call, "includeTotal", &["false", "true"])? == "true",
            ids: read_ids(call, "ids")?,
            active: read_choice(call, "active", &["True", "Any", "False"])?,
            created: Span::read(call, "createdOnOrAfter", "createdBefore")?,
            modified: Span::read(call, "modifiedOnOrAfter", "modifiedBefore")?,
            external: Lookup::read(call)?,
        })
    }

    /// The wanted part of records that are oldest first.
    pub(super) fn cut(&self, mut found: Vec<&Arc<Record>>) -> Slice<Record> {
        found.retain(|record| self.keeps(record));
        match self.sort {
            Sort::Id => {}
            Sort::CreatedOn => found.sort_by_key(|record| record.created_on),
            Sort::ModifiedOn => found.sort_by_key(|record| record.modified_on),
        }
        self.page.slice(&found)
    }

    /// The answer's body.
    pub(super) fn show(&self, slice: &Slice<Record>) -> Value {
        let application = self.external.application;
        self.envelope(slice, |record| record.show(application))
    }

    /// The answer's body, with each item shown in its own way.
    pub(super) fn envelope<T>(&self, slice: &Slice<T>, show: impl Fn(&T) -> Value) -> Value {
        json!({
            "page": self.page.number,
            "pageSize": self.page.size,
            "hasMore": self.page.has_more(slice.total),
            "totalCount": self.with_total.then_some(slice.total),
            "data": slice.show(show),
        })
    }

    /// A page of preset rows, which have an `id`, a `name` and an `active`.
    pub(super) fn of_presets(&self, rows: Vec<Value>) -> Value {
        let name = self.call.parameter("name").unwrap_or("").to_lowercase();
        let wanted = |row: &Value| {
            let text = row["name"].as_str().unwrap_or_default().to_lowercase();
            let id = row["id"].as_i64();
            text.contains(&name)
                && self.wants_active(row["active"].as_bool())
                && self.wants_id(id.unwrap_or_default())
        };
        let rows: Vec<_> = rows.into_iter().filter(wanted).map(Arc::new).collect();
        let slice = self.page.slice(&rows.iter().collect::<Vec<_>>());
        self.envelope(&slice, Value::clone)
    }

    fn keeps(&self, record: &Record) -> bool {
        self.call.is_indexed(record.created_on)
            && self.wants_id(record.id)
            && self.wants_active(record.active)
            && self.created.holds(record.created_on)
            && self.modified.holds(record.modified_on)
            && self.external.finds(record)
    }

    fn wants_id(&self, id: i64) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }

    fn wants_active(&self, active: Option<bool>) -> bool {
        let wanted = self.active == "True";
        self.active == "Any" || active.is_none_or(|active| active == wanted)
    }
}

impl Span {
    fn read(call: &Call, from: &str, before: &str) -> Result<Self, Reply> {
        Ok(Self {
            from: read_time(call, from)?,
            before: read_time(call, before)?,
        })
    }

    fn holds(&self, time: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| time >= from) && self.before.is_none_or(|before| time < before)
    }
}

impl<'a> Lookup<'a> {
    fn read(call: &'a Call) -> Result<Self, Reply> {
        let application = application(call)?;
        let key_and_values = key_and_values(call)?;
        if key_and_values.is_some() && application.is_none() {
            return Err(bad_request("externalDataApplicationGuid", ALSO));
        }
        Ok(Self {
            application,
            key_and_values,
        })
    }

    fn finds(&self, record: &Record) -> bool {
        let Some((key, values)) = &self.key_and_values else {
            return true;
        };
        record.external.as_ref().is_some_and(|external| {
            self.application == Some(external.application.as_str()) && external.has(key, values)
        })
    }
}

/// A key of external data with the values looked for, at most fifty; neither comes alone.
fn key_and_values(call: &Call) -> Result<Option<(&str, Vec<&str>)>, Reply> {
    let key = call.parameter("externalDataKey");
    let (key, values) = match (key, call.parameter("externalDataValues")) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(bad_request("externalDataValues", ALSO)),
        (None, Some(_)) => return Err(bad_request("externalDataKey", ALSO)),
        (Some(key), Some(values)) => (key, values.split(',').collect::<Vec<_>>()),
    };
    if values.len() > MAX_IDS {
        return Err(bad_request("externalDataValues", "holds more than 50"));
    }
    Ok(Some((key, values)))
}

/// The application whose external data is asked for; 400 if it is no guid.
pub(super) fn application(call: &Call) -> Result<Option<&str>, Reply> {
    let given = call.parameter("externalDataApplicationGuid");
    match given.map(Uuid::try_parse) {
        Some(Err(_)) => Err(bad_request("externalDataApplicationGuid", "is not a guid")),
        _ => Ok(given),
    }
}

/// A parameter of whole numbers, comma by comma, at most fifty.
pub(super) fn read_ids(call: &Call, name: &str) -> Result<Option<Vec<i64>>, Reply> {
    let Some(text) = call.parameter(name) else {
        return Ok(None);
    };
    let ids: Result<Vec<i64>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    let ids = ids.map_err(|_| bad_request(name, "is not a list of ids"))?;
    if ids.len() > MAX_IDS {
        return Err(bad_request(name, "holds more than 50"));
    }
    Ok(Some(ids))
}

/// A parameter that is one whole number.
pub(super) fn read_number(call: &Call, name: &str) -> Result<Option<i64>, Reply> {
    let number = call.parameter(name).map(str::parse).transpose();
    number.map_err(|_| bad_request(name, "is not an integer"))
}

/// A parameter with a closed set of values, the first of which is the default.
pub(super) fn read_choice<'a>(
    call: &'a Call,
    name: &str,
    allowed: &[&'a str],
) -> Result<&'a str, Reply> {
    one_of(call, name, allowed).map_err(|_| bad_request(name, "is not a known value"))
}

fn read_positive(call: &Call, name: &str, default: usize) -> Result<usize, Reply> {
    positive(call, name, default).map_err(|_| bad_request(name, "must be a positive integer"))
}

fn read_time(call: &Call, name: &str) -> Result<Option<DateTime<Utc>>, Reply> {
    let time = call.parameter(name).map(DateTime::parse_from_rfc3339);
    let time = time.transpose();
    time.map(|time| time.map(|time| time.to_utc()))
        .map_err(|_| bad_request(name, "is not a date and time"))
}

/// `+Id` (whose plus may have arrived as a blank), `-CreatedOn`; true for ascending.
fn read_sort(call: &Call) -> Result<(Sort, bool), Reply> {
    let Some(text) = call.parameter("sort") else {
        return Ok((Sort::Id, true));
    };
    let field = text.trim_start_matches(['+', '-', ' ']);
    let sort = match field.to_ascii_lowercase().as_str() {
        "id" => Sort::Id,
        "createdon" => Sort::CreatedOn,
        "modifiedon" => Sort::ModifiedOn,
        _ => return Err(bad_request("sort", "is not an available field")),
    };
    Ok((sort, !text.starts_with('-')))
}
