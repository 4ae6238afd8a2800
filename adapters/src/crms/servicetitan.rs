//! ServiceTitan: a call becomes a booking, which the office takes in; a lead of a customer, whom the
//! office follows up; or at once a job with customer, location and appointment. Leads and jobs get a
//! note. Field names are checked against the portal's documents of the modules crm, jpm, jbce and
//! settings (2025-05) and marketing (2022-04).
//!
//! - Signing in takes a token of one tenant and the application's key. The tenant's number stands in
//!   every path. The token is given by hand; one that lives 900 s is of use for trying things out.
//! - A booking has a field for an id of ours, `externalId`, that can be searched exactly: it is the
//!   event's id. A booking takes no notes, so all there is to say is its summary. It names no
//!   customer: whether the caller is known only says whether he calls for the first time, unless he
//!   himself says that he does not.
//! - Customers carry our marker in the memo of their contacts, leads and jobs in their summary, notes
//!   in their text; customers and jobs also in external data, where the connection has the
//!   application's guid. They are found by that first, then by the visible marker. Leads take no
//!   external data.
//! - The search by number says nothing of contacts and may find strangers; they are asked for and
//!   compared here. Numbers are ten American digits. Any other goes into the note, and such a caller
//!   is not searched for, nor by e-mail, which no list can be searched by: where customers are
//!   made, a caller from abroad is a new one at each call.
//! - A customer and a location must have a name and a whole address. Where the caller gave none, they
//!   say so: "Caller", "Not given". A caller with neither American number nor e-mail has no contact,
//!   so the location's name carries the marker.
//! - A location is known by its address; a customer's only one is meant where no street was given.
//! - A lead must have a reason or a day for the follow-up. Whether a day in the past is taken is not
//!   documented, and calls have no other, so the reason is a setting. It needs no location: a known
//!   customer who gave no street gets none for it.
//! - A job needs an appointment. Without a time with an offset it stands at the time of the call, for
//!   an hour, and the summary says that the time is to be agreed.
//! - The note stands on the lead or the job, or on the customer where the connection wants it there. A
//!   lost one is looked for at both, because that setting may have changed.
//! - A job's notes have no id, so their marker stands for it. The only page known to show a record is
//!   a job's, in production.

mod caller;
mod lists;
mod refusal;
mod requests;
mod schedule;
mod steps;
mod wire;

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod mapping_tests;
#[cfg(test)]
mod preview_tests;

use std::time::Duration;

use async_trait::async_trait;

use self::caller::{Caller, has_street};
use self::lists::all;
use self::refusal::{misplaced, refusal};
use self::requests::{
    Subject, booking_create, customer_create, customers_like, entries, job_create, job_type,
    lead_create, location_create, locations_of, note_create, one_business_unit, page,
};
use self::steps::{
    create_booking, create_customer, create_job, create_lead, create_site, create_site_with_street,
    find_bookings, find_created_customers, find_created_sites, find_customer, find_jobs,
    find_leads, find_notes_of_job, find_notes_of_lead, find_site, note_job, note_lead,
};
use self::wire::{Entry, Page};
use crate::contract::{AccountInfo, Choice, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::cut::{Cut, FEW};
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, ENVIRONMENT, Environment, FieldLimit, Grant, Place, RateLimit, Required,
    SecretInfo, SettingInfo, SettingKind,
};
use crate::oauth;
use crate::plan::{Look, Plan, Record, Slot, Step, StepKind};
use crate::text::line::line;

/// The adapter for `ServiceTitan`.
pub struct ServiceTitan;

