//! Connections in Relay's sense: which part of a list is wanted, and how it is told.
//!
//! Cursors are offsets in Base64, so a list that grows at its front while it is being paged shows
//! a record twice, and one that shrinks skips one.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::run::{Failure, Output};

/// The part of `all` that `first`, `after`, `last` and `before` name, at most `limit` of it, with
/// `nodes`, `edges`, `pageInfo` and `totalCount`.
pub(crate) fn connection<T, C>(
    all: &[T],
    arguments: &Value,
    limit: usize,
    show: impl Fn(&T) -> Output<C>,
) -> Output<C> {
    let range = match range(all.len(), arguments, limit) {
        Ok(range) => range,
        Err(failure) => return Output::Failed(failure),
    };
    let nodes: Vec<Output<C>> = all[range.clone()].iter().map(show).collect();
    let edges = range.clone().zip(&nodes).map(|(place, node)| {
        let cursor = Output::Plain(json!(cursor(place)));
        Output::Made(BTreeMap::from([("cursor", cursor), ("node", node.clone())]))
    });
    let edges = Output::List(edges.collect());
    let page_info = Output::Plain(page_info(&range, all.len()));
    Output::Made(BTreeMap::from([
        ("edges", edges),
        ("nodes", Output::List(nodes)),
        ("pageInfo", page_info),
        ("totalCount", Output::Plain(json!(all.len()))),
    ]))
}

fn range(total: usize, arguments: &Value, limit: usize) -> Result<Range<usize>, Failure> {
    let after = cursor_argument(arguments, "after")?;
    let before = cursor_argument(arguments, "before")?;
    let mut start = after.map_or(0, |place| place.saturating_add(1)).min(total);
    let mut end = before.unwrap_or(total).clamp(start, total);
    if let Some(first) = size(arguments, "first")? {
        end = end.min(start.saturating_add(first));
    }
    if let Some(last) = size(arguments, "last")? {
        start = start.max(end.saturating_sub(last));
    }
    match (&arguments["first"], &arguments["last"]) {
        (Value::Null, Value::Number(_)) => start = start.max(end.saturating_sub(limit)),
        _ => end = end.min(start.saturating_add(limit)),
    }
    Ok(start..end)
}

fn size(arguments: &Value, name: &str) -> Result<Option<usize>, Failure> {
    let Some(number) = arguments[name].as_i64() else {
        return Ok(None);
    };
    usize::try_from(number).map(Some).map_err(|_| Failure {
        message: format!("`{name}` cannot be less than zero."),
        code: "BAD_USER_INPUT",
    })
}

fn cursor(place: usize) -> String {
    BASE64_STANDARD_NO_PAD.encode((place + 1).to_string())
}

fn cursor_argument(arguments: &Value, name: &str) -> Result<Option<usize>, Failure> {
    let Some(text) = arguments[name].as_str() else {
        return Ok(None);
    };
    let number = BASE64_STANDARD_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|number| number.parse::<usize>().ok())
        .and_then(|number| number.checked_sub(1));
    number.map(Some).ok_or_else(|| Failure {
        message: format!("Invalid cursor: {text:?}."),
        code: "BAD_USER_INPUT",
    })
}

fn page_info(range: &Range<usize>, total: usize) -> Value {
    let end = |place: usize| (!range.is_empty()).then(|| cursor(place));
    json!({
        "startCursor": end(range.start),
        "endCursor": end(range.end.saturating_sub(1)),
        "hasPreviousPage": range.start > 0,
        "hasNextPage": range.end < total,
    })
}
