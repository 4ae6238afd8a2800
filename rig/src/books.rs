//! What stands in the simulated CRM's own books, counted by what we know it by.

use serde_json::Value;
use std::collections::HashMap;

/// How often each lead and each customer is in the CRM.
#[derive(Debug, Default)]
pub struct Books {
    /// Leads, by our tag on them (`lr-...`); one without a tag by its own id.
    pub(crate) leads: HashMap<String, u64>,
    /// Customers, by company and number.
    customers: HashMap<String, u64>,
}

impl Books {
    /// Counts what the simulator's control API shows as its records.
    #[must_use]
    pub fn of(records: &Value) -> Self {
        Self {
            leads: tally(rows(records, "leads").iter().map(marker)),
            customers: tally(rows(records, "customers").iter().map(caller)),
        }
    }

    /// How many leads there are.
    #[must_use]
    pub fn leads(&self) -> u64 {
        self.leads.values().sum()
    }

    /// How many customers there are.
    #[must_use]
    pub fn customers(&self) -> u64 {
        self.customers.values().sum()
    }

    /// Leads and customers beyond the first of each.
    #[must_use]
    pub fn surplus(&self) -> u64 {
        let counts = self.leads.values().chain(self.customers.values());
        counts.map(|count| count - 1).sum()
    }

    /// Tags under which there is more than one lead.
    #[must_use]
    pub fn doubled_leads(&self) -> Vec<&str> {
        doubled(&self.leads)
    }

    /// Companies and numbers under which there is more than one customer.
    #[must_use]
    pub fn doubled_customers(&self) -> Vec<&str> {
        doubled(&self.customers)
    }
}

/// The leads that a company has in these records.
pub(crate) fn leads_of(records: &Value, company: &str) -> usize {
    let leads = rows(records, "leads").iter();
    leads.filter(|lead| lead["company"] == company).count()
}

fn rows<'a>(records: &'a Value, collection: &str) -> &'a [Value] {
    records[collection].as_array().map_or(&[], Vec::as_slice)
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

fn doubled(counts: &HashMap<String, u64>) -> Vec<&str> {
    let doubled = counts.iter().filter(|(_, count)| **count > 1);
    doubled.map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn books(leads: &[Value], customers: &[Value]) -> Books {
        Books::of(&json!({ "leads": leads, "customers": customers }))
    }

    #[test]
    fn a_lead_counts_under_our_tag_and_without_one_under_its_own_id() {
        let tagged = json!({ "id": "lea_1", "tags": ["phone", "lr-1"] });
        let strange = json!({ "id": "lea_2", "tags": [] });
        let books = books(&[tagged.clone(), strange, tagged], &[]);
        assert_eq!((books.leads(), books.surplus()), (3, 1));
        assert_eq!(books.doubled_leads(), ["lr-1"]);
        assert!(books.leads.contains_key("\"lea_2\""));
    }

    #[test]
    fn one_caller_twice_in_one_company_is_a_double_and_in_two_is_none() {
        let customer = |company: &str| json!({ "company": company, "mobile_number": "3055550100" });
        let apart = books(&[], &[customer("a"), customer("b")]);
        assert_eq!((apart.customers(), apart.surplus()), (2, 0));
        let twice = books(&[], &[customer("a"), customer("a")]);
        assert_eq!(twice.surplus(), 1);
        assert_eq!(twice.doubled_customers(), ["\"a\" \"3055550100\""]);
    }

    #[test]
    fn books_without_pages_are_empty() {
        let books = Books::of(&json!({ "leads": "none" }));
        assert_eq!((books.leads(), books.customers()), (0, 0));
    }
}
