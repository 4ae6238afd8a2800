//! What took effect, account by account, with the indexes that keep unique values unique.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use rand::RngExt;
use serde_json::{Map, Value, json};

use super::html;
use super::problem::{Fault, conflict, invalid, invalid_association};
use super::schema::{self, Kind, Property};
use super::throttle::Throttle;
use crate::clock;
use crate::crm::Collection;
use crate::reply::Reply;
use crate::shelves::{Companies, Shelf};

/// The first account's number.
const FIRST_PORTAL: u64 = 24_000_001;

/// All accounts.
#[derive(Default)]
pub(super) struct Books {
    companies: Companies<Company>,
    portals: HashMap<String, u64>,
}

/// One contractor's account.
pub(super) struct Company {
    name: String,
    pub(super) portal: u64,
    last_id: u64,
    shelves: [Shelf<String, Record>; 4],
    properties: [Vec<Property>; 4],
    /// Ids by kind, property and value: e-mail addresses, and whatever else is unique.
    unique: HashMap<(Kind, String, String), String>,
    /// What each record is associated with.
    links: HashMap<(Kind, String), Vec<(Kind, String)>>,
    /// Whether the account's plan has leads.
    pub(super) has_leads: bool,
    pub(super) throttle: Throttle,
}

/// A contact, deal, lead or note.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) properties: BTreeMap<String, String>,
    /// What it was made with.
    associations: Vec<(Kind, String)>,
}

/// A create that was read, with nothing of it believed yet.
pub(super) struct Draft {
    pub(super) properties: BTreeMap<String, String>,
    pub(super) associations: Vec<(Kind, String)>,
}

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        let next = FIRST_PORTAL + self.portals.len() as u64;
        let portal = *self.portals.entry(name.to_owned()).or_insert(next);
        let open = |name: &str| Company::open(name, portal);
        self.companies.company(name, open)
    }

    pub(super) fn collections(&self, company: Option<&str>) -> Vec<Collection> {
        let kinds = Kind::ALL.into_iter();
        kinds
            .map(|kind| Collection {
                name: kind.name(),
                rows: self
                    .companies
                    .chosen(company)
                    .flat_map(|company| company.rows(kind))
                    .collect(),
            })
            .collect()
    }
}

impl Company {
    fn open(name: &str, portal: u64) -> Self {
        Self {
            name: name.to_owned(),
            portal,
            // Ids are far apart, so that those of a restarted stand-in cannot pass for older ones.
            last_id: rand::rng().random_range(10_000_000..90_000_000_u64) * 100,
            shelves: std::array::from_fn(|_| Shelf::default()),
            properties: Kind::ALL.map(schema::properties),
            unique: HashMap::new(),
            links: HashMap::new(),
            has_leads: true,
            throttle: Throttle::new(),
        }
    }

    fn rows(&self, kind: Kind) -> impl Iterator<Item = Value> {
        let all = self.shelf(kind).all().iter();
        all.map(move |record| record.row(kind, &self.name))
    }

    pub(super) fn shelf(&self, kind: Kind) -> &Shelf<String, Record> {
        &self.shelves[place(kind)]
    }

    pub(super) fn properties(&self, kind: Kind) -> &[Property] {
        &self.properties[place(kind)]
    }

    pub(super) fn property(&self, kind: Kind, name: &str) -> Option<&Property> {
        self.properties(kind)
            .iter()
            .find(|known| known.name == name)
    }

    pub(super) fn add_property(&mut self, kind: Kind, property: Property) {
        self.properties[place(kind)].push(property);
    }

    pub(super) fn remove_property(&mut self, kind: Kind, name: &str) {
        self.properties[place(kind)].retain(|known| known.name != name);
    }

    /// A record by id, or by the value of a unique property. Those that were deleted are not there.
    pub(super) fn find(&self, kind: Kind, by: Option<&str>, value: &str) -> Option<&Arc<Record>> {
        let id = match by {
            None | Some("hs_object_id") => value.to_owned(),
            Some(property) => {
                let key = (kind, property.to_owned(), value.to_lowercase());
                self.unique.get(&key)?.clone()
            }
        };
        self.shelf(kind).get(&id)
    }

