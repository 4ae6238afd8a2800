//! The simulated CRM's own books, counted.

use serde_json::Value;
use std::collections::HashMap;

/// What really arrived in the CRM.
pub struct Books(pub Value);

impl Books {
    /// How many leads there are.
    pub fn leads(&self) -> usize {
        self.rows("leads").len()
    }

    /// How many customers there are.
    pub fn customers(&self) -> usize {
        self.rows("customers").len()
    }

    /// How many leads carry each marker tag (`lr-...`). One each is what we want; a lead without a
    /// marker counts under its id.
    pub fn leads_by_marker(&self) -> HashMap<String, usize> {
        let mut count = HashMap::new();
        for lead in self.rows("leads") {
            let marker = tags(lead).find(|tag| tag.starts_with("lr-"));
            let marker = marker.map_or_else(|| lead["id"].to_string(), str::to_owned);
            *count.entry(marker).or_insert(0) += 1;
        }
        count
    }

    /// Markers of which there is more than one lead.
    pub fn doubles(&self) -> Vec<String> {
        let doubled = self
            .leads_by_marker()
            .into_iter()
            .filter(|(_, leads)| *leads > 1);
        doubled.map(|(marker, _)| marker).collect()
    }

    /// Phone numbers under which there is more than one customer.
    pub fn doubled_customers(&self) -> Vec<String> {
        let mut count: HashMap<&str, usize> = HashMap::new();
        for customer in self.rows("customers") {
            let phone = customer["mobile_number"].as_str().unwrap_or("none");
            *count.entry(phone).or_insert(0) += 1;
        }
        let doubled = count.into_iter().filter(|(_, customers)| *customers > 1);
        doubled.map(|(phone, _)| phone.to_owned()).collect()
    }

    fn rows(&self, table: &str) -> &[Value] {
        self.0[table].as_array().map_or(&[], Vec::as_slice)
    }
}

fn tags(lead: &Value) -> impl Iterator<Item = &str> {
    lead["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}
