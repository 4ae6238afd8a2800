//! What took effect, company by company.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rand::RngExt;
use serde_json::{Value, json};

use super::tokens::Tokens;
use crate::clock;
use crate::crm::Collection;
use crate::shelves::{Companies, Shelf};

/// All companies. One comes into being when it is first used.
#[derive(Default)]
pub(super) struct Books {
    companies: Companies<Company>,
}

/// One company's account.
pub(super) struct Company {
    name: String,
    last_id: i64,
    pub(super) tokens: Tokens,
    pub(super) persons: Shelf<String, Row>,
    pub(super) leads: Shelf<String, Row>,
    pub(super) deals: Shelf<String, Row>,
    pub(super) notes: Shelf<String, Row>,
}

/// A record, as the API shows it and as the books do.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) company: String,
    pub(super) at: DateTime<Utc>,
    /// Whose it is: a lead's or deal's person, a note's lead or deal.
    pub(super) parents: Vec<String>,
    pub(super) is_deleted: bool,
    pub(super) is_archived: bool,
    pub(super) shown: Value,
    /// What the books say besides.
    pub(super) kept: Value,
}

/// What people can do: its name, the records it is about, and what becomes of one.
type Happening = (
    &'static str,
    fn(&mut Company) -> &mut Shelf<String, Row>,
    fn(&mut Row),
);

/// Pointers to records of one kind, taken out of the books.
pub(super) struct Shelved {
    name: &'static str,
    rows: Vec<Arc<Row>>,
}

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        self.companies.company(name, |name| Company {
            name: name.to_owned(),
            // Random, so that ids of a restarted stand-in cannot pass for those of the one before.
            last_id: rand::rng().random_range(1_000_000..1_000_000_000),
            tokens: Tokens::default(),
            persons: Shelf::default(),
            leads: Shelf::default(),
            deals: Shelf::default(),
            notes: Shelf::default(),
        })
    }

    /// Pointers to every record of one company or of all.
    pub(super) fn shelves(&self, company: Option<&str>) -> Vec<Shelved> {
        let of = |name, shelf: fn(&Company) -> &Shelf<String, Row>| {
            let chosen = self.companies.chosen(company);
            let rows = chosen.flat_map(|company| shelf(company).all().iter().cloned());
            Shelved {
                name,
                rows: rows.collect(),
            }
        };
        vec![
            of("persons", |company| &company.persons),
            of("leads", |company| &company.leads),
            of("deals", |company| &company.deals),
            of("notes", |company| &company.notes),
        ]
    }
}

impl Shelved {
    pub(super) fn shown(self) -> Collection {
        let rows = self.rows.iter().map(|row| row.in_books()).collect();
        Collection {
            name: self.name,
            rows,
        }
    }
}

impl Row {
    fn in_books(&self) -> Value {
        let mut row = self.shown.clone();
        row["company"] = json!(self.company);
        row["is_deleted"] = json!(self.is_deleted);
        row["is_archived"] = json!(self.is_archived);
        for (name, value) in self.kept.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        row
    }

    pub(super) fn belongs_to(&self, parent: &str) -> bool {
        self.parents.iter().any(|known| known == parent)
    }
}

impl Company {
    /// The number of the next record, whatever it is.
    pub(super) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// A record that is being made now.
    pub(super) fn row(&self, parents: Vec<String>, shown: Value) -> Row {
        Row {
            company: self.name.clone(),
            at: clock::now(),
            parents,
            is_deleted: false,
            is_archived: false,
            shown,
            kept: Value::Null,
        }
    }

    /// A person who is there.
    pub(super) fn has_person(&self, id: i64) -> bool {
        is_there(&self.persons, &id.to_string())
    }

    /// Somebody at the company does something.
    pub(super) fn happen(&mut self, event: &Value) -> Result<(), String> {
        let events: [Happening; 3] = [
            (
                "delete_person",
                |company| &mut company.persons,
                |row| {
                    row.is_deleted = true;
                },
            ),
            (
                "archive_lead",
                |company| &mut company.leads,
                |row| {
                    row.is_archived = true;
                },
            ),
            (
                "archive_deal",
                |company| &mut company.deals,
                |row| {
                    row.is_archived = true;
                },
            ),
        ];
        let mut events = events.into_iter();
        let (name, shelf, change) = events
            .find(|(name, ..)| event.get(*name).is_some())
            .ok_or("it is delete_person, archive_lead or archive_deal")?;
        let id = match &event[name]["id"] {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        };
        let row = shelf(self).get_mut(&id).ok_or("there is no such record")?;
        change(row);
        Ok(())
    }
}

/// Whether a record is there and was not deleted.
pub(super) fn is_there(shelf: &Shelf<String, Row>, id: &str) -> bool {
    shelf.get(id).is_some_and(|row| !row.is_deleted)
}