/// What `ServiceTitan` is and can do.
pub static SERVICETITAN: CrmInfo = CrmInfo {
    name: "servicetitan",
    title: "ServiceTitan",
    base_url: "https://api.servicetitan.io",
    environments: &[
        Environment {
            name: "production",
            title: "Production",
            base_url: "https://api.servicetitan.io",
        },
        Environment {
            name: "integration",
            title: "Integration (ServiceTitan's sandbox)",
            base_url: "https://api-integration.servicetitan.io",
        },
    ],
    auth: &[
        AuthMethod {
            id: "client_credentials",
            title: "Client and application key",
            help: "The tenant's administrator connects our application under Settings > Integrations > \
               API Application Access, copies the client id and makes a client secret; the \
               application's key is from the developer portal.",
            secrets: &[
                SecretInfo {
                    name: "client_id",
                    title: "Client id",
                },
                SecretInfo {
                    name: "client_secret",
                    title: "Client secret",
                },
                SecretInfo {
                    name: "app_key",
                    title: "Application key",
                },
            ],
            places: &[
                Place::Header("authorization", "Bearer {access_token}"),
                Place::Header("st-app-key", "{app_key}"),
            ],
            grant: Grant::ClientCredentials(&oauth::SERVICETITAN),
        },
        AuthMethod {
            id: "bearer_token",
            title: "Access token and application key",
            help: "A token that was issued elsewhere for one tenant, to try things out; it lives 15 \
               minutes.",
            secrets: &[
                SecretInfo {
                    name: "access_token",
                    title: "Access token",
                },
                SecretInfo {
                    name: "app_key",
                    title: "Application key",
                },
            ],
            places: &[
                Place::Header("authorization", "Bearer {access_token}"),
                Place::Header("st-app-key", "{app_key}"),
            ],
            grant: Grant::Given,
        },
    ],
    headers: &[],
    // ServiceTitan itself gives up after 100 s; whoever waits longer knows more of what was done.
    call_timeout: Duration::from_secs(105),
    // A page of 500 contacts, or of 50 jobs with long summaries.
    max_body: 1024 * 1024,
    rate: Some(RateLimit {
        requests: 60,
        seconds: 1,
        source: "ServiceTitan developer portal, FAQ: per app and tenant",
    }),
    limits: &[
        FieldLimit::ours("customer.name", 100),
        FieldLimit::ours("contact.value", 254),
        FieldLimit::ours("address.street", 255),
        FieldLimit::ours("address.city", 100),
        FieldLimit::ours("address.state", 50),
        FieldLimit::ours("address.zip", 20),
        FieldLimit::ours("address.country", 60),
        FieldLimit::ours("booking.source", 100),
        FieldLimit::ours("booking.summary", 10_000),
        FieldLimit::ours("job.summary", 1_000),
        FieldLimit::ours("lead.summary", 1_000),
        FieldLimit::ours("note.text", 10_000),
    ],
    settings: &[
        SettingInfo {
            name: ENVIRONMENT,
            title: "Environment",
            kind: SettingKind::Choice(&["production", "integration"]),
            required: Required::Never,
            help: "integration: ServiceTitan's sandbox, which has keys and tenants of its own.",
        },
        SettingInfo {
            name: "tenant_id",
            title: "Tenant id",
            kind: SettingKind::Number { options: false },
            required: Required::Always,
            help: "The account's number, under Settings > Integrations > API Application Access.",
        },
        SettingInfo {
            name: "mode",
            title: "What a call becomes",
            kind: SettingKind::Choice(&["booking", "job", "lead"]),
            required: Required::Never,
            help: "booking: the office decides what becomes of it; job: it is on the board at once; \
                   lead: a customer whom the office follows up.",
        },
        SettingInfo {
            name: "booking_provider",
            title: "Booking provider",
            kind: SettingKind::Number { options: true },
            required: Required::When("mode", "booking"),
            help: "The booking provider tag whose bookings they are.",
        },
        SettingInfo {
            name: "business_unit",
            title: "Business unit",
            kind: SettingKind::Number { options: true },
            required: Required::When("mode", "job"),
            help: "Who does the work. A booking or a lead leaves it to the office without it.",
        },
        SettingInfo {
            name: "job_type",
            title: "Job type",
            kind: SettingKind::Number { options: true },
            required: Required::When("mode", "job"),
            help: "What kind of work it is, one of the business unit's. A booking or a lead leaves it \
                   to the office without it.",
        },
        SettingInfo {
            name: "campaign",
            title: "Campaign",
            kind: SettingKind::Number { options: true },
            required: Required::Unless("mode", "booking"),
            help: "What the call is credited to. A booking is credited to nothing without it.",
        },
        SettingInfo {
            name: "call_reason",
            title: "Call reason",
            kind: SettingKind::Number { options: true },
            required: Required::When("mode", "lead"),
            help: "Why leads are to be followed up, one of the reasons that are for leads. Bookings and \
                   jobs have none.",
        },
        SettingInfo {
            name: "note_on",
            title: "Where the note stands",
            kind: SettingKind::Choice(&["lead", "customer"]),
            required: Required::Never,
            help: "lead: on the lead or the job; customer: on the customer. It tells the whole call, \
                   with our links. A booking has it in its summary.",
        },
        SettingInfo {
            name: "source",
            title: "Source",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The source that bookings name; \"Phone call\" without it.",
        },
        SettingInfo {
            name: "send_confirmation_email",
            title: "Confirmation of bookings",
            kind: SettingKind::Switch,
            required: Required::Never,
            help: "true lets ServiceTitan send an e-mail to the caller when a booking is made; off \
                   without it.",
        },
        SettingInfo {
            name: "application_guid",
            title: "Application guid",
            kind: SettingKind::Text(36),
            required: Required::Never,
            help: "The guid under which the application keeps external data: customers and jobs are \
                   then marked where nobody else can change it, besides memo and summary.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear: a deadline shorter than ours leaves
/// ServiceTitan the rest of its 100 s.
const SETTLE: Duration = Duration::from_secs(120);

const FIND_CUSTOMER: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Find(find_customer),
    // The search, the contacts of what it found, and a merged customer.
    calls: 3,
    request: |filing| {
        let caller = Caller::of(&filing.lead.contact)?;
        Some(page(
            &customers_like(filing.settings, &caller),
            Cut::of(FEW),
        ))
    },
};

const MAKE_CUSTOMER: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Make {
        run: create_customer,
        look: Look::Children(find_created_customers),
        settle: SETTLE,
    },
    calls: 1,
    request: |filing| Some(customer_create(filing)),
};

const FIND_SITE: Step = Step {
    slot: Slot::Site,
    kind: StepKind::Find(find_site),
    calls: 2,
    request: |filing| Some(page(&locations_of(filing)?, Cut::of(FEW))),
};

static PLANS: &[Plan] = &[
    Plan {
        name: "booking",
        steps: &[
            FIND_CUSTOMER,
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_booking,
                    look: Look::Exact(find_bookings),
                    settle: SETTLE,
                },
                calls: 1,
                request: |filing| Some(booking_create(filing)),
            },
        ],
    },
    Plan {
        name: "job",
        steps: &[
            FIND_CUSTOMER,
            MAKE_CUSTOMER,
            FIND_SITE,
            Step {
                slot: Slot::Site,
                kind: StepKind::Make {
                    run: create_site,
                    look: Look::Children(find_created_sites),
                    settle: SETTLE,
                },
                calls: 1,
                request: location_create,
            },
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_job,
                    look: Look::Children(find_jobs),
                    settle: SETTLE,
                },
                calls: 1,
                request: job_create,
            },
            Step {
                slot: Slot::Note,
                kind: StepKind::Make {
                    run: note_job,
                    look: Look::Children(find_notes_of_job),
                    settle: SETTLE,
                },
                // A look at both places where the note may be.
                calls: 2,
                request: |filing| note_create(filing, Subject::Job.wanted(filing.settings)),
            },
        ],
    },
    Plan {
        name: "lead",
        steps: &[
            FIND_CUSTOMER,
            MAKE_CUSTOMER,
            FIND_SITE,
            Step {
                slot: Slot::Site,
                kind: StepKind::Make {
                    run: create_site_with_street,
                    look: Look::Children(find_created_sites),
                    settle: SETTLE,
                },
                calls: 1,
                request: |filing| {
                    let contact = &filing.lead.contact;
                    has_street(contact).then(|| location_create(filing))?
                },
            },
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_lead,
                    look: Look::Children(find_leads),
                    settle: SETTLE,
                },
                calls: 1,
                request: lead_create,
            },
            Step {
                slot: Slot::Note,
                kind: StepKind::Make {
                    run: note_lead,
                    look: Look::Children(find_notes_of_lead),
                    settle: SETTLE,
                },
                calls: 2,
                request: |filing| note_create(filing, Subject::Lead.wanted(filing.settings)),
            },
        ],
    },
];

