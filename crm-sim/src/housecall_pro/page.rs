//! Pages and sort order, the document's `PaginatedList`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bad_request;
use crate::call::Call;
use crate::page::{self, Page, Slice};
use crate::reply::Reply;

/// The document names no upper bound; answers must have one.
const MAX_PAGE_SIZE: usize = 200;

/// Reads `page`, `page_size` and `sort_direction`; 400 if one of them makes no sense.
pub(super) fn read(call: &Call) -> Result<Page, Reply> {
    Ok(Page {
        number: positive(call, "page", 1)?,
        size: positive(call, "page_size", 10)?.min(MAX_PAGE_SIZE),
        ascending: one_of(call, "sort_direction", &["desc", "asc"])? == "asc",
    })
}

/// The answer's body, with the items under their own name.
pub(super) fn show<T>(
    page: Page,
    name: &str,
    slice: &Slice<T>,
    show: impl Fn(&T) -> Value,
) -> Value {
    let mut body = json!({
        "page": page.number,
        "page_size": page.size,
        "total_pages": slice.total.div_ceil(page.size),
        "total_items": slice.total,
    });
    body[name] = slice.show(show);
    body
}

/// A page of a short list that needs no lock, in the order given.
pub(super) fn of_values(call: &Call, name: &str, all: Vec<Value>) -> Result<Value, Reply> {
    let page = Page {
        ascending: true,
        ..read(call)?
    };
    let all: Vec<Arc<Value>> = all.into_iter().map(Arc::new).collect();
    let slice = page.slice(&all.iter().collect::<Vec<_>>());
    Ok(show(page, name, &slice, Value::clone))
}

/// A parameter with a closed set of values, the first of which is the default.
pub(super) fn one_of<'a>(
    call: &'a Call,
    name: &str,
    allowed: &[&'a str],
) -> Result<&'a str, Reply> {
    page::one_of(call, name, allowed).map_err(|wrong| bad_request(name, &wrong))
}

fn positive(call: &Call, name: &str, default: usize) -> Result<usize, Reply> {
    page::positive(call, name, default).map_err(|wrong| bad_request(name, &wrong))
}
