//! Pipedrive: a call becomes a person (unless known), a lead in the Leads Inbox or a deal in a pipeline, and a
//! note on it. <https://developers.pipedrive.com/docs/api/v1>; field names are those of the OpenAPI documents
//! of v1 and v2, as its own client for Node.js has them.
//!
//! - Persons, deals, pipelines and stages are asked of v2; leads, notes, labels and users are in v1 only.
//!   Both stand below `/api/` of `api.pipedrive.com` and of a company's own host, which the sign-in tells.
//! - It takes no idempotency key, has no upsert, and calls nobody a duplicate.
//! - The search for persons compares texts as they are stored; that numbers are normalized is not said. So
//!   it is asked for the number in E.164, as we write it, then for its digits, for its last seven as people
//!   write them, and for the e-mail address, until somebody is found; and all that it finds is compared
//!   here. Whether a search for a part finds it inside a word, or at its beginning only, is not said either:
//!   both find what we made. How far the search is behind is unknown: who calls twice within that time may
//!   become two persons.
//! - A person has no field of ours unless the connection names one (`person_field`). Without it a person
//!   that was made is known by the number, or by the e-mail address of a caller who left no number; the name
//!   of one who left neither carries the marker. What was made is looked for in the list of the newest.
//! - A lead carries the event's id as `origin_id`. That lists show it is in the document and was never seen,
//!   so the title carries the marker as well, and either is enough. Archived leads stand in a list of
//!   their own, and both are read. A deal has no `origin_id` in v2: its title carries the marker, and so does
//!   a field that the connection names (`deal_field`).
//! - A note is HTML. What a caller said is escaped, and its marker stands in the last line.
//! - The address of a person belongs to the sync of contacts, which few have, and setting it without is
//!   refused: it stands in the note.
//! - A person who was deleted is missing from searches and lists. What filing a lead for one is answered
//!   with is not said: 404, and a 400 or 422 that names the person, count as gone.
//! - A day's tokens are the whole company's. An unknown caller costs up to 105 of them, a known one 40.

mod budget;
mod caller;
mod choices;
mod lists;
mod refusal;
mod requests;
mod steps;
mod wire;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod mapping_tests;
#[cfg(test)]
mod settings_tests;

use std::time::Duration;

use async_trait::async_trait;

use self::caller::Caller;
use self::lists::first_page;
use self::requests::{
    deal_create, deal_note_create, lead_create, lead_note_create, me, person_create, persons_like,
    pipeline, stage,
};
use self::steps::{
    create_deal, create_deal_note, create_lead, create_lead_note, create_person,
    find_created_persons, find_deal_notes, find_deals, find_lead_notes, find_leads, find_person,
};
use self::wire::{Entry, Me, One};
use crate::contract::{AccountInfo, Choice, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::cut::FEW;
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, FieldLimit, Grant, Place, RateLimit, Required, SecretInfo, SettingInfo,
    SettingKind,
};
use crate::oauth;
use crate::plan::{Look, Plan, Slot, Step, StepKind};
use crate::text::line::line;

/// The adapter for Pipedrive.
pub struct Pipedrive;

/// What Pipedrive is and can do.
pub static PIPEDRIVE: CrmInfo = CrmInfo {
    name: "pipedrive",
    title: "Pipedrive",
    base_url: "https://api.pipedrive.com",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "api_token",
            title: "API token",
            help: "In Pipedrive, under Personal preferences > API. It can do what its user can, so that is \
                   best a user of its own.",
            secrets: &[SecretInfo {
                name: "api_token",
                title: "API token",
            }],
            places: &[Place::Header("x-api-token", "{api_token}")],
            grant: Grant::Given,
        },
        AuthMethod {
            id: "oauth",
            title: "Sign-in",
            help: "Somebody of the company signs in to Pipedrive and lets us in: `leadrail connection \
                   sign-in` gives the link.",
            secrets: &[],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Code(&oauth::PIPEDRIVE),
        },
    ],
    headers: &[],
    call_timeout: Duration::from_secs(20),
    // A page of 100 persons with many fields of the company's own.
    max_body: 1024 * 1024,
    // Up to 480 by plan and for sign-ins. The day's tokens are told by the answers.
    rate: Some(RateLimit {
        requests: 20,
        seconds: 2,
        source: "Pipedrive docs, rate limiting: an API token on the smallest plan",
    }),
    limits: &[
        FieldLimit::ours("person.name", 255),
        FieldLimit::ours("person.email", 254),
        FieldLimit::ours("lead.title", 255),
        FieldLimit::ours("note.content", 20_000),
    ],
    settings: &[
        SettingInfo {
            name: "mode",
            title: "What a call becomes",
            kind: SettingKind::Choice(&["lead", "deal"]),
            required: Required::Never,
            help: "lead: it stands in the Leads Inbox until somebody makes a deal of it; deal: it is in a \
                   pipeline at once.",
        },
        SettingInfo {
            name: "owner",
            title: "Owner",
            kind: SettingKind::Number { options: true },
            required: Required::Never,
            help: "The user who owns new persons, leads and deals, where a lead names none in \
                   assigned_to; the user behind the credentials without it.",
        },
        SettingInfo {
            name: "lead_label",
            title: "Label of leads",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "A label for every lead; none without it. Deals have none of these.",
        },
        SettingInfo {
            name: "channel",
            title: "Marketing channel",
            kind: SettingKind::Number { options: true },
            required: Required::Never,
            help: "The source channel of every lead; none without it. Deals take none when they are made.",
        },
        SettingInfo {
            name: "pipeline",
            title: "Pipeline",
            kind: SettingKind::Number { options: true },
            required: Required::Never,
            help: "Where deals go; the company's default pipeline without it.",
        },
        SettingInfo {
            name: "stage",
            title: "Stage",
            kind: SettingKind::Number { options: true },
            required: Required::Never,
            help: "The stage of the pipeline where deals begin; its first without it.",
        },
        SettingInfo {
            name: "person_field",
            title: "Field of persons for our mark",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "A text field of persons that nobody else writes to: a person whose answer was lost is \
                   then found by it. By number or e-mail address without it.",
        },
        SettingInfo {
            name: "deal_field",
            title: "Field of deals for our mark",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "A text field of deals that nobody else writes to, besides the mark in the title; only \
                   the title has it without.",
        },
        SettingInfo {
            name: "pin_note",
            title: "Pinned notes",
            kind: SettingKind::Switch,
            required: Required::Never,
            help: "true pins the note to its lead or deal; off without it.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear. The document names no cut-off.
const SETTLE: Duration = Duration::from_secs(60);

const FIND_PERSON: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Find(find_person),
    // The number in three ways, and the e-mail address.
    calls: 4,
    request: |filing| {
        let search = Caller::of(&filing.lead.contact)
            .searches()
            .into_iter()
            .next()?;
        Some(first_page(&persons_like(&search), FEW))
    },
};

const CREATE_PERSON: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Make {
        run: create_person,
        look: Look::Children(find_created_persons),
        settle: SETTLE,
    },
    calls: 1,
    request: |filing| Some(person_create(filing)),
};

