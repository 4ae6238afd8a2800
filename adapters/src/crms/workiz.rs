//! Workiz: a call becomes a lead. <https://developer.workiz.com>; field names are those of
//! `POST /lead/create/`, `GET /lead/all/` and of live answers that public clients show.
//!
//! - It has no search: not for customers, whom its API calls clients and does not document, and not
//!   for leads. A caller is known if one of the leads of the last month has the same number: the
//!   new lead then names that lead's `ClientId`. Otherwise Workiz makes the client with the lead,
//!   or matches it by itself: which is unknown, so two leads at once, or a month apart, may leave
//!   two clients of one caller. They never leave two leads.
//! - A client may be gone whose leads are still listed. Refused for the `ClientId` alone, which
//!   proves that nothing was done, the lead is sent once more without it.
//! - The marker is the last line of `LeadNotes`, and the list of leads has the notes. The list goes
//!   by `LeadDateTime`, "from the start date until today": whether it shows later ones is unknown.
//!   So a lead stands at the time of its call and never ahead, whatever time the caller wants; that
//!   is in the note. What comes days after its call stands at the time of its filing, so that neither
//!   the office nor our look has to go back further (`schedule.rs`).
//! - What becomes of a lead that is converted is unknown, so our look reads the jobs too.
//! - `offset` counts pages to one client and rows to another, so `lists.rs` finds out which it is.
//! - Times are the account's wall clock, without an offset: the connection says where that is.
//! - Numbers are ten American digits. Any other number stands in the note, and the field is empty.
//! - Fields that the document calls required are always there: names and address say what was not
//!   said, number and e-mail are empty. Whether tags are shown, escaped or taken out of texts is
//!   unknown, and an open one could take the marker with it: none gets in.
//! - An answer of 200 may say no (`flag`, `error`), and a wrong token is 403 (`judge.rs`).
//! - The token stands in the path. The secret stands in the body of what is written, so only a
//!   write proves it: [`check`](CrmAdapter::check) changes nothing in a lead that there is not.
//! - Job types, sources and service areas have no list in the API, so their settings are names. A
//!   lead is given to nobody: that is another request, for which the document has names only.

mod judge;
mod lists;
mod requests;
mod schedule;
mod wire;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod mapping_tests;

use std::time::Duration;

use async_trait::async_trait;

use self::judge::{FLAG_FALSE, verdict};
use self::lists::{Pages, first_page};
use self::requests::{
    Caller, jobs_since, lead_create, lead_create_without_client, leads_since, no_change, team,
};
use self::schedule::{ZONES, days_back, first_day, zone};
use self::wire::{Created, Row, Team};
use crate::contract::{AccountInfo, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::error::{AdapterError, AdapterResult, Failure, RECORD_GONE};
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, FieldLimit, Grant, Place, Required, SecretInfo, SettingInfo, SettingKind,
};
use crate::plan::{Filing, Look, Plan, Record, Slot, Step, StepFuture, StepKind};
use crate::text::line::line;

/// The adapter for Workiz.
pub struct Workiz;

/// What Workiz is and can do.
pub static WORKIZ: CrmInfo = CrmInfo {
    name: "workiz",
    title: "Workiz",
    base_url: "https://api.workiz.com/api/v1",
    environments: &[],
    auth: &[AuthMethod {
        id: "api_token",
        title: "API token and secret",
        help: "Both are in Workiz under Settings > Integrations > Developer. The account needs the \
               Developer API add-on, which the Feature Center has.",
        secrets: &[
            SecretInfo {
                name: "api_token",
                title: "API token",
            },
            SecretInfo {
                name: "auth_secret",
                title: "API secret",
            },
        ],
        places: &[
            Place::Path("{api_token}"),
            Place::BodyField("auth_secret", "{auth_secret}"),
        ],
        grant: Grant::Given,
    }],
    headers: &[],
    call_timeout: Duration::from_secs(20),
    // A page of 100 leads, most of them with a note of ours.
    max_body: 2 * 1024 * 1024,
    // Workiz documents none, though it answers 429.
    rate: None,
    limits: &[
        FieldLimit::ours("lead.first_name", 100),
        FieldLimit::ours("lead.last_name", 100),
        FieldLimit::ours("lead.email", 254),
        FieldLimit::ours("lead.address", 255),
        FieldLimit::ours("lead.city", 100),
        FieldLimit::ours("lead.state", 50),
        FieldLimit::ours("lead.postal_code", 20),
        FieldLimit::ours("lead.country", 60),
        FieldLimit::ours("lead.job_type", 100),
        FieldLimit::ours("lead.job_source", 100),
        FieldLimit::ours("lead.service_area", 100),
        FieldLimit::ours("lead.notes", 4_000),
    ],
    settings: &[
        SettingInfo {
            name: "time_zone",
            title: "Time zone",
            kind: SettingKind::Choice(ZONES),
            required: Required::Always,
            help: "The account's time zone, by which Workiz reads the times of leads.",
        },
        SettingInfo {
            name: "job_type",
            title: "Job type",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The job type of leads, written as it is in Workiz; none without it.",
        },
        SettingInfo {
            name: "job_source",
            title: "Source",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The source of leads, written as it is in Workiz; none without it.",
        },
        SettingInfo {
            name: "service_area",
            title: "Service area",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The service area of leads, written as it is in Workiz; none without it.",
        },
    ],
};

