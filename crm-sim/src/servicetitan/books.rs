//! What took effect, company by company, with the indexes that keep look-ups fast.

use std::collections::HashMap;
use std::sync::Arc;

use rand::RngExt;
use serde_json::{Value, json};

use super::presets;
use super::record::{Draft, Record};
use crate::clock;
use crate::crm::Collection;
use crate::shelves::{Companies, Shelf};

/// Tenants below it are nobody's.
const FIRST_TENANT: u64 = 1_000;

/// All companies, and whose each tenant number is.
#[derive(Default)]
pub(super) struct Books {
    companies: Companies<Company>,
    tenants: HashMap<u64, String>,
}

/// One contractor's account.
pub(super) struct Company {
    name: String,
    tenant: Option<u64>,
    last_id: i64,
    pub(super) customers: Kind,
    pub(super) locations: Kind,
    pub(super) contacts: Kind,
    pub(super) bookings: Kind,
    pub(super) leads: Kind,
    pub(super) jobs: Kind,
    pub(super) notes: Kind,
    pub(super) provider_tags: Kind,
    /// Places of customers by the last seven digits of their numbers.
    by_phone: HashMap<String, Vec<usize>>,
    /// Places of bookings by their external id.
    by_external_id: HashMap<String, Vec<usize>>,
}

/// Records of one kind, oldest first, found by id and by whose they are.
#[derive(Default)]
pub(super) struct Kind {
    pub(super) records: Shelf<i64, Record>,
    by_owner: HashMap<i64, Vec<usize>>,
}

/// Pointers to records, taken out of the books, with the company of each.
#[derive(Default)]
pub(super) struct Shelves {
    kinds: [Vec<(Arc<str>, Arc<Record>)>; 8],
}

const KINDS: [&str; 8] = [
    "customers",
    "locations",
    "contacts",
    "bookings",
    "leads",
    "jobs",
    "notes",
    "booking_provider_tags",
];

impl Books {
    pub(super) fn company(&mut self, name: &str) -> &mut Company {
        self.companies.company(name, Company::open)
    }

    /// Whether a company's token opens that tenant, which becomes its own if neither is taken.
    pub(super) fn may_enter(&mut self, company: &str, tenant: &str) -> bool {
        let Ok(number) = tenant.parse::<u64>() else {
            return false;
        };
        let owner = self.tenants.get(&number);
        let is_free = owner.is_none() && number >= FIRST_TENANT;
        if owner.is_some_and(|owner| owner == company) {
            return true;
        }
        let account = self.companies.company(company, Company::open);
        if !is_free || account.tenant.is_some() {
            return false;
        }
        account.tenant = Some(number);
        self.tenants.insert(number, company.to_owned());
        true
    }

    /// Pointers to every record of one company or of all.
    pub(super) fn shelves(&self, company: Option<&str>) -> Shelves {
        let mut shelves = Shelves::default();
        for company in self.companies.chosen(company) {
            let name: Arc<str> = company.name.as_str().into();
            for (kind, shelf) in company.kinds().into_iter().zip(&mut shelves.kinds) {
                let all = kind.records.all().iter();
                shelf.extend(all.map(|record| (Arc::clone(&name), Arc::clone(record))));
            }
        }
        shelves
    }
}

impl Company {
    /// An account as it is on its first day: with its presets and nothing else. Ids begin
    /// anywhere, so that those of a restarted stand-in cannot pass for those of the one before.
    fn open(name: &str) -> Self {
        let mut company = Self {
            name: name.to_owned(),
            tenant: None,
            last_id: rand::rng().random_range(1_000_000_000..1_000_000_000_000_000),
            customers: Kind::default(),
            locations: Kind::default(),
            contacts: Kind::default(),
            bookings: Kind::default(),
            leads: Kind::default(),
            jobs: Kind::default(),
            notes: Kind::default(),
            provider_tags: Kind::default(),
            by_phone: HashMap::new(),
            by_external_id: HashMap::new(),
        };
        let tag = file(presets::PROVIDER.id, presets::provider_tag());
        company.provider_tags.add(tag, None);
        company
    }

    fn kinds(&self) -> [&Kind; 8] {
        [
            &self.customers,
            &self.locations,
            &self.contacts,
            &self.bookings,
            &self.leads,
            &self.jobs,
            &self.notes,
            &self.provider_tags,
        ]
    }

    /// A record under the account's next id, not on a shelf yet.
    pub(super) fn record(&mut self, draft: Draft) -> Arc<Record> {
        self.last_id += 1;
        file(self.last_id, draft)
    }

    /// Adds a customer with its contacts and its locations with theirs.
    pub(super) fn add_customer(
        &mut self,
        draft: Draft,
        contacts: Vec<Draft>,
        locations: Vec<(Draft, Vec<Draft>)>,
    ) -> Arc<Record> {
        let customer = self.record(draft);
        self.customers.add(Arc::clone(&customer), None);
        for contact in contacts {
            self.add_customer_contact(customer.id, contact);
        }
        for (location, contacts) in locations {
            self.add_location(customer.id, location, contacts);
        }
        customer
    }

