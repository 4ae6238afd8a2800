//! What took effect, company by company, with the indexes that keep look-ups fast.

use std::collections::HashMap;
use std::sync::Arc;

use super::records::{
    Address, Conversion, Customer, CustomerFields, Job, JobFields, Lead, LeadFields, Note,
};
use super::rows::Shelves;
use crate::clock;
use crate::names::{Names, display_name, new_id};
use crate::shelves::{Companies, Shelf};
use crate::text_index::TextIndex;

/// All companies. One comes into being when it is first used.
#[derive(Default)]
pub(super) struct Books {
    companies: Companies<Company>,
}

/// One contractor's account.
#[derive(Default)]
pub(super) struct Company {
    name: String,
    customers: Shelf<String, Customer>,
    pub(super) leads: Shelf<String, Lead>,
    pub(super) lead_sources: Names,
    pub(super) tags: Names,
    pub(super) jobs: Shelf<String, Job>,
    notes: Vec<Arc<Note>>,
    leads_by_customer: HashMap<String, Vec<usize>>,
    jobs_by_customer: HashMap<String, Vec<usize>>,
    notes_by_job: HashMap<String, Vec<usize>>,
    customer_texts: TextIndex,
}

/// Why a lead or job cannot be created: what it refers to is not there.
pub(super) struct Absent(pub(super) &'static str);

/// Whom a new lead is about.
pub(super) enum About {
    Known {
        customer_id: String,
    },
    New {
        fields: Box<CustomerFields>,
        addresses: Vec<Address>,
    },
}

/// Where a new lead's work is.
pub(super) enum Site {
    Unsaid,
    Known { address_id: String },
    New(Address),
}

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        self.companies.company(name, |name| Company {
            name: name.to_owned(),
            ..Company::default()
        })
    }

    /// Pointers to every record of one company or of all.
    pub(super) fn shelves(&self, company: Option<&str>) -> Shelves {
        let mut shelves = Shelves::default();
        for company in self.companies.chosen(company) {
            shelves
                .customers
                .extend(company.customers.all().iter().cloned());
            shelves.leads.extend(company.leads.all().iter().cloned());
            shelves.jobs.extend(company.jobs.all().iter().cloned());
            shelves.notes.extend(company.notes.iter().cloned());
        }
        shelves
    }
}

impl Company {
    /// Adds a customer. Nothing is checked for duplicates, as nothing is documented to be.
    pub(super) fn add_customer(
        &mut self,
        fields: CustomerFields,
        addresses: Vec<Address>,
    ) -> Arc<Customer> {
        self.tags.remember_all("tag", &fields.tags);
        self.lead_sources
            .remember_all("lds", fields.lead_source.as_slice());
        self.customer_texts.push(&searchable(&fields));
        let place = self.customers.all().len();
        for address in &addresses {
            self.customer_texts
                .extend(place, &searchable_address(address));
        }
        let now = clock::now();
        let customer = Arc::new(Customer {
            id: new_id("cus"),
            fields,
            addresses,
            company_id: self.name.clone(),
            company_name: display_name(&self.name),
            created_at: now,
            updated_at: now,
        });
        self.customers
            .push(customer.id.clone(), Arc::clone(&customer));
        customer
    }

    pub(super) fn customer(&self, id: &str) -> Option<&Arc<Customer>> {
        self.customers.get(id)
    }

    /// Adds an address to a customer that exists; `None` if it does not.
    pub(super) fn add_address(&mut self, customer_id: &str, address: Address) -> Option<()> {
        let place = self.customers.place(customer_id)?;
        self.customer_texts
            .extend(place, &searchable_address(&address));
        let customer = self.customers.get_mut(customer_id)?;
        customer.addresses.push(address);
        customer.updated_at = clock::now();
        Some(())
    }

