//! What took effect, account by account.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::records::{Address, Client, Note, Property, WorkRequest, new_id};
use super::shelf::Shelf;
use crate::clock;
use crate::crm::Collection;
use crate::shelves::Companies;
use crate::text_index::TextIndex;

/// All accounts.
#[derive(Default)]
pub(super) struct Books(Companies<Company>);

/// One contractor's account.
#[derive(Default)]
pub(super) struct Company {
    pub(super) name: String,
    pub(super) clients: Shelf<Client>,
    pub(super) properties: Shelf<Property>,
    pub(super) requests: Shelf<WorkRequest>,
    pub(super) notes: Shelf<Note>,
    /// Everything a client was ever found by; [`Company::search`] sorts out what it no longer is.
    texts: TextIndex,
}

/// Pointers to the records of one kind, by name; turned into rows without the lock.
pub(super) struct Shelves {
    clients: Vec<Arc<Client>>,
    properties: Vec<Arc<Property>>,
    requests: Vec<Arc<WorkRequest>>,
    notes: Vec<Arc<Note>>,
}

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        self.0.company(name, |name| Company {
            name: name.to_owned(),
            ..Company::default()
        })
    }

    /// Every record of one company or of all.
    pub(super) fn shelves(&self, company: Option<&str>) -> Shelves {
        let chosen = || self.0.chosen(company);
        Shelves {
            clients: chosen()
                .flat_map(|one| one.clients.rows())
                .cloned()
                .collect(),
            properties: chosen()
                .flat_map(|one| one.properties.rows())
                .cloned()
                .collect(),
            requests: chosen()
                .flat_map(|one| one.requests.rows())
                .cloned()
                .collect(),
            notes: chosen().flat_map(|one| one.notes.rows()).cloned().collect(),
        }
    }
}

impl Shelves {
    pub(super) fn into_collections(self) -> Vec<Collection> {
        vec![
            collection("clients", &self.clients),
            collection("properties", &self.properties),
            collection("work_requests", &self.requests),
            collection("notes", &self.notes),
        ]
    }
}

fn collection<T: Serialize>(name: &'static str, records: &[Arc<T>]) -> Collection {
    let rows = records.iter().map(|record| json!(**record)).collect();
    Collection { name, rows }
}

impl Company {
    /// Adds a client. Nothing is checked for duplicates, as nothing is documented to be.
    pub(super) fn add_client(&mut self, client: Client) -> Arc<Client> {
        self.texts.push(&searchable(&client));
        self.clients.add(client)
    }

    /// Changes a client that exists; `None` if it does not.
    pub(super) fn change_client(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Client),
    ) -> Option<Arc<Client>> {
        let (place, client) = self.clients.change(id, |client| {
            change(client);
            client.updated_at = clock::now();
        })?;
        self.texts.extend(place, &searchable(&client));
        Some(client)
    }

    /// Adds a property to a client that exists.
    pub(super) fn add_property(&mut self, client_id: &str, address: Address) -> Arc<Property> {
        let now = clock::now();
        self.properties.add(Property {
            company: self.name.clone(),
            id: new_id("Property"),
            client_id: client_id.to_owned(),
            address,
            created_at: now,
            updated_at: now,
        })
    }

    /// Clients of whom every word is a part of their name, firm, e-mail or phone number's digits.
    pub(super) fn search(&self, words: &[String]) -> Vec<Arc<Client>> {
        if words.is_empty() {
            return self.clients.all();
        }
        let mut found = self.clients.at(&self.texts.search(words));
        found.retain(|client| {
            let text = searchable(client).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        });
        found
    }

    /// A request's own notes, and those of its client that are linked to requests.
    pub(super) fn notes_of_request(&self, request: &WorkRequest) -> Vec<Arc<Note>> {
        let mut notes = self.notes.of_client(&request.client_id);
        notes.retain(|note| match &note.request_id {
            Some(id) => *id == request.id,
            None => note.linked_to["requests"] == Value::Bool(true),
        });
        notes
    }
}

/// The words of a search. Fuzzy: of a phone number only the last seven digits count, so strangers
/// with another area code are found too, and a caller has to compare numbers itself.
pub(super) fn words(term: &str) -> Vec<String> {
    term.split_whitespace().map(loosened).collect()
}

fn loosened(word: &str) -> String {
    let digits = digits(word);
    let is_number = !digits.is_empty() && word.chars().all(|one| "+()-.0123456789".contains(one));
    match digits.len() {
        7.. if is_number => digits[digits.len() - 7..].to_owned(),
        _ if is_number => digits,
        _ => word.to_lowercase(),
    }
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn searchable(client: &Client) -> String {
    let mut lines = vec![client.person()];
    lines.extend(client.company_name.clone());
    lines.extend(client.emails.iter().map(|email| email.address.clone()));
    lines.extend(client.phones.iter().map(|phone| digits(&phone.number)));
    lines.join("\n")
}