/// How far back a caller is looked for among the leads of others.
const CALLERS_DAYS: i64 = 30;

/// How many pages of leads are read for a caller: those are a hundred each.
const CALLERS_PAGES: u32 = 3;

/// How long after a call's deadline its effect may still appear.
const SETTLE: Duration = Duration::from_secs(120);

static PLANS: &[Plan] = &[Plan {
    name: "lead",
    steps: &[
        Step {
            slot: Slot::Customer,
            kind: StepKind::Find(find_client),
            calls: CALLERS_PAGES,
            request: |filing| {
                Caller::of(&filing.lead.contact)?;
                Some(first_page(&leads_since(&days_back(filing, CALLERS_DAYS))))
            },
        },
        Step {
            slot: Slot::Lead,
            kind: StepKind::Make {
                run: create_lead,
                look: Look::Children(find_leads),
                settle: SETTLE,
            },
            calls: 3,
            request: |filing| Some(lead_create(filing)),
        },
    ],
}];

#[async_trait]
impl CrmAdapter for Workiz {
    fn crm(&self) -> &'static CrmInfo {
        &WORKIZ
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        verdict(answer)
    }

    /// The people of the account, by the token; then a write without effect, by the secret. No call
    /// tells the account's name, and it is known by one that stays: that of its first user.
    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let team: Team = session.send(team()).await?;
        match session.send_only(no_change()).await {
            // Whatever else it says of a lead that there is not, it has accepted the secret first.
            Ok(()) | Err(AdapterError::Rejected(_)) => {}
            Err(no) if no.reason() == FLAG_FALSE => {}
            Err(error) => return Err(error),
        }
        Ok(AccountInfo {
            id: None,
            name: match line(team.first(), 200) {
                Some(name) => format!("the account of {name}"),
                None => "an account without people".to_owned(),
            },
        })
    }
}

/// The client of the newest lead with the caller's number. A busy account has more leads than are
/// read: nobody is found there then, and the lead is filed without.
fn find_client<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Option<Record>> {
    Box::pin(async move {
        ready(filing.settings)?;
        let Some(caller) = Caller::of(&filing.lead.contact) else {
            return Ok(None);
        };
        let list = leads_since(&days_back(filing, CALLERS_DAYS));
        let mut pages = Pages::of(session, list);
        for _ in 0..CALLERS_PAGES {
            let Some(rows) = pages.next().await? else {
                break;
            };
            let mut theirs = rows.into_iter().filter(|row| caller.is(row));
            if let Some(id) = theirs.find_map(|row| row.client_id) {
                return Ok(Some(Record::new(id)));
            }
        }
        Ok(None)
    })
}

fn create_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Option<Record>> {
    Box::pin(async move {
        ready(filing.settings)?;
        let created = match session.send::<Created>(lead_create(filing)).await {
            Err(gone) if gone.reason() == RECORD_GONE => {
                session.send(lead_create_without_client(filing)).await
            }
            created => created,
        }?;
        let record = Record {
            url: created.link,
            ..Record::new(created.uuid)
        };
        Ok(Some(match created.client_id {
            Some(id) => record.beside(Slot::Customer, Record::new(id)),
            None => record,
        }))
    })
}

/// Among the leads around the time that was sent; else among the jobs, in case it was converted.
fn find_leads<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Vec<Record>> {
    Box::pin(async move {
        ready(filing.settings)?;
        let day = first_day(filing);
        let found = marked(Pages::of(session, leads_since(&day)), filing).await?;
        match found.is_empty() {
            true => marked(Pages::of(session, jobs_since(&day)), filing).await,
            false => Ok(found),
        }
    })
}

/// Everything in a list that carries the marker, oldest first.
async fn marked(mut pages: Pages<'_>, filing: &Filing<'_>) -> AdapterResult<Vec<Record>> {
    let mut found: Vec<Row> = Vec::new();
    while let Some(rows) = pages.next().await? {
        found.extend(rows.into_iter().filter(|row| row.carries(filing.marker)));
    }
    found.sort_by(|one, other| one.age().cmp(&other.age()));
    // A row without an id is known by its marker.
    let id = |row: Row| row.uuid.unwrap_or_else(|| filing.marker.to_string());
    Ok(found.into_iter().map(id).map(Record::new).collect())
}

/// Whether the connection says all that a live step needs. No fault of the lead: it waits.
fn ready(settings: &Settings) -> AdapterResult<()> {
    zone(settings).map(drop).ok_or_else(|| {
        let detail = "the connection to Workiz lacks the setting time_zone";
        AdapterError::Setup(Failure::new("setting_missing", detail))
    })
}