    /// Files a draft, or says in HubSpot's words why not.
    pub(super) fn create(&mut self, kind: Kind, draft: Draft) -> Result<Arc<Record>, Reply> {
        let faults = self.faults(kind, &draft.properties);
        if !faults.is_empty() {
            return Err(invalid(&faults));
        }
        if let Some(email) = draft
            .properties
            .get("email")
            .filter(|_| kind == Kind::Contact)
            && let Some(there) = self.find(kind, Some("email"), email)
        {
            return Err(conflict(&there.id));
        }
        let taken = self.taken(kind, &draft.properties);
        if !taken.is_empty() {
            return Err(invalid(&taken));
        }
        for (to, id) in &draft.associations {
            if self.shelf(*to).get(id).is_none() {
                return Err(invalid_association(*to, id));
            }
        }
        Ok(self.file(kind, draft))
    }

    fn file(&mut self, kind: Kind, draft: Draft) -> Arc<Record> {
        self.last_id += rand::rng().random_range(1..100_u64);
        let id = self.last_id.to_string();
        for (name, value) in &draft.properties {
            if self.is_unique(kind, name) {
                let key = (kind, name.clone(), value.to_lowercase());
                self.unique.insert(key, id.clone());
            }
        }
        let record = Arc::new(Record {
            id: id.clone(),
            created_at: clock::now(),
            properties: draft.properties,
            associations: draft.associations,
        });
        for (to, other) in &record.associations {
            let there = self.links.entry((*to, other.clone())).or_default();
            there.push((kind, id.clone()));
            let here = self.links.entry((kind, id.clone())).or_default();
            here.push((*to, other.clone()));
        }
        self.shelves[place(kind)].push(id, Arc::clone(&record));
        record
    }

    /// Nobody finds it any more; its unique values are free again.
    pub(super) fn delete(&mut self, kind: Kind, id: &str) -> Option<()> {
        self.shelves[place(kind)].remove(id)?;
        self.unique
            .retain(|(of, ..), known| *of != kind || known != id);
        Some(())
    }

    /// What a record is associated with, the newest first.
    pub(super) fn linked(&self, from: (Kind, &str), to: Kind) -> Vec<String> {
        let key = (from.0, from.1.to_owned());
        let all = self.links.get(&key).into_iter().flatten().rev();
        let all = all.filter(|(kind, id)| *kind == to && self.shelf(to).get(id).is_some());
        all.map(|(_, id)| id.clone()).collect()
    }

    fn is_unique(&self, kind: Kind, name: &str) -> bool {
        let own = self.property(kind, name);
        kind == Kind::Contact && name == "email" || own.is_some_and(|known| known.is_unique)
    }

    fn taken(&self, kind: Kind, properties: &BTreeMap<String, String>) -> Vec<Fault> {
        let mut taken = Vec::new();
        for (name, value) in properties {
            if self.is_unique(kind, name) && self.find(kind, Some(name), value).is_some() {
                let message = format!("{name} must be unique; another record has {value}");
                taken.push(Fault::new(name, "CONFLICTING_UNIQUE_VALUE", message));
            }
        }
        taken
    }

    fn faults(&self, kind: Kind, properties: &BTreeMap<String, String>) -> Vec<Fault> {
        let required = kind.required().iter();
        let mut faults: Vec<Fault> = required
            .filter(|name| {
                properties
                    .get(**name)
                    .is_none_or(|value| value.trim().is_empty())
            })
            .map(|name| Fault::new(name, "REQUIRED_FIELD", format!("{name} is required")))
            .collect();
        for (name, value) in properties {
            faults.extend(self.fault(kind, name, value));
        }
        faults.extend(misplaced(kind, properties));
        faults
    }

    fn fault(&self, kind: Kind, name: &str, value: &str) -> Option<Fault> {
        let Some(property) = self.property(kind, name) else {
            let message = format!("Property \"{name}\" does not exist");
            return Some(Fault::new(name, "PROPERTY_DOESNT_EXIST", message));
        };
        if property.is_read_only {
            let message = format!("\"{name}\" is a read only property");
            return Some(Fault::new(name, "READ_ONLY_VALUE", message));
        }
        if value.chars().count() > 65_536 {
            let message = format!("{name} was too long");
            return Some(Fault::new(name, "INVALID_STRING_LENGTH", message));
        }
        match name {
            "email" if !is_address(value) => {
                let message = format!("Email address {value} is invalid");
                Some(Fault::new(name, "INVALID_EMAIL", message))
            }
            "hubspot_owner_id" if !is_owner(value) => {
                let message = format!("{value} is not an owner");
                Some(Fault::new(name, "INVALID_OWNER_ID", message))
            }
            "hs_timestamp" if DateTime::parse_from_rfc3339(value).is_err() => {
                let message = format!("{value} was not a valid long.");
                Some(Fault::new(name, "INVALID_LONG", message))
            }
            _ => None,
        }
    }
}

