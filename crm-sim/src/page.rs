//! Cutting a page out of a list, and reading the parameters that say which.

use std::sync::Arc;

use serde_json::Value;

use crate::call::Call;

/// Which part of a list is wanted. `number` counts from 1.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) size: usize,
    pub(crate) ascending: bool,
}

/// That part, and how long the whole is. Taken under the lock, shown without it.
pub(crate) struct Slice<T> {
    pub(crate) items: Vec<Arc<T>>,
    pub(crate) total: usize,
}

impl Page {
    /// Cuts the page out of a whole list that is in ascending order.
    pub(crate) fn slice<T>(&self, all: &[&Arc<T>]) -> Slice<T> {
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

    /// Whether the whole goes on behind this page.
    pub(crate) fn has_more(&self, total: usize) -> bool {
        self.number.saturating_mul(self.size) < total
    }
}

impl<T> Slice<T> {
    pub(crate) fn show(&self, show: impl Fn(&T) -> Value) -> Value {
        self.items.iter().map(|item| show(item)).collect()
    }
}

/// A parameter with a closed set of values, the first of which is the default; the error is a
/// sentence.
pub(crate) fn one_of<'a>(
    call: &'a Call,
    name: &str,
    allowed: &[&'a str],
) -> Result<&'a str, String> {
    match call.parameter(name) {
        None => Ok(allowed[0]),
        Some(value) if allowed.contains(&value) => Ok(value),
        Some(_) => Err(format!("{name} is not one of {}", allowed.join(", "))),
    }
}

/// A parameter that counts from 1; the error is a sentence.
pub(crate) fn positive(call: &Call, name: &str, default: usize) -> Result<usize, String> {
    match call.parameter(name).map(str::parse) {
        None => Ok(default),
        Some(Ok(number)) if number > 0 => Ok(number),
        Some(_) => Err(format!("{name} must be a positive integer")),
    }
}
