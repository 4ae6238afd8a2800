//! Whom to erase, and where copies are.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{Made, Record, Slot, StepKey};
use leadrail_engine::RunId;
use leadrail_lead::{EventId, Phone};
use leadrail_workflows::second_looks;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// Whom to erase. Personal data: neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Person {
    /// Whoever called from this number, in all accounts.
    Phone(Phone),
    /// Whoever is behind this one lead, such as one who left no number that reads.
    Lead {
        /// The lead.
        event_id: EventId,
        /// Whose lead, where several accounts have one under this id.
        account: Option<String>,
    },
}

impl Person {
    /// The caller with this number, however it is written.
    ///
    /// # Errors
    /// [`DeskError::Refused`] where it is none; the number is not repeated.
    pub fn of_phone(text: &str) -> DeskResult<Self> {
        let phone = Phone::parse(text.trim());
        phone.map(Self::Phone).map_err(|_| {
            DeskError::refused("phone", "phone is a telephone number, such as +13055550182")
        })
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person")
    }
}

/// Where copies of leads are that we cannot erase: whoever runs the CRM must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrmCopy {
    /// Whose CRM account.
    pub account: String,
    /// Which CRM.
    pub crm: String,
    /// How many of the leads were addressed to it.
    pub leads: u64,
    /// What we know to be there.
    pub records: Vec<CrmRecord>,
}

/// A record in a CRM that is about the person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CrmRecord {
    /// What it is: `customer`, `site`, `lead` or `note`.
    pub kind: String,
    /// The CRM's id.
    pub id: String,
    /// The page that shows it, where the CRM told.
    pub url: Option<String>,
}

/// A lead to be erased.
pub(super) struct Found {
    pub(super) run_id: Uuid,
    account: String,
    crm: Option<String>,
    event_id: Uuid,
}

impl Desk {
    /// The person's leads, the newest first, so many at most.
    pub(super) async fn leads_of(&self, person: &Person, most: i64) -> DeskResult<Vec<Found>> {
        match person {
            Person::Phone(phone) => self.leads_by_phone(phone, most).await,
            Person::Lead { event_id, account } => {
                let run = self.lead(*event_id, account.as_deref()).await?.id;
                self.lead_row(run).await
            }
        }
    }

    async fn leads_by_phone(&self, phone: &Phone, most: i64) -> DeskResult<Vec<Found>> {
        let found = sqlx::query_as!(
            Found,
            "
            select run_id, account, crm, event_id
            from leadrail.lead
            where phone_hash = (select leadrail.phone_hash($1))
            order by run_id desc
            limit $2
            ",
            phone.as_str(),
            most
        );
        Ok(found.fetch_all(self.engine().access()).await?)
    }

    async fn lead_row(&self, run: RunId) -> DeskResult<Vec<Found>> {
        let found = sqlx::query_as!(
            Found,
            "select run_id, account, crm, event_id from leadrail.lead where run_id = $1",
            run.0
        );
        Ok(found.fetch_all(self.engine().access()).await?)
    }

    /// The runs that look once more at what was filed for these leads: they met the CRM's answers, too.
    pub(super) async fn looks_at(&self, leads: &[Found]) -> DeskResult<Vec<Uuid>> {
        let looks = leads.iter().flat_map(|lead| {
            let keys = second_looks(&lead.event_id);
            keys.into_iter().map(|key| (key, lead.account.clone()))
        });
        let (keys, scopes): (Vec<_>, Vec<_>) = looks.unzip();
        let runs = sqlx::query_scalar!(
            r#"
            select k.run_id as "run_id!"
            from leadrail.seen_run_key k
            join unnest($1::text[], $2::text[]) as w (key, scope) on k.key = w.key and k.scope = w.scope
            "#,
            &keys,
            &scopes
        );
        Ok(runs.fetch_all(self.engine().access()).await?)
    }

    /// Where copies of these leads are.
    pub(super) async fn copies_of(&self, leads: &[Found]) -> DeskResult<Vec<CrmCopy>> {
        let runs: Vec<_> = leads.iter().map(|lead| lead.run_id).collect();
        let made = sqlx::query!(
            r#"
            select run_id as "run_id!", activity as "activity!", payload -> 'output' as "output!"
            from leadrail.seen_history
            where run_id = any ($1) and kind = 'activity_completed' and activity is not null
              and payload -> 'output' ->> 'id' is not null
            "#,
            &runs
        );
        let mut records: BTreeMap<Uuid, Vec<CrmRecord>> = BTreeMap::new();
        for row in made.fetch_all(self.engine().access()).await? {
            let of_run = records.entry(row.run_id).or_default();
            of_run.extend(left_by(&row.activity, row.output));
        }
        Ok(by_crm(leads, &mut records))
    }
}

/// What a step left in the CRM, and what the same request made beside it, as a customer comes with its
/// first site.
fn left_by(activity: &str, output: Value) -> Vec<CrmRecord> {
    let label = activity.split('#').next().unwrap_or_default();
    let record = serde_json::from_value::<Record>(output).ok();
    let Some((step, record)) = StepKey::of_label(label).zip(record) else {
        return vec![];
    };
    let mut made = Made::default();
    made.set(step.slot, Some(record));
    let made = Slot::ALL.into_iter().filter_map(|slot| {
        let record = made.get(slot)?;
        Some(CrmRecord {
            kind: slot.as_str().to_owned(),
            id: record.id.clone(),
            url: record.url.clone(),
        })
    });
    made.collect()
}

fn by_crm(leads: &[Found], records: &mut BTreeMap<Uuid, Vec<CrmRecord>>) -> Vec<CrmCopy> {
    let mut copies: BTreeMap<(&str, &str), CrmCopy> = BTreeMap::new();
    for lead in leads {
        let Some(crm) = lead.crm.as_deref() else {
            continue;
        };
        let copy = copies
            .entry((&lead.account, crm))
            .or_insert_with(|| CrmCopy {
                account: lead.account.clone(),
                crm: crm.to_owned(),
                leads: 0,
                records: Vec::new(),
            });
        copy.leads += 1;
        copy.records
            .extend(records.remove(&lead.run_id).unwrap_or_default());
    }
    let mut copies: Vec<_> = copies.into_values().collect();
    for copy in &mut copies {
        // One customer of several leads is one record.
        copy.records.sort_unstable();
        copy.records.dedup();
    }
    copies
}
