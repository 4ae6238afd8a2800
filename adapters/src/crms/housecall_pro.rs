//! Housecall Pro: a call becomes a customer (unless known) and a lead, or at once a job with address,
//! schedule and note.
//! <https://docs.housecallpro.com>; field names are checked against its OpenAPI document
//! "Housecall v1 API".
//!
//! - The search for customers is fuzzy and covers names, e-mails, mobile numbers and addresses;
//!   there is no search by exact number. Whatever it finds is compared again here, or a stranger
//!   would get the lead.
//! - It takes no idempotency key and never calls a second customer a duplicate. Our marker is a
//!   tag on the customer and on the lead or job, which all come back in its lists.
//! - A lead takes a note only when it is created, so everything there is to say is in it.
//! - Numbers are ten American digits. Any other number goes into the notes, which no search covers: a
//!   caller from abroad who leaves no e-mail address is looked for by the name.
//! - Whatever address a lead brings is added to its customer, so one that is there is named by its id.
//! - A job must have one of its customer's addresses. Where the caller gave no street, and the customer
//!   has not just one address, it says so: "Not given". An address has no place for a marker; what was
//!   made is known by what it says, because none said that before.
//! - A job has a schedule or none. Only a time with an offset is one, and only if it is to come; it is
//!   sent with its offset, so that it is right on the caller's clock too, should that be dropped.
//! - Only jobs take notes. There is no list of them: a job that is asked for comes with its notes.

mod refusal;
mod requests;
mod schedule;
mod steps;
mod wire;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod job_tests;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod mapping_tests;

use std::time::Duration;

use async_trait::async_trait;

use self::refusal::refusal;
use self::requests::{
    Caller, addresses_of, company, customer_create, customers_like, job_create, lead_create,
    note_create, page, site_create,
};
use self::steps::{
    create_customer, create_job, create_lead, create_note, create_site, find_created_customers,
    find_created_sites, find_customer, find_jobs, find_leads, find_notes, find_site,
};
use self::wire::Company;
use crate::contract::{AccountInfo, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::cut::{Cut, FEW};
use crate::http::error::AdapterResult;
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, FieldLimit, Grant, Place, Required, SecretInfo, SettingInfo, SettingKind,
};
use crate::oauth;
use crate::plan::{Look, Plan, Slot, Step, StepKind};
use crate::text::line::line;

/// The adapter for Housecall Pro.
pub struct HousecallPro;

/// What Housecall Pro is and can do.
pub static HOUSECALL_PRO: CrmInfo = CrmInfo {
    name: "housecall_pro",
    title: "Housecall Pro",
    base_url: "https://api.housecallpro.com",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "api_key",
            title: "API key",
            help: "In Housecall Pro, an administrator makes one under App Store > API Key \
                   Management. The MAX plan is needed.",
            secrets: &[SecretInfo {
                name: "api_key",
                title: "API key",
            }],
            places: &[Place::Header("authorization", "Token {api_key}")],
            grant: Grant::Given,
        },
        AuthMethod {
            id: "oauth",
            title: "Sign-in",
            help: "An administrator signs in to Housecall Pro and lets us in: `leadrail connection \
                   sign-in` gives the link.",
            secrets: &[],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Code(&oauth::HOUSECALL_PRO),
        },
        AuthMethod {
            id: "bearer_token",
            title: "OAuth access token",
            help: "A token that was issued elsewhere; when it ends, so does the connection.",
            secrets: &[SecretInfo {
                name: "access_token",
                title: "Access token",
            }],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Given,
        },
    ],
    headers: &[],
    call_timeout: Duration::from_secs(20),
    // A page of 50 customers, each with some hundred addresses.
    max_body: 1024 * 1024,
    // Housecall Pro documents none: its description names one call as limited, without a number.
    rate: None,
    limits: &[
        FieldLimit::ours("customer.first_name", 100),
        FieldLimit::ours("customer.last_name", 100),
        FieldLimit::ours("customer.email", 254),
        FieldLimit::ours("address.street", 255),
        FieldLimit::ours("address.city", 100),
        FieldLimit::ours("address.state", 50),
        FieldLimit::ours("address.zip", 20),
        FieldLimit::ours("address.country", 60),
        FieldLimit::ours("lead.lead_source", 100),
        FieldLimit::ours("lead.tag", 60),
        FieldLimit::ours("lead.note", 10_000),
        FieldLimit::ours("job_note.content", 10_000),
    ],
    settings: &[
        SettingInfo {
            name: "mode",
            title: "What a call becomes",
            kind: SettingKind::Choice(&["lead", "job"]),
            required: Required::Never,
            help: "lead: the office decides what becomes of it; job: it is among the jobs at once, on \
                   the schedule where the caller named a time.",
        },
        SettingInfo {
            name: "lead_source",
            title: "Lead source",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The lead source that customers, leads and jobs are filed under; \
                   \"Phone call\" without it.",
        },
        SettingInfo {
            name: "tag",
            title: "Tag",
            kind: SettingKind::Text(60),
            required: Required::Never,
            help: "A tag for every customer, lead and job, besides the marker; none without it.",
        },
        SettingInfo {
            name: "notifications_enabled",
            title: "Messages to new customers",
            kind: SettingKind::Switch,
            required: Required::Never,
            help: "true lets Housecall Pro send its own messages to new customers; off without it.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear.
const SETTLE: Duration = Duration::from_secs(60);

const FIND_CUSTOMER: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Find(find_customer),
    calls: 3,
    request: |filing| {
        Caller::of(&filing.lead.contact).map(|caller| page(&customers_like(&caller), Cut::of(FEW)))
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

static PLANS: &[Plan] = &[
    Plan {
        name: "lead",
        steps: &[
            FIND_CUSTOMER,
            MAKE_CUSTOMER,
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
        ],
    },
    Plan {
        name: "job",
        steps: &[
            FIND_CUSTOMER,
            MAKE_CUSTOMER,
            Step {
                slot: Slot::Site,
                kind: StepKind::Find(find_site),
                calls: 2,
                request: |filing| Some(page(&addresses_of(filing)?, Cut::of(FEW))),
            },
            Step {
                slot: Slot::Site,
                kind: StepKind::Make {
                    run: create_site,
                    look: Look::Children(find_created_sites),
                    settle: SETTLE,
                },
                calls: 1,
                request: site_create,
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
                    run: create_note,
                    look: Look::Children(find_notes),
                    settle: SETTLE,
                },
                calls: 1,
                request: note_create,
            },
        ],
    },
];

#[async_trait]
impl CrmAdapter for HousecallPro {
    fn crm(&self) -> &'static CrmInfo {
        &HOUSECALL_PRO
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn plan(&self, settings: &Settings) -> &'static Plan {
        let mode = settings.text("mode").unwrap_or("lead");
        let chosen = PLANS.iter().find(|plan| plan.name == mode);
        chosen.unwrap_or(&PLANS[0])
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        let shared = Verdict::shared(&HOUSECALL_PRO, answer);
        Verdict {
            result: shared.result.map_err(|error| refusal(error, answer.body)),
            ..shared
        }
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let company: Company = session.send(company()).await?;
        let name = line(company.name.as_deref(), 200);
        let name = name.unwrap_or_else(|| "a company without a name".to_owned());
        Ok(AccountInfo {
            id: company.id,
            name,
        })
    }
}