impl Record {
    /// What the API shows: what is asked for and what is shown unasked, absent ones as null.
    pub(super) fn show(&self, kind: Kind, portal: u64, asked: &[String]) -> Value {
        let mut properties = Map::new();
        let usual = kind.shown().iter().map(|name| (*name).to_owned());
        for name in usual.chain(asked.iter().cloned()) {
            let value = self.value(&name).map_or(Value::Null, Value::from);
            properties.insert(name, value);
        }
        self.shown(kind, portal, properties)
    }

    /// What a create answers: all that the record has.
    pub(super) fn show_whole(&self, kind: Kind, portal: u64) -> Value {
        let all = self.properties.iter();
        let all = all.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        self.shown(kind, portal, all.collect())
    }

    fn shown(&self, kind: Kind, portal: u64, mut properties: Map<String, Value>) -> Value {
        let time = stamp(self.created_at);
        properties.insert("hs_object_id".into(), json!(self.id));
        properties.insert("createdate".into(), json!(time));
        let (id, type_id) = (&self.id, kind.type_id());
        json!({
            "id": id, "properties": properties, "createdAt": time, "updatedAt": time,
            "archived": false,
            "url": format!("https://app.hubspot.com/contacts/{portal}/record/{type_id}/{id}"),
        })
    }

    /// A property, calculated ones too. Digits can be told of American numbers only.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        match name {
            "hs_object_id" => Some(self.id.clone()),
            "createdate" | "hs_createdate" => Some(stamp(self.created_at)),
            "hs_searchable_calculated_phone_number" => digits(self.properties.get("phone")?),
            "hs_searchable_calculated_mobile_number" => digits(self.properties.get("mobilephone")?),
            _ => self.properties.get(name).cloned(),
        }
    }

    /// The row in the books: the properties beside the rest, and a note as people read it.
    fn row(&self, kind: Kind, company: &str) -> Value {
        let mut row = json!(self.properties);
        row["id"] = json!(self.id);
        row["company"] = json!(company);
        row["created_at"] = json!(stamp(self.created_at));
        for to in Kind::ALL {
            let ids = self.associations.iter().filter(|(of, _)| *of == to);
            let ids: Vec<&String> = ids.map(|(_, id)| id).collect();
            if !ids.is_empty() {
                row["associations"][to.name()] = json!(ids);
            }
        }
        if kind == Kind::Note {
            let body = self.properties.get("hs_note_body");
            let (seen, tags) = html::render(body.map_or("", String::as_str));
            row["seen"] = json!(seen);
            row["tags_within"] = json!(tags);
        }
        row
    }
}

/// A pipeline that there is not, and a stage that is not one of its.
fn misplaced(kind: Kind, properties: &BTreeMap<String, String>) -> Option<Fault> {
    let [for_pipeline, for_stage] = kind.pipeline()?;
    let all = schema::pipelines(kind);
    let named = properties.get(for_pipeline);
    let stage = properties.get(for_stage);
    let pipeline = match named {
        None => all.first()?,
        Some(id) => {
            let known = all
                .iter()
                .find(|known| known.id == id && !known.is_archived);
            let Some(known) = known else {
                let message = format!("{id} was not one of the allowed options");
                return Some(Fault::new(for_pipeline, "INVALID_OPTION", message));
            };
            known
        }
    };
    let stage = stage.filter(|stage| !pipeline.has(stage))?;
    let message = format!("{stage} was not one of the allowed options");
    Some(Fault::new(for_stage, "INVALID_OPTION", message))
}

fn place(kind: Kind) -> usize {
    let all = Kind::ALL.iter();
    all.take_while(|known| **known != kind).count()
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match (digits.len(), digits.strip_prefix('1')) {
        (10, _) => Some(digits),
        (11, Some(national)) => Some(national.to_owned()),
        _ => None,
    }
}

fn is_owner(id: &str) -> bool {
    let mut owners = schema::OWNERS.iter();
    owners.any(|(known, .., gone)| known.to_string() == id && !gone)
}

/// One `@`, no blanks, and a domain that there may be.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain = |part: &str| part.is_ascii() && !part.contains([' ', '@', '<', '>', ',', '"']);
    let dots = domain.contains('.') && !domain.split('.').any(str::is_empty);
    !local.is_empty() && plain(local) && plain(domain) && dots && !domain.ends_with(".invalid")
}
