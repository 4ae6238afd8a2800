//! Lists: which records, which part of them, and in which of the shapes that Workiz has.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::behavior::{Behavior, Empty, Lists, Offset};
use super::books::Item;
use super::problem::{not_found, problem};
use crate::call::Call;
use crate::clock;
use crate::reply::Reply;
use crate::routes::Answer;

/// The most records of a page.
const MOST: usize = 100;

/// Where a list begins that is not told.
const DEFAULT_DAYS: i64 = 14;

/// What is asked of a list.
pub(super) struct Asked<'a> {
    call: &'a Call,
    start: NaiveDate,
    only_open: bool,
    statuses: Vec<&'a str>,
    offset: usize,
    records: usize,
}

impl<'a> Asked<'a> {
    pub(super) fn read(call: &'a Call) -> Result<Self, Reply> {
        let wrong =
            |name: &str| problem(400, "Validation failed", &[format!("{name} is not valid")]);
        let count = |name: &str, unsaid: usize| match call.parameter(name) {
            None => Ok(unsaid),
            Some(text) => text.parse::<usize>().map_err(|_| wrong(name)),
        };
        let start = match call.parameter("start_date") {
            None => (clock::now() - TimeDelta::days(DEFAULT_DAYS)).date_naive(),
            Some(day) => {
                let day = NaiveDate::parse_from_str(day, "%Y-%m-%d");
                day.map_err(|_| wrong("start_date"))?
            }
        };
        Ok(Self {
            call,
            start,
            only_open: call.parameter("only_open") != Some("false"),
            statuses: call.parameters("status"),
            offset: count("offset", 0)?,
            records: count("records", MOST)?.clamp(1, MOST),
        })
    }

    /// The part that is asked for of records in any order, and how many there are in all.
    pub(super) fn cut<'i>(
        &self,
        all: impl Iterator<Item = &'i Arc<Item>>,
        behavior: Behavior,
    ) -> (Vec<Arc<Item>>, usize) {
        let mut found: Vec<&Arc<Item>> = all.filter(|item| self.shows(item)).collect();
        found.sort_by_key(|item| std::cmp::Reverse((item.time, item.serial)));
        let start = match behavior.offset {
            Offset::Rows => self.offset,
            Offset::Pages => self.offset.saturating_mul(self.records),
        };
        let part = found.iter().skip(start).take(self.records);
        (part.map(|item| Arc::clone(item)).collect(), found.len())
    }

    /// In the shape that the account has.
    pub(super) fn answer(
        &self,
        (part, found): (Vec<Arc<Item>>, usize),
        behavior: Behavior,
        show: fn(&Item) -> Value,
    ) -> Answer {
        match behavior.empty {
            Empty::NoContent if part.is_empty() => return Ok(Reply::empty(StatusCode::NO_CONTENT)),
            Empty::NotFound if part.is_empty() => return Err(not_found("No records were found")),
            _ => {}
        }
        let start = match behavior.offset {
            Offset::Rows => self.offset,
            Offset::Pages => self.offset.saturating_mul(self.records),
        };
        let has_more = start + part.len() < found && !part.is_empty();
        let data: Value = part.iter().map(|item| show(item)).collect();
        Ok(shaped(behavior, data, has_more, found))
    }

    fn shows(&self, item: &Item) -> bool {
        let last = (clock::now() + TimeDelta::days(1)).date_naive();
        let day = item.time.date();
        self.call.is_indexed(item.created_at)
            && (self.start..=last).contains(&day)
            && (!self.only_open || item.is_open())
            && (self.statuses.is_empty() || self.statuses.contains(&item.status()))
    }
}

/// A whole list, in the shape that the account has.
pub(super) fn whole(behavior: Behavior, data: Value) -> Reply {
    let found = data.as_array().map_or(0, Vec::len);
    shaped(behavior, data, false, found)
}

fn shaped(behavior: Behavior, data: Value, has_more: bool, found: usize) -> Reply {
    let body = match behavior.lists {
        Lists::Bare => data,
        Lists::Wrapped => json!({
            "flag": true, "data": data, "has_more": has_more, "found": found, "code": 200,
        }),
    };
    Reply::json(StatusCode::OK, &body)
}
