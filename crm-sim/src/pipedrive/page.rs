//! Pages: from a place in v1, by a cursor in v2.

use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::books::Row;
use super::problem::invalid;
use crate::call::Call;
use crate::page::positive;
use crate::reply::Reply;
use crate::routes::Answer;
use crate::shelves::Shelf;

/// The most records of a page; a search has fewer.
const MOST: usize = 500;
pub(super) const MOST_FOUND: usize = 100;

/// The records that a list may show now, oldest first.
pub(super) fn visible(call: &Call, shelf: &Shelf<String, Row>) -> Vec<Arc<Row>> {
    let all = shelf.all().iter();
    all.filter(|row| !row.is_deleted && call.is_indexed(row.at))
        .cloned()
        .collect()
}

/// A page of v1: `sort=add_time DESC` turns the list around, and a larger `limit` is cut down.
pub(super) fn of_v1(call: &Call, mut rows: Vec<Arc<Row>>) -> Answer {
    let sort = call.parameter("sort").unwrap_or("add_time ASC");
    match sort.to_ascii_uppercase().split_once(' ') {
        Some(("ADD_TIME" | "UPDATE_TIME" | "ID", "DESC")) => rows.reverse(),
        Some(("ADD_TIME" | "UPDATE_TIME" | "ID", "ASC")) => {}
        _ => return Err(invalid(call, "sort is not a field and ASC or DESC")),
    }
    let limit = number(call, "limit", 100)?.min(MOST);
    let start = match call.parameter("start") {
        None | Some("0") => 0,
        Some(_) => number(call, "start", 0)?,
    };
    let items: Vec<Value> = rows.iter().skip(start).take(limit).map(shown).collect();
    let next = start + items.len();
    let has_more = next < rows.len();
    let mut pagination =
        json!({"start": start, "limit": limit, "more_items_in_collection": has_more});
    if has_more {
        pagination["next_start"] = json!(next);
    }
    let data = match items.is_empty() {
        true => Value::Null,
        false => Value::Array(items),
    };
    let body =
        json!({"success": true, "data": data, "additional_data": {"pagination": pagination}});
    Ok(Reply::json(StatusCode::OK, &body))
}

/// A page of v2: `sort_by` and `sort_direction`, and a larger `limit` is refused.
pub(super) fn of_v2(call: &Call, mut rows: Vec<Arc<Row>>) -> Answer {
    let by = call.parameter("sort_by").unwrap_or("id");
    if !["id", "add_time", "update_time"].contains(&by) {
        return Err(invalid(call, "sort_by: is not id, add_time or update_time"));
    }
    match call.parameter("sort_direction").unwrap_or("asc") {
        "asc" => {}
        "desc" => rows.reverse(),
        _ => return Err(invalid(call, "sort_direction: is not asc or desc")),
    }
    let items: Vec<Value> = rows.iter().map(shown).collect();
    let (items, next) = cut(call, &items, MOST)?;
    listed(&Value::Array(items), next.as_deref())
}

/// The piece of a v2 list that is asked for, and the cursor of the next.
pub(super) fn cut(
    call: &Call,
    all: &[Value],
    most: usize,
) -> Result<(Vec<Value>, Option<String>), Reply> {
    let limit = number(call, "limit", most.min(100))?;
    if limit > most {
        return Err(invalid(call, "limit: is too large"));
    }
    let start = match call.parameter("cursor") {
        None => 0,
        Some(cursor) => {
            offset(cursor).ok_or_else(|| invalid(call, "cursor: is not one of ours"))?
        }
    };
    let items: Vec<Value> = all.iter().skip(start).take(limit).cloned().collect();
    let end = start + items.len();
    Ok((items, (end < all.len()).then(|| cursor(end))))
}

pub(super) fn listed(data: &Value, next_cursor: Option<&str>) -> Answer {
    let more = json!({"next_cursor": next_cursor});
    let body = json!({"success": true, "data": data, "additional_data": more});
    Ok(Reply::json(StatusCode::OK, &body))
}

/// Records whose parent the parameter names; all of them without it.
pub(super) fn of_parent(call: &Call, parameter: &str, rows: &mut Vec<Arc<Row>>) {
    if let Some(parent) = call.parameter(parameter) {
        rows.retain(|row| row.belongs_to(&format!("{parameter}={parent}")));
    }
}

fn shown(row: &Arc<Row>) -> Value {
    row.shown.clone()
}

fn number(call: &Call, name: &str, default: usize) -> Result<usize, Reply> {
    positive(call, name, default).map_err(|wrong| invalid(call, &wrong))
}

fn cursor(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("offset:{offset}"))
}

fn offset(cursor: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("offset:")?.parse().ok()
}
