//! What took effect, company by company.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::meter::Meter;
use super::records::{Contact, Note, Opportunity};
use crate::clock;
use crate::crm::Collection;
use crate::shelves::{Companies, Shelf};

/// All companies, and whose each location is.
#[derive(Default)]
pub(super) struct Books {
    companies: Companies<Company>,
    locations: HashMap<String, String>,
}

/// One contractor's account.
#[derive(Default)]
pub(super) struct Company {
    name: String,
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    pub(super) contacts: Shelf<String, Contact>,
    pub(super) opportunities: Shelf<String, Opportunity>,
    notes: Vec<Arc<Note>>,
    by_phone: HashMap<String, Vec<usize>>,
    by_email: HashMap<String, Vec<usize>>,
    opportunities_of: HashMap<String, Vec<usize>>,
    notes_of: HashMap<String, Vec<usize>>,
}

/// What a location's people have set.
pub(super) struct Settings {
    pub(super) allow_duplicate_contact: bool,
    pub(super) allow_duplicate_opportunity: bool,
    /// Whether a refusal says which record is there.
    pub(super) names_duplicates: bool,
    /// All of them, until it is set.
    pub(super) scopes: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_duplicate_contact: true,
            allow_duplicate_opportunity: true,
            names_duplicates: true,
            scopes: None,
        }
    }
}

impl Settings {
    pub(super) fn permit(&self, scope: &str) -> bool {
        let scopes = self.scopes.as_ref();
        scopes.is_none_or(|scopes| scopes.iter().any(|known| known == scope))
    }
}

/// Pointers to records, taken out of the books, with the company of each.
#[derive(Default)]
pub(super) struct Shelves {
    contacts: Vec<(Arc<str>, Arc<Contact>)>,
    opportunities: Vec<(Arc<str>, Arc<Opportunity>)>,
    notes: Vec<(Arc<str>, Arc<Note>)>,
}

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        self.companies.company(name, |name| Company {
            name: name.to_owned(),
            ..Company::default()
        })
    }

    /// Whether a company's token opens that location. One that is called by a number becomes that of
    /// whoever comes first.
    pub(super) fn may_enter(&mut self, company: &str, location: &str) -> bool {
        let Some(rest) = location.strip_prefix("loc-") else {
            return false;
        };
        if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return rest == company;
        }
        let owner = self.locations.entry(location.to_owned());
        owner.or_insert_with(|| company.to_owned()) == company
    }

    /// The location that a company is at home in.
    pub(super) fn location_of(&self, company: &str) -> String {
        format!("loc-{company}")
    }

    /// Pointers to every record of one company or of all.
    pub(super) fn shelves(&self, company: Option<&str>) -> Shelves {
        let mut shelves = Shelves::default();
        for company in self.companies.chosen(company) {
            let name: Arc<str> = company.name.as_str().into();
            fn of<T>(name: &Arc<str>, all: &[Arc<T>]) -> Vec<(Arc<str>, Arc<T>)> {
                let all = all.iter();
                all.map(|record| (Arc::clone(name), Arc::clone(record)))
                    .collect()
            }
            shelves.contacts.extend(of(&name, company.contacts.all()));
            let opportunities = company.opportunities.all();
            shelves.opportunities.extend(of(&name, opportunities));
            shelves.notes.extend(of(&name, &company.notes));
        }
        shelves
    }
}

impl Company {
    pub(super) fn add_contact(&mut self, contact: Contact) -> Arc<Contact> {
        let (phone, email) = (contact.phone.clone(), contact.email.clone());
        let contact = Arc::new(contact);
        let place = self.contacts.push(contact.id.clone(), Arc::clone(&contact));
        if let Some(phone) = phone {
            self.by_phone.entry(phone).or_default().push(place);
        }
        if let Some(email) = email {
            let email = email.to_lowercase();
            self.by_email.entry(email).or_default().push(place);
        }
        contact
    }

    pub(super) fn contact(&self, id: &str) -> Option<&Arc<Contact>> {
        self.contacts.get(id)
    }

    /// Contacts that are there and have the number, oldest first.
    pub(super) fn with_phone(&self, phone: &str) -> Vec<&Arc<Contact>> {
        self.there(self.by_phone.get(phone))
    }

    /// The same by an e-mail address, in any letters.
    pub(super) fn with_email(&self, email: &str) -> Vec<&Arc<Contact>> {
        self.there(self.by_email.get(&email.to_lowercase()))
    }

    fn there(&self, places: Option<&Vec<usize>>) -> Vec<&Arc<Contact>> {
        let places = places.into_iter().flatten();
        let known = places.map(|place| self.contacts.at(*place));
        known
            .filter(|contact| self.contact(&contact.id).is_some())
            .collect()
    }

    /// Every contact that is there, oldest first.
    pub(super) fn all_contacts(&self) -> Vec<&Arc<Contact>> {
        let all = self.contacts.all().iter();
        all.filter(|contact| self.contact(&contact.id).is_some())
            .collect()
    }

    pub(super) fn add_opportunity(&mut self, opportunity: Opportunity) -> Arc<Opportunity> {
        let contact = opportunity.contact_id.clone();
        let opportunity = Arc::new(opportunity);
        let place = self
            .opportunities
            .push(opportunity.id.clone(), Arc::clone(&opportunity));
        self.opportunities_of
            .entry(contact)
            .or_default()
            .push(place);
        opportunity
    }

    /// A contact's opportunities, oldest first.
    pub(super) fn opportunities_of(&self, contact: &str) -> Vec<&Arc<Opportunity>> {
        let places = self.opportunities_of.get(contact).into_iter().flatten();
        places.map(|place| self.opportunities.at(*place)).collect()
    }

    /// Somebody at the company gives an opportunity another name.
    pub(super) fn rename_opportunity(&mut self, id: &str, name: &str) -> Option<()> {
        let opportunity = self.opportunities.get_mut(id)?;
        opportunity.name = name.to_owned();
        opportunity.updated_at = clock::now();
        Some(())
    }

    pub(super) fn add_note(&mut self, note: Note) -> Arc<Note> {
        let of_contact = self.notes_of.entry(note.contact_id.clone());
        of_contact.or_default().push(self.notes.len());
        let note = Arc::new(note);
        self.notes.push(Arc::clone(&note));
        note
    }

    /// A contact's notes, oldest first.
    pub(super) fn notes_of(&self, contact: &str) -> Vec<Arc<Note>> {
        let places = self.notes_of.get(contact).into_iter().flatten();
        places
            .map(|place| Arc::clone(&self.notes[*place]))
            .collect()
    }
}

impl Shelves {
    pub(super) fn into_collections(self) -> Vec<Collection> {
        vec![
            Collection {
                name: "contacts",
                rows: rows(&self.contacts),
            },
            Collection {
                name: "opportunities",
                rows: rows(&self.opportunities),
            },
            Collection {
                name: "notes",
                rows: rows(&self.notes),
            },
        ]
    }
}

fn rows<T: serde::Serialize>(records: &[(Arc<str>, Arc<T>)]) -> Vec<Value> {
    let row = |(company, record): &(Arc<str>, Arc<T>)| {
        let mut row = json!(**record);
        row["company"] = json!(**company);
        row
    };
    records.iter().map(row).collect()
}
