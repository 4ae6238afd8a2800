//! What took effect, company by company.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::behavior::{Behavior, Rate};
use crate::clock;
use crate::crm::Collection;
use crate::shelves::{Companies, Shelf};

/// The times of records, on the account's wall clock.
pub(super) const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// The first client of a company.
const FIRST_CLIENT: i64 = 1001;

/// Closed statuses, as the document names them.
const CLOSED: [&str; 2] = ["Done", "Canceled"];

/// All companies. One comes into being when it is first used.
#[derive(Default)]
pub(super) struct Books {
    companies: Companies<Company>,
}

/// One contractor's account.
#[derive(Default)]
pub(super) struct Company {
    name: String,
    pub(super) behavior: Behavior,
    pub(super) rate: Rate,
    leads: Shelf<String, Item>,
    jobs: Shelf<String, Item>,
    clients: Shelf<i64, Client>,
}

/// A lead or a job.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) uuid: String,
    pub(super) serial: usize,
    pub(super) client_id: i64,
    /// `LeadDateTime`.
    pub(super) time: NaiveDateTime,
    /// What else it was given, by Workiz's names.
    pub(super) fields: Map<String, Value>,
    pub(super) created_at: DateTime<Utc>,
    is_converted: bool,
}

/// Whom leads are of.
struct Client {
    id: i64,
    fields: Map<String, Value>,
}

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        self.companies.company(name, |name| Company {
            name: name.to_owned(),
            ..Company::default()
        })
    }

    /// Everything that is there, of one company or of all.
    pub(super) fn collections(&self, company: Option<&str>) -> Vec<Collection> {
        let (mut leads, mut jobs, mut clients) = (Vec::new(), Vec::new(), Vec::new());
        for company in self.companies.chosen(company) {
            let row = |item: &Arc<Item>| {
                let mut row = item.shown();
                row["id"] = item.uuid.clone().into();
                row["company"] = company.name.clone().into();
                row
            };
            leads.extend(company.leads.all().iter().map(row));
            jobs.extend(company.jobs.all().iter().map(row));
            clients.extend(company.clients.all().iter().map(|client| {
                let mut row = Value::Object(client.fields.clone());
                row["id"] = client.id.into();
                row["company"] = company.name.clone().into();
                row
            }));
        }
        let collection = |name, rows| Collection { name, rows };
        vec![
            collection("leads", leads),
            collection("jobs", jobs),
            collection("clients", clients),
        ]
    }
}

impl Company {
    /// Adds a lead of this client, or of a new one; `None` if there is no such client.
    pub(super) fn add_lead(
        &mut self,
        client_id: Option<i64>,
        time: NaiveDateTime,
        fields: Map<String, Value>,
    ) -> Option<Arc<Item>> {
        let client_id = match client_id {
            Some(id) => self.clients.get(&id).map(|client| client.id)?,
            None => self.add_client(&fields),
        };
        let lead = Arc::new(Item {
            uuid: new_uuid(),
            serial: self.leads.all().len() + 1,
            client_id,
            time,
            fields,
            created_at: clock::now(),
            is_converted: false,
        });
        self.leads.push(lead.uuid.clone(), Arc::clone(&lead));
        Some(lead)
    }

    fn add_client(&mut self, fields: &Map<String, Value>) -> i64 {
        let id = FIRST_CLIENT + self.clients.all().len() as i64;
        let of_client = ["FirstName", "LastName", "Phone", "Email"];
        let fields = fields.iter();
        let fields = fields.filter(|(name, _)| of_client.contains(&name.as_str()));
        let fields = fields.map(|(name, value)| (name.clone(), value.clone()));
        let client = Client {
            id,
            fields: fields.collect(),
        };
        self.clients.push(id, Arc::new(client));
        id
    }

    /// A client is taken away; `None` if there is no such one.
    pub(super) fn delete_client(&mut self, id: i64) -> Option<()> {
        self.clients.remove(&id)
    }

    pub(super) fn lead(&self, uuid: &str) -> Option<&Arc<Item>> {
        self.leads.get(uuid).filter(|lead| !lead.is_converted)
    }

    /// Those that are leads still, oldest first.
    pub(super) fn leads(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.leads.all().iter().filter(|lead| !lead.is_converted)
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.jobs.all().iter()
    }

    /// Replaces what is given; `None` if there is no such lead.
    pub(super) fn update(&mut self, uuid: &str, given: &Value) -> Option<()> {
        self.lead(uuid)?;
        let lead = self.leads.get_mut(uuid)?;
        for (name, value) in given.as_object().into_iter().flatten() {
            lead.fields.insert(name.clone(), value.clone());
        }
        Some(())
    }

    /// The lead becomes a job; `None` if there is no such lead.
    pub(super) fn convert(&mut self, uuid: &str) -> Option<()> {
        let mut job = Item::clone(self.lead(uuid)?);
        self.leads.get_mut(uuid)?.is_converted = true;
        job.uuid = new_uuid();
        job.serial = self.jobs.all().len() + 1;
        if let Some(notes) = job.fields.remove("LeadNotes") {
            job.fields.insert("JobNotes".to_owned(), notes);
        }
        self.jobs.push(job.uuid.clone(), Arc::new(job));
        Some(())
    }
}

impl Item {
    /// Whether its status is none that ends it.
    pub(super) fn is_open(&self) -> bool {
        !CLOSED.contains(&self.status())
    }

    pub(super) fn status(&self) -> &str {
        self.fields
            .get("Status")
            .and_then(Value::as_str)
            .unwrap_or("new")
    }

    /// As a list shows a lead: ids are texts.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({
            "UUID": self.uuid,
            "SerialId": self.serial.to_string(),
            "LeadDateTime": self.time.format(TIME).to_string(),
            "CreatedDate": self.created_at.format(TIME).to_string(),
            "ClientId": self.client_id.to_string(),
            "Status": self.status(),
            "SubStatus": "",
            "Comments": "",
            "Team": [],
        });
        for (name, value) in &self.fields {
            shown[name] = value.clone();
        }
        shown
    }

    /// The page that shows it.
    pub(super) fn link(&self) -> String {
        format!("https://app.workiz.com/root/lead/{}/1", self.uuid)
    }
}

/// Six letters and digits.
fn new_uuid() -> String {
    const SIGNS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut random = Uuid::new_v4().as_u128();
    let mut sign = || {
        let sign = SIGNS[(random % 36) as usize];
        random /= 36;
        char::from(sign)
    };
    (0..6).map(|_| sign()).collect()
}