    /// Customers whose name, e-mail, mobile number or address holds every word of the query.
    ///
    /// Fuzzy: of ten digits only the last seven count, so strangers with another area code are
    /// found too, and a caller has to compare numbers itself.
    pub(super) fn search_customers(&self, query: &str) -> Vec<&Arc<Customer>> {
        let words: Vec<String> = query.split_whitespace().map(loosened).collect();
        let places = self.customer_texts.search(&words).into_iter();
        places
            .map(|place| self.customers.at(place))
            .filter(|customer| self.customer(&customer.id).is_some())
            .collect()
    }

    /// Somebody at the company deletes a customer; `None` if there is no such one.
    pub(super) fn delete_customer(&mut self, id: &str) -> Option<()> {
        self.customers.remove(id)
    }

    /// Adds a lead, and its customer and address if they are new; all or nothing.
    pub(super) fn add_lead(
        &mut self,
        fields: LeadFields,
        about: About,
        site: Site,
    ) -> Result<Arc<Lead>, Absent> {
        let known_address = self.known_address(&about, &site)?;
        // Nothing is refused from here on.
        let customer_id = match about {
            About::Known { customer_id } => customer_id,
            About::New { fields, addresses } => self.add_customer(*fields, addresses).id.clone(),
        };
        let address = match site {
            Site::New(address) => {
                self.add_address(&customer_id, address.clone());
                Some(address)
            }
            Site::Unsaid | Site::Known { .. } => known_address,
        };
        let customer = self.customer(&customer_id).cloned();
        let customer = customer.ok_or(Absent("customer not found"))?;
        Ok(self.file_lead(fields, customer, address))
    }

    /// Makes sure that what a new lead refers to is there, and looks its address up.
    fn known_address(&self, about: &About, site: &Site) -> Result<Option<Address>, Absent> {
        let customer = match about {
            About::Known { customer_id } => Some(
                self.customer(customer_id)
                    .ok_or(Absent("customer not found"))?,
            ),
            About::New { .. } => None,
        };
        let Site::Known { address_id } = site else {
            return Ok(None);
        };
        let mut addresses = customer.iter().flat_map(|customer| &customer.addresses);
        let address = addresses.find(|address| address.id == *address_id);
        address
            .cloned()
            .map(Some)
            .ok_or(Absent("address not found"))
    }

    pub(super) fn lead(&self, id: &str) -> Option<&Arc<Lead>> {
        self.leads.get(id)
    }

    /// A customer's leads, oldest first, without reading anybody else's.
    pub(super) fn leads_of(&self, customer_id: &str) -> Vec<&Arc<Lead>> {
        let places = self.leads_by_customer.get(customer_id);
        places
            .into_iter()
            .flatten()
            .map(|place| self.leads.at(*place))
            .collect()
    }

    /// Marks a lead as won and opens the job or estimate; `None` if there is no such lead.
    pub(super) fn convert_lead(&mut self, id: &str, kind: &'static str) -> Option<Conversion> {
        let lead = self.leads.get_mut(id)?;
        let conversion = Conversion {
            id: new_id(&kind.to_lowercase()[..3]),
            kind,
        };
        (lead.status, lead.updated_at) = ("won", clock::now());
        lead.conversion = Some(conversion.clone());
        if kind == "Job" {
            let lead = lead.clone();
            self.file_job(Job {
                company: self.name.clone(),
                id: conversion.id.clone(),
                number: self.next_invoice_number(),
                fields: JobFields {
                    lead_source: lead.fields.lead_source,
                    ..JobFields::default()
                },
                lead_id: Some(lead.id),
                customer: lead.customer,
                address: lead.address,
                created_at: lead.updated_at,
            });
        }
        Some(conversion)
    }

    /// Adds a job for a customer at one of that customer's addresses.
    pub(super) fn add_job(
        &mut self,
        fields: JobFields,
        customer_id: &str,
        address_id: &str,
    ) -> Result<Arc<Job>, Absent> {
        let customer = self.customer(customer_id).cloned();
        let customer = customer.ok_or(Absent("customer not found"))?;
        let mut addresses = customer.addresses.iter();
        let address = addresses.find(|address| address.id == address_id).cloned();
        let address = address.ok_or(Absent("address not found"))?;
        self.tags.remember_all("tag", &fields.tags);
        self.lead_sources
            .remember_all("lds", fields.lead_source.as_slice());
        let number = fields.invoice_number;
        Ok(self.file_job(Job {
            company: self.name.clone(),
            id: new_id("job"),
            number: number.unwrap_or_else(|| self.next_invoice_number()),
            fields,
            lead_id: None,
            customer,
            address: Some(address),
            created_at: clock::now(),
        }))
    }

