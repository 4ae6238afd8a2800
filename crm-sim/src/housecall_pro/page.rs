//! Pages and sort order, the document's `PaginatedList`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bad_request;
use crate::call::Call;
use crate::reply::Reply;

/// The document names no upper bound; answers must have one.
const MAX_PAGE_SIZE: usize = 200;

/// Which part of a list is wanted.
pub(super) struct Page {
    number: usize,
    size: usize,
    ascending: bool,
}

/// That part, and how long the whole is. Taken under the lock, shown without it.
pub(super) struct Slice<T> {
    items: Vec<Arc<T>>,
    total: usize,
}

impl Page {
    /// Reads `page`, `page_size` and `sort_direction`; 400 if one of them makes no sense.
    pub(super) fn of(call: &Call) -> Result<Self, Reply> {
        Ok(Self {
            number: positive(call, "page", 1)?,
            size: positive(call, "page_size", 10)?.min(MAX_PAGE_SIZE),
            ascending: one_of(call, "sort_direction", &["desc", "asc"])? == "asc",
        })
    }

    /// Cuts the page out of a whole list that is in ascending order.
    pub(super) fn slice<T>(&self, all: &[&Arc<T>]) -> Slice<T> {
        let start = (self.number - 1).saturating_mul(self.size);
        let cut = |item: &&Arc<T>| Arc::clone(item);
        let items = if self.ascending {
            all.iter().skip(start).take(self.size).map(cut).collect()
        } else {
            all.iter()
                .rev()
                .skip(start)
                .take(self.size)
                .map(cut)
                .collect()
        };
        Slice {
            items,
            total: all.len(),
        }
    }

    /// The answer's body, with the items under their own name.
    pub(super) fn show<T>(
        &self,
        name: &str,
        slice: &Slice<T>,
        show: impl Fn(&T) -> Value,
    ) -> Value {
        let mut body = json!({
            "page": self.number,
            "page_size": self.size,
            "total_pages": slice.total.div_ceil(self.size),
            "total_items": slice.total,
        });
        body[name] = slice.items.iter().map(|item| show(item)).collect();
        body
    }

    /// A page of a short list that needs no lock, in the order given.
    pub(super) fn of_values(call: &Call, name: &str, all: Vec<Value>) -> Result<Value, Reply> {
        let page = Self {
            ascending: true,
            ..Self::of(call)?
        };
        let all: Vec<Arc<Value>> = all.into_iter().map(Arc::new).collect();
        let slice = page.slice(&all.iter().collect::<Vec<_>>());
        Ok(page.show(name, &slice, Value::clone))
    }
}

/// A parameter with a closed set of values, the first of which is the default.
pub(super) fn one_of<'a>(
    call: &'a Call,
    name: &str,
    allowed: &[&'a str],
) -> Result<&'a str, Reply> {
    match call.parameter(name) {
        None => Ok(allowed[0]),
        Some(value) if allowed.contains(&value) => Ok(value),
        Some(_) => Err(bad_request(
            name,
            &format!("{name} is not one of {}", allowed.join(", ")),
        )),
    }
}

fn positive(call: &Call, name: &str, default: usize) -> Result<usize, Reply> {
    match call.parameter(name).map(str::parse) {
        None => Ok(default),
        Some(Ok(number)) if number > 0 => Ok(number),
        Some(_) => Err(bad_request(
            name,
            &format!("{name} must be a positive integer"),
        )),
    }
}
