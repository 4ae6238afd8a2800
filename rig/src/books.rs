//! What stands in the simulated CRMs' own books, counted by what we know it by.

use serde_json::Value;
use std::collections::HashMap;

/// What the CRMs call a lead. Each has one of these collections, or leaves the others empty.
const LEADS: [&str; 6] = [
    "leads",
    "work_requests",
    "bookings",
    "jobs",
    "deals",
    "opportunities",
];

/// Where a lead may bear our marker.
const MARKED: [&str; 8] = [
    "tags",
    "title",
    "summary",
    "hs_lead_name",
    "description",
    "LeadNotes",
    "name",
    "body",
];

/// How often each lead and each customer is in the CRMs.
#[derive(Debug, Default)]
pub struct Books {
    /// Leads, by our marker on them (`lr-...`); one without a marker by its own id.
    pub(crate) leads: HashMap<String, u64>,
    /// Customers, by company and number.
    customers: HashMap<String, u64>,
}

impl Books {
    /// Counts what the simulator's control API shows as its records.
    #[must_use]
    pub fn of(records: &Value) -> Self {
        Self::of_all(std::slice::from_ref(records))
    }

    /// Counts the records of several CRMs together.
    #[must_use]
    pub(crate) fn of_all(records: &[Value]) -> Self {
        let leads = records.iter().flat_map(|records| {
            let kinds = LEADS.into_iter();
            let leads = kinds.flat_map(|kind| rows(records, kind));
            leads.chain(lone_notes(records)).map(marker)
        });
        Self {
            leads: tally(leads),
            customers: tally(records.iter().flat_map(callers)),
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

    /// Markers under which there is more than one lead.
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

/// Notes on contacts that have nothing else: where no opportunity is made, a lead is its note.
fn lone_notes(records: &Value) -> impl Iterator<Item = &Value> {
    let is_lone = |note: &&Value| {
        let contact = &note["contactId"];
        let mut cards = rows(records, "opportunities").iter();
        contact.is_string() && cards.all(|card| card["contactId"] != *contact)
    };
    rows(records, "notes").iter().filter(is_lone)
}

/// The marker of ours; a lead without one counts under its own id, and nobody expects that.
fn marker(lead: &Value) -> String {
    let texts = MARKED.iter().flat_map(|field| texts(&lead[field]));
    let ours = texts.flat_map(words).find(|word| word.starts_with("lr-"));
    ours.map_or_else(|| lead["id"].to_string(), str::to_owned)
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
}

/// One caller is one customer of a company, known by the number: the customer's own, or that of a
/// contact which is one's.
fn callers(records: &Value) -> impl Iterator<Item = String> {
    let own = rows(records, "customers")
        .iter()
        .map(|customer| (customer, &customer["mobile_number"]));
    let clients = rows(records, "clients").iter();
    let clients = clients.map(|client| (client, &client["phones"][0]["number"]));
    let persons = rows(records, "persons").iter();
    let persons = persons.map(|person| (person, &person["phones"][0]["value"]));
    let contacts = rows(records, "contacts").iter();
    let people = contacts.clone().map(|contact| (contact, &contact["phone"]));
    let contacts = contacts.filter(|contact| !contact["customerId"].is_null());
    let contacts = contacts.map(|contact| (contact, &contact["value"]));
    let numbers = own
        .chain(clients)
        .chain(persons)
        .chain(people)
        .chain(contacts);
    // Where the contacts have the numbers, the customers have none, and e-mails are no numbers.
    let numbers = numbers.filter(|(_, number)| number.as_str().is_some_and(is_number));
    numbers.map(|(row, number)| format!("{} {number}", row["company"]))
}

fn is_number(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 7 && !text.contains('@')
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
    fn leads_and_customers_of_all_crms_are_known_by_what_stands_there() {
        let jobber = json!({
            "clients": [{ "company": "a", "phones": [{ "number": "+13055550100" }] }],
            "work_requests": [{ "id": "r", "title": "HVAC [lr-1]" }, { "id": "s", "title": null }],
        });
        let servicetitan = json!({
            "customers": [{ "company": "a", "name": "Caller" }],
            "contacts": [
                { "company": "a", "customerId": 1, "value": "3055550100" },
                { "company": "a", "customerId": 1, "value": "caller12345678@example.com" },
                { "company": "a", "locationId": 2, "value": "3055550100" },
            ],
            "bookings": [{ "id": 3, "summary": "No heat.\nCall: call_1\nRef: lr-2" }],
            "jobs": [{ "id": 4, "summary": "No heat. Ref: lr-3" }],
        });
        let pipedrive = json!({
            "persons": [{ "company": "b", "phones": [{ "value": "+13055550100" }] }],
            "leads": [{ "id": "u", "title": "HVAC: Ann [lr-4]", "origin_id": "e" }],
            "deals": [{ "id": 5, "title": "HVAC: Ann [lr-5]" }],
        });
        let hubspot = json!({
            "contacts": [{ "company": "a", "phone": "+13055550101" }],
            "deals": [{ "id": "5", "description": "No heat. Ref: lr-6" }],
            "leads": [{ "id": "6", "hs_lead_name": "HVAC - Ann Lee [lr-7]" }],
        });
        let gohighlevel = json!({
            "contacts": [
                { "company": "c", "id": "c", "phone": "+13055550100" },
                { "company": "d", "id": "d", "phone": "+13055550100" },
            ],
            "opportunities": [{ "id": "o", "name": "Roof [lr-8]", "contactId": "c" }],
            "notes": [
                { "id": "n", "body": "No heat.\nRef: lr-9", "contactId": "c" },
                { "id": "m", "body": "No heat.\nRef: lr-10", "contactId": "d" },
            ],
        });
        let workiz = json!({ "leads": [{ "UUID": "w", "LeadNotes": "No heat.\nRef: lr-11" }] });
        let books = Books::of_all(&[
            jobber,
            servicetitan.clone(),
            servicetitan,
            pipedrive,
            hubspot,
            gohighlevel,
            workiz,
        ]);
        for (marker, times) in [
            ("lr-1", 1),
            ("\"s\"", 1),
            ("lr-2", 2),
            ("lr-3", 2),
            ("lr-4", 1),
            ("lr-5", 1),
            ("lr-6", 1),
            ("lr-7", 1),
            ("lr-8", 1),
            ("lr-10", 1),
            ("lr-11", 1),
        ] {
            assert_eq!(books.leads.get(marker), Some(&times), "{marker}");
        }
        assert_eq!(
            (books.leads(), books.customers(), books.surplus()),
            (13, 7, 3)
        );
    }

    #[test]
    fn books_without_pages_are_empty() {
        let books = Books::of(&json!({ "leads": "none" }));
        assert_eq!((books.leads(), books.customers()), (0, 0));
    }
}
