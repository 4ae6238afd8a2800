//! What stands in the simulated CRM's own books, counted by what we know it by.

use serde_json::Value;
use std::collections::HashMap;

/// How often each thing is in the CRM.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Leads, by our tag on them.
    pub(crate) leads: HashMap<String, u64>,
    /// Customers, by company and number.
    pub(crate) customers: HashMap<String, u64>,
}

impl Entries {
    /// Counts.
    pub(crate) fn of(books: &Value) -> Self {
        Self {
            leads: tally(rows(books, "leads").iter().map(marker)),
            customers: tally(rows(books, "customers").iter().map(caller)),
        }
    }

    /// Leads and customers beyond the first of each.
    pub(crate) fn surplus(&self) -> u64 {
        let counts = self.leads.values().chain(self.customers.values());
        counts.map(|count| count - 1).sum()
    }
}

fn rows<'a>(books: &'a Value, collection: &str) -> &'a [Value] {
    books[collection].as_array().map_or(&[], Vec::as_slice)
}

/// The tag of ours; a lead without one counts under its own id, and nobody expects that.
fn marker(lead: &Value) -> String {
    let tags = lead["tags"].as_array().into_iter().flatten();
    let ours = tags
        .filter_map(Value::as_str)
        .find(|tag| tag.starts_with("lr-"));
    ours.map_or_else(|| lead["id"].to_string(), str::to_owned)
}

/// One caller is one customer of a company.
fn caller(customer: &Value) -> String {
    format!("{} {}", customer["company"], customer["mobile_number"])
}

fn tally(names: impl Iterator<Item = String>) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}
