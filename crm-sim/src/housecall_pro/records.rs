//! What the books are made of, in the shapes of Housecall Pro's OpenAPI document.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::clock;

/// What a caller says of a customer, Housecall Pro OpenAPI `CustomerCreate` without addresses.
#[derive(Clone, Default, Serialize)]
pub(super) struct CustomerFields {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) mobile_number: Option<String>,
    pub(super) home_number: Option<String>,
    pub(super) work_number: Option<String>,
    /// The customer's own firm, not the account.
    pub(super) company: Option<String>,
    pub(super) notifications_enabled: bool,
    pub(super) lead_source: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) tags: Vec<String>,
}

/// A customer in the books; serialized it is the OpenAPI's `Customer`.
#[derive(Clone, Serialize)]
pub(super) struct Customer {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) fields: CustomerFields,
    pub(super) addresses: Vec<Address>,
    pub(super) company_id: String,
    pub(super) company_name: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A postal address; serialized it is the OpenAPI's `Address`.
#[derive(Clone, Default, Serialize)]
pub(super) struct Address {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) purpose: &'static str,
    pub(super) street: Option<String>,
    pub(super) street_line_2: Option<String>,
    pub(super) city: Option<String>,
    pub(super) state: Option<String>,
    pub(super) zip: Option<String>,
    pub(super) country: Option<String>,
}

/// What a caller says of a lead, without whom it is about.
#[derive(Clone, Default, Serialize)]
pub(super) struct LeadFields {
    pub(super) assigned_employee_id: Option<String>,
    pub(super) lead_source: Option<String>,
    pub(super) note: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) tax_name: Option<String>,
    pub(super) tax_rate: Option<i64>,
}

/// A lead in the books.
#[derive(Clone)]
pub(super) struct Lead {
    pub(super) id: String,
    pub(super) number: usize,
    pub(super) fields: LeadFields,
    pub(super) customer: Arc<Customer>,
    pub(super) address: Option<Address>,
    pub(super) status: &'static str,
    pub(super) conversion: Option<Conversion>,
    pub(super) company: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// What a won lead became.
#[derive(Clone, Serialize)]
pub(super) struct Conversion {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

/// A job, which here comes from a converted lead only.
#[derive(Serialize)]
pub(super) struct Job {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) lead_id: String,
    pub(super) customer_id: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A note on a job.
#[derive(Serialize)]
pub(super) struct Note {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) job_id: String,
    pub(super) content: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A tag or a lead source.
#[derive(Clone, Serialize)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

/// Tags or lead sources, each name once. A caller may bring a new one with every lead.
#[derive(Default)]
pub(super) struct Names {
    list: Vec<Named>,
    places: HashMap<String, usize>,
}

impl Names {
    /// The entry of that name, which is added if it is new.
    pub(super) fn remember(&mut self, prefix: &str, name: &str) -> Named {
        if let Some(place) = self.places.get(name) {
            return self.list[*place].clone();
        }
        let named = Named {
            id: new_id(prefix),
            name: name.to_owned(),
        };
        self.places.insert(name.to_owned(), self.list.len());
        self.list.push(named.clone());
        named
    }

    /// All entries, oldest first.
    pub(super) fn all(&self) -> &[Named] {
        &self.list
    }

    pub(super) fn remember_all(&mut self, prefix: &str, names: &[String]) {
        for name in names {
            self.remember(prefix, name);
        }
    }
}

/// Whether lists and searches show a record yet.
pub(super) fn is_indexed(created_at: DateTime<Utc>, lag: Duration) -> bool {
    lag.is_zero()
        || (clock::now() - created_at)
            .to_std()
            .is_ok_and(|age| age >= lag)
}

/// What a company is called in answers.
pub(super) fn display_name(company: &str) -> String {
    format!("Simulated company {company}")
}

/// Ids are random, so that those of a restarted stand-in cannot pass for those of the one before.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}