    pub(super) fn add_location(
        &mut self,
        customer: i64,
        mut draft: Draft,
        contacts: Vec<Draft>,
    ) -> Arc<Record> {
        draft.fields.insert("customerId".into(), json!(customer));
        let location = self.record(draft);
        self.locations.add(Arc::clone(&location), Some(customer));
        for contact in contacts {
            self.add_contact("locationId", location.id, contact);
        }
        location
    }

    /// Adds a contact of a customer, who is found by its number from then on.
    pub(super) fn add_customer_contact(&mut self, customer: i64, draft: Draft) -> Arc<Record> {
        let contact = self.add_contact("customerId", customer, draft);
        let place = self.customers.records.place(&customer);
        let digits = contact.text("value").and_then(last_seven);
        if let (Some(place), Some(digits)) = (place, digits) {
            let places = self.by_phone.entry(digits.to_owned()).or_default();
            // Places stay sorted and single, so that a search needs no second pass.
            if let Err(gap) = places.binary_search(&place) {
                places.insert(gap, place);
            }
        }
        contact
    }

    /// Adds a contact of the record whose id the books keep under `owner`.
    pub(super) fn add_contact(&mut self, owner: &str, id: i64, mut draft: Draft) -> Arc<Record> {
        draft.kept.insert(owner.to_owned(), json!(id));
        let contact = self.record(draft);
        self.contacts.add(Arc::clone(&contact), Some(id));
        contact
    }

    pub(super) fn add_booking(
        &mut self,
        provider: i64,
        draft: Draft,
        contacts: Vec<Draft>,
    ) -> Arc<Record> {
        let booking = self.record(draft);
        let place = self.bookings.add(Arc::clone(&booking), Some(provider));
        if let Some(id) = booking.text("externalId") {
            let places = self.by_external_id.entry(id.to_owned()).or_default();
            places.push(place);
        }
        for contact in contacts {
            self.add_contact("bookingId", booking.id, contact);
        }
        booking
    }

    /// Customers with a number like that one: exactly ten digits find those that agree in the
    /// last seven, anything else finds nobody.
    pub(super) fn customers_by_phone(&self, phone: &str) -> Vec<&Arc<Record>> {
        let is_bare = phone.len() == 10;
        let digits = last_seven(phone).filter(|_| is_bare);
        let places = digits.and_then(|digits| self.by_phone.get(digits));
        let places = places.into_iter().flatten();
        places
            .map(|place| self.customers.records.at(*place))
            .collect()
    }

    pub(super) fn bookings_by_external_id(&self, id: &str) -> Vec<&Arc<Record>> {
        let places = self.by_external_id.get(id).into_iter().flatten();
        places
            .map(|place| self.bookings.records.at(*place))
            .collect()
    }

    /// Lets the index follow a booking whose external id was changed.
    pub(super) fn reindex_booking(&mut self, id: i64, before: &str, after: &str) {
        let Some(place) = self.bookings.records.place(&id) else {
            return;
        };
        if let Some(places) = self.by_external_id.get_mut(before) {
            places.retain(|known| *known != place);
        }
        let places = self.by_external_id.entry(after.to_owned()).or_default();
        if let Err(gap) = places.binary_search(&place) {
            places.insert(gap, place);
        }
    }
}

impl Kind {
    /// Adds a record and returns its place.
    pub(super) fn add(&mut self, record: Arc<Record>, owner: Option<i64>) -> usize {
        let place = self.records.push(record.id, record);
        if let Some(owner) = owner {
            self.by_owner.entry(owner).or_default().push(place);
        }
        place
    }

    pub(super) fn all(&self) -> Vec<&Arc<Record>> {
        self.records.all().iter().collect()
    }

    /// The records of one owner, oldest first.
    pub(super) fn of(&self, owner: i64) -> Vec<&Arc<Record>> {
        let places = self.by_owner.get(&owner).into_iter().flatten();
        places.map(|place| self.records.at(*place)).collect()
    }

    /// A record that is there and not deactivated.
    pub(super) fn active(&self, id: i64) -> Option<&Arc<Record>> {
        let record = self.records.get(&id)?;
        record.active.unwrap_or(true).then_some(record)
    }
}

impl Shelves {
    pub(super) fn into_collections(self) -> Vec<Collection> {
        let row = |(company, record): &(Arc<str>, Arc<Record>)| {
            let mut row = record.row();
            row["company"] = json!(**company);
            row
        };
        let kinds = KINDS.into_iter().zip(self.kinds);
        kinds
            .map(|(name, records)| Collection {
                name,
                rows: records.iter().map(row).collect::<Vec<Value>>(),
            })
            .collect()
    }
}

fn file(id: i64, draft: Draft) -> Arc<Record> {
    let now = clock::now();
    let Draft {
        active,
        fields,
        kept,
        external,
    } = draft;
    Arc::new(Record {
        id,
        created_on: now,
        modified_on: now,
        active,
        fields,
        kept,
        external,
    })
}

/// The last seven of ten digits; nothing of a text that is not ten digits.
fn last_seven(text: &str) -> Option<&str> {
    let is_number = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| &text[3..])
}