    /// Whether a job of the company has this invoice number.
    pub(super) fn has_invoice_number(&self, number: i64) -> bool {
        self.jobs.all().iter().any(|job| job.number == number)
    }

    fn next_invoice_number(&self) -> i64 {
        let numbers = self.jobs.all().iter().map(|job| job.number);
        numbers.max().unwrap_or_default().saturating_add(1)
    }

    fn file_job(&mut self, job: Job) -> Arc<Job> {
        let job = Arc::new(job);
        let place = self.jobs.push(job.id.clone(), Arc::clone(&job));
        let of_customer = self.jobs_by_customer.entry(job.customer.id.clone());
        of_customer.or_default().push(place);
        job
    }

    pub(super) fn job(&self, id: &str) -> Option<&Arc<Job>> {
        self.jobs.get(id)
    }

    /// A customer's jobs, oldest first, without reading anybody else's.
    pub(super) fn jobs_of(&self, customer_id: &str) -> Vec<&Arc<Job>> {
        let places = self.jobs_by_customer.get(customer_id).into_iter().flatten();
        places.map(|place| self.jobs.at(*place)).collect()
    }

    /// Adds a note to a job; `None` if there is no such job.
    pub(super) fn add_note(&mut self, job_id: &str, content: String) -> Option<Arc<Note>> {
        self.job(job_id)?;
        let note = Arc::new(Note {
            company: self.name.clone(),
            id: new_id("nte"),
            job_id: job_id.to_owned(),
            content,
            created_at: clock::now(),
        });
        let of_job = self.notes_by_job.entry(note.job_id.clone());
        of_job.or_default().push(self.notes.len());
        self.notes.push(Arc::clone(&note));
        Some(note)
    }

    /// A job's notes, oldest first.
    pub(super) fn notes_of(&self, job_id: &str) -> Vec<Arc<Note>> {
        let places = self.notes_by_job.get(job_id).into_iter().flatten();
        places
            .map(|place| Arc::clone(&self.notes[*place]))
            .collect()
    }

    fn file_lead(
        &mut self,
        fields: LeadFields,
        customer: Arc<Customer>,
        address: Option<Address>,
    ) -> Arc<Lead> {
        self.tags.remember_all("tag", &fields.tags);
        self.lead_sources
            .remember_all("lds", fields.lead_source.as_slice());
        let (place, now) = (self.leads.all().len(), clock::now());
        let lead = Arc::new(Lead {
            id: new_id("lea"),
            number: place + 1,
            fields,
            customer,
            address,
            status: "open",
            conversion: None,
            company: self.name.clone(),
            created_at: now,
            updated_at: now,
        });
        self.leads_by_customer
            .entry(lead.customer.id.clone())
            .or_default()
            .push(place);
        self.leads.push(lead.id.clone(), Arc::clone(&lead));
        lead
    }
}

fn loosened(word: &str) -> String {
    let is_phone = word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_phone {
        word[3..].to_owned()
    } else {
        word.to_lowercase()
    }
}

fn searchable(fields: &CustomerFields) -> String {
    let joined = |parts: [&Option<String>; 2], by: &str| {
        let given: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        given.join(by)
    };
    let name = joined([&fields.first_name, &fields.last_name], " ");
    let rest = joined([&fields.email, &fields.mobile_number], "\n");
    format!("{name}\n{rest}")
}

fn searchable_address(address: &Address) -> String {
    let Address {
        street,
        street_line_2,
        city,
        state,
        zip,
        ..
    } = address;
    let lines = [street, street_line_2, city, state, zip]
        .into_iter()
        .flatten();
    lines.map(String::as_str).collect::<Vec<_>>().join(" ")
}