#[async_trait]
impl CrmAdapter for ServiceTitan {
    fn crm(&self) -> &'static CrmInfo {
        &SERVICETITAN
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn plan(&self, settings: &Settings) -> &'static Plan {
        let chosen = PLANS.iter().find(|plan| plan.name == mode(settings));
        chosen.unwrap_or(&PLANS[0])
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        let shared = Verdict::shared(&SERVICETITAN, answer);
        Verdict {
            result: shared.result.map_err(|error| refusal(error, answer)),
            ..shared
        }
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let tenant = tenant(session.settings())?;
        let request = one_business_unit(session.settings());
        let units: Page<Entry> = session.send(request).await.map_err(misplaced)?;
        check_job_type(session).await?;
        let unit = units.data.into_iter().next();
        let unit = unit.and_then(|unit| line(unit.name.as_deref(), 200));
        Ok(AccountInfo {
            id: Some(tenant.to_string()),
            name: match unit {
                Some(unit) => format!("{unit} (tenant {tenant})"),
                None => format!("tenant {tenant}"),
            },
        })
    }

    /// Active ones only. Job types are those of the business unit, once it is chosen, and call reasons
    /// those that a lead may have.
    async fn options(&self, session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
        let settings = session.settings();
        let Some(list) = entries(settings, setting) else {
            return Ok(Vec::new());
        };
        tenant(settings)?;
        let unit = settings.number("business_unit");
        all(session, list, |entry: Entry| {
            let units = &entry.business_unit_ids;
            let fits = unit.is_none_or(|unit| units.is_empty() || units.contains(&unit));
            let is_offered = fits && entry.active != Some(false) && entry.is_lead != Some(false);
            let title = line(entry.name.as_deref(), 200);
            is_offered.then(|| Choice {
                title: title.unwrap_or_else(|| entry.id.clone()),
                id: entry.id,
            })
        })
        .await
    }
}

