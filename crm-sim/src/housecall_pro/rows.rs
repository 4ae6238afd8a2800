//! The books as the control API shows them: made into JSON after their lock is released.

use std::sync::Arc;

use serde_json::{Value, json};

use super::records::{Customer, Job, Lead, Note};
use crate::crm::Collection;

/// Pointers to records, taken out of the books.
#[derive(Default)]
pub(super) struct Shelves {
    pub(super) customers: Vec<Arc<Customer>>,
    pub(super) leads: Vec<Arc<Lead>>,
    pub(super) jobs: Vec<Arc<Job>>,
    pub(super) notes: Vec<Arc<Note>>,
}

impl Shelves {
    pub(super) fn into_collections(self) -> Vec<Collection> {
        let customers = self
            .customers
            .iter()
            .map(|customer| customer_row(customer))
            .collect();
        let leads = self.leads.iter().map(|lead| lead_row(lead)).collect();
        let addresses = self.customers.iter();
        let addresses = addresses.flat_map(|customer| address_rows(customer));
        let addresses = addresses.collect();
        let jobs = self.jobs.iter().map(|job| job_row(job)).collect();
        let notes = self.notes.iter().map(|note| json!(**note)).collect();
        vec![
            Collection {
                name: "customers",
                rows: customers,
            },
            Collection {
                name: "addresses",
                rows: addresses,
            },
            Collection {
                name: "leads",
                rows: leads,
            },
            Collection {
                name: "jobs",
                rows: jobs,
            },
            Collection {
                name: "notes",
                rows: notes,
            },
        ]
    }
}

/// In the books `company` is the account, so the customer's own firm is its `employer`.
fn customer_row(customer: &Customer) -> Value {
    let mut row = json!(customer);
    row["employer"] = json!(customer.fields.company);
    row["company"] = json!(customer.company_id);
    row
}

fn address_rows(customer: &Customer) -> impl Iterator<Item = Value> {
    customer.addresses.iter().map(|address| {
        let mut row = json!(address);
        row["company"] = json!(customer.company_id);
        row["customer_id"] = json!(customer.id);
        row
    })
}

fn job_row(job: &Job) -> Value {
    let mut row = json!(job.fields);
    row["company"] = json!(job.company);
    row["id"] = json!(job.id);
    row["invoice_number"] = json!(job.number);
    row["lead_id"] = json!(job.lead_id);
    row["customer_id"] = json!(job.customer.id);
    row["address_id"] = json!(job.address.as_ref().map(|address| &address.id));
    row["created_at"] = json!(job.created_at);
    row
}

fn lead_row(lead: &Lead) -> Value {
    let mut row = json!(lead.fields);
    row["company"] = json!(lead.company);
    row["id"] = json!(lead.id);
    row["number"] = json!(lead.number);
    row["customer_id"] = json!(lead.customer.id);
    row["address"] = json!(lead.address);
    row["status"] = json!(lead.status);
    row["created_at"] = json!(lead.created_at);
    row
}