static PLANS: &[Plan] = &[
    Plan {
        name: "lead",
        steps: &[
            FIND_PERSON,
            CREATE_PERSON,
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
                    run: create_lead_note,
                    look: Look::Children(find_lead_notes),
                    settle: SETTLE,
                },
                calls: 1,
                request: lead_note_create,
            },
        ],
    },
    Plan {
        name: "deal",
        steps: &[
            FIND_PERSON,
            CREATE_PERSON,
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_deal,
                    look: Look::Children(find_deals),
                    settle: SETTLE,
                },
                calls: 1,
                request: deal_create,
            },
            Step {
                slot: Slot::Note,
                kind: StepKind::Make {
                    run: create_deal_note,
                    look: Look::Children(find_deal_notes),
                    settle: SETTLE,
                },
                calls: 1,
                request: deal_note_create,
            },
        ],
    },
];

#[async_trait]
impl CrmAdapter for Pipedrive {
    fn crm(&self) -> &'static CrmInfo {
        &PIPEDRIVE
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn plan(&self, settings: &Settings) -> &'static Plan {
        let chosen = PLANS.iter().find(|plan| plan.name == mode(settings));
        chosen.unwrap_or(&PLANS[0])
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        let shared = Verdict::shared(&PIPEDRIVE, answer);
        Verdict {
            result: refusal::judged(shared.result, answer),
            budget: answer.headers().and_then(budget::budget),
        }
    }

    /// Where calls become deals, it is also whether the stage is one of the pipeline.
    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let me = session.send::<One<Me>>(me()).await?.data;
        if mode(session.settings()) == "deal" {
            check_stage(session).await?;
        }
        let name = line(me.company_name.as_deref(), 200);
        let domain = line(me.company_domain.as_deref(), 200);
        Ok(AccountInfo {
            id: me.company_id.map(|id| id.to_string()),
            name: name
                .or(domain)
                .unwrap_or_else(|| "a company without a name".to_owned()),
        })
    }

    /// Stages are those of the pipeline, once it is chosen.
    async fn options(&self, session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
        choices::of(session, setting).await
    }
}

fn mode(settings: &Settings) -> &str {
    settings.text("mode").unwrap_or("lead")
}

/// Pipedrive takes a stage for its pipeline's, so deals would begin where nobody looks for them.
async fn check_stage(session: &Session) -> AdapterResult<()> {
    let settings = session.settings();
    match (settings.number("pipeline"), settings.number("stage")) {
        (wanted, Some(id)) => {
            let found = known(session.send::<One<Entry>>(stage(id)).await, "stage")?;
            match (wanted, found.pipeline_id) {
                (Some(wanted), Some(its)) if wanted != its => Err(invalid(
                    "the stage that the connection to Pipedrive sets does not belong to its pipeline",
                )),
                _ => Ok(()),
            }
        }
        (Some(id), None) => {
            known(session.send::<One<Entry>>(pipeline(id)).await, "pipeline").map(drop)
        }
        (None, None) => Ok(()),
    }
}

/// A stage or pipeline of a setting, which may be gone.
fn known(answer: AdapterResult<One<Entry>>, what: &str) -> AdapterResult<Entry> {
    let gone = || {
        invalid(&format!(
            "Pipedrive has no {what} with the id that the connection sets"
        ))
    };
    match answer {
        Ok(found) if found.data.is_deleted == Some(true) => Err(gone()),
        Ok(found) => Ok(found.data),
        Err(error) if matches!(error.status(), Some(400 | 404 | 410)) => Err(gone()),
        Err(error) => Err(error),
    }
}

/// No fault of a lead: its connection waits for a person.
fn invalid(detail: &str) -> AdapterError {
    AdapterError::Setup(Failure::new(refusal::SETTING_INVALID, detail))
}