fn mode(settings: &Settings) -> &str {
    settings.text("mode").unwrap_or("booking")
}

/// A job of a type that its business unit does not do is refused, each one, and a booking's is not
/// filled in for the office. An application that may not read job types is not asked to.
async fn check_job_type(session: &Session) -> AdapterResult<()> {
    let settings = session.settings();
    let unit = settings.number("business_unit");
    let Some((unit, id)) = unit.zip(settings.number("job_type")) else {
        return Ok(());
    };
    let wanted = id.to_string();
    let found = all(session, job_type(settings, id), |entry: Entry| {
        let is_it = entry.id == wanted && entry.active != Some(false);
        is_it.then_some(entry.business_unit_ids)
    });
    let found = match found.await {
        Err(AdapterError::Forbidden(_)) => return Ok(()),
        found => found?,
    };
    match found.first() {
        None => Err(invalid(
            "ServiceTitan has no active job type with the id that the connection sets",
        )),
        Some(units) if !units.is_empty() && !units.contains(&unit) => Err(invalid(
            "the job type that the connection to ServiceTitan sets does not belong to its business \
             unit",
        )),
        Some(_) => Ok(()),
    }
}

fn tenant(settings: &Settings) -> AdapterResult<u64> {
    let tenant = settings.number("tenant_id");
    tenant.ok_or_else(|| unset("tenant_id"))
}

/// Whether the connection sets all that its mode requires. It does since its settings were checked,
/// but a session may be opened without.
fn ready(settings: &Settings) -> AdapterResult<()> {
    let mode = mode(settings);
    let lacking = SERVICETITAN.settings.iter().find(|info| {
        let required = match info.required {
            Required::Always => true,
            Required::Never => false,
            Required::When(_, value) => value == mode,
            Required::Unless(_, value) => value != mode,
        };
        required && settings.number(info.name).is_none()
    });
    match (lacking, settings.text("application_guid")) {
        (Some(info), _) => Err(unset(info.name)),
        (None, Some(guid)) if !is_guid(guid) => Err(no_guid()),
        _ => Ok(()),
    }
}

fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let hexadecimal = |c: char| c == '-' || c.is_ascii_hexdigit();
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(hexadecimal)
}

/// No fault of the lead: the connection waits for a person.
fn unset(name: &str) -> AdapterError {
    let detail = format!("the connection to ServiceTitan lacks the setting {name}");
    AdapterError::Setup(Failure::new("setting_missing", detail))
}

/// ServiceTitan would refuse every customer and job, one by one.
fn no_guid() -> AdapterError {
    invalid("the setting application_guid of the connection to ServiceTitan is no guid")
}

/// No fault of the lead either.
fn invalid(detail: &str) -> AdapterError {
    AdapterError::Setup(Failure::new("setting_invalid", detail))
}

fn record_of_job(id: String) -> Record {
    Record {
        url: Some(format!("https://go.servicetitan.com/#/Job/Index/{id}")),
        ..Record::new(id)
    }
}
