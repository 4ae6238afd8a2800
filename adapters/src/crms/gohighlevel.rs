//! GoHighLevel (HighLevel, LeadConnector), API V2: a call becomes a contact (unless known), an opportunity
//! in a pipeline and a note on the contact; or, by the mode `contact`, a contact and a note.
//! <https://marketplace.gohighlevel.com/docs>; field names are those of `GoHighLevel/highlevel-api-docs`.
//!
//! - One connection is one sub-account, a location. Its id stands in every request and is a setting: a
//!   token does not say it in a way that we could read.
//! - `GET /contacts/search/duplicate` is a direct look-up and heeds the location's own rule for doubles, so
//!   the caller is looked for there, by number and then by e-mail address, one at a time: asked for both,
//!   it would try the address first. What it answers with is compared here. Its answer on a miss is in no
//!   document: no body, no `contact`, null and `{}` all mean nobody.
//! - `POST /contacts/search` shows new contacts seconds later, and an exact phone filter was reported to
//!   miss one (highlevel-api-docs, issue 289). It is read where the direct look-up does not do: to see
//!   doubles, and where a record is too long to read.
//! - A contact has no place for our marker that staff would not mind, unless the connection names a custom
//!   field. It is found again by number or address, marked ones before others: class C, and by nothing
//!   where the caller left neither. Opportunities carry the marker at the end of their name, in a custom
//!   field too if there is one, notes in their last line: class C by the contact's lists.
//! - A location may forbid two contacts of one number or address, and two opportunities of one contact in
//!   one pipeline. The refusals name the record that is there (`meta.contactId`, `meta.existingId`), which
//!   is then the one: the note of the new call stands on its contact. Where they name none it is looked for.
//! - 422 was once reported for a contact that had been made (issue 64), so after every 422 to a create we
//!   look before we believe it.
//! - `upsert` is not used: it is reported to replace tags and addresses of contacts that are there (issues
//!   313 and 337). A known contact is not changed at all.
//! - Without a pipeline calls wait: ids can be listed once somebody is let in, so it is set after that.
//! - Numbers are E.164, foreign ones too. A country is sent by its ISO code or not at all. What looks like a
//!   tag in a caller's words gets other brackets: whether notes are shown as HTML is not documented.
//! - 401 means four things: see `refusal.rs`. A missing contact is said by 400 as well as by 404.
//! - Budgets: 100 calls in 10 s and 200,000 a day for each app and location; the headers of each answer say
//!   what is left. 429 has no `Retry-After`: the interval is waited for, an hour once the day's are used up.
//! - The page of a contact is the one on `app.gohighlevel.com`. That of an opportunity is not known.

mod account;
mod caller;
mod lists;
mod refusal;
mod requests;
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

use std::time::Duration;

use async_trait::async_trait;

use self::caller::handles;
use self::requests::{contact_by, contact_create, note_create, opportunity_create};
use self::steps::{
    create_contact, create_note, create_opportunity, find_contact, find_created_contacts,
    find_notes, find_opportunities,
};
use crate::contract::{AccountInfo, Choice, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, FieldLimit, FixedHeader, Grant, Place, RateLimit, Required, SecretInfo,
    SettingInfo, SettingKind,
};
use crate::oauth;
use crate::plan::{Look, Plan, Slot, Step, StepKind};

/// The adapter for `GoHighLevel`.
pub struct GoHighLevel;

/// What `GoHighLevel` is and can do.
pub static GOHIGHLEVEL: CrmInfo = CrmInfo {
    name: "gohighlevel",
    title: "GoHighLevel",
    base_url: "https://services.leadconnectorhq.com",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "oauth",
            title: "Sign-in",
            help: "An administrator of the sub-account signs in to GoHighLevel and lets our marketplace app \
                   in: `leadrail connection sign-in` gives the link.",
            secrets: &[],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Code(&oauth::GOHIGHLEVEL),
        },
        AuthMethod {
            id: "private_integration",
            title: "Private integration token",
            help: "In the sub-account, under Settings > Private Integrations, an administrator makes one with \
                   the scopes View and Edit Contacts, View and Edit Opportunities, View Locations, View Custom \
                   Fields and View Users. It does not end until somebody rotates it.",
            secrets: &[SecretInfo {
                name: "access_token",
                title: "Private integration token",
            }],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Given,
        },
    ],
    headers: &[FixedHeader {
        name: "version",
        value: "2021-07-28",
        setting: Some("api_version"),
    }],
    call_timeout: Duration::from_secs(20),
    // A page of 50 contacts, each with all its custom fields; a contact's notes in one list.
    max_body: 1024 * 1024,
    // 25 for the tokens of a sandbox. The day's 200,000 are told by the answers.
    rate: Some(RateLimit {
        requests: 100,
        seconds: 10,
        source: "HighLevel docs, rate limits of API 2.0: per app and location",
    }),
    limits: &[
        FieldLimit::ours("contact.firstName", 100),
        FieldLimit::ours("contact.lastName", 100),
        FieldLimit::ours("contact.email", 254),
        FieldLimit::ours("contact.address1", 255),
        FieldLimit::ours("contact.city", 100),
        FieldLimit::ours("contact.state", 50),
        FieldLimit::ours("contact.postalCode", 20),
        FieldLimit::ours("contact.source", 100),
        FieldLimit::ours("contact.tags", 60),
        FieldLimit::ours("opportunity.name", 150),
        FieldLimit::ours("note.body", 5_000),
    ],
    settings: &[
        SettingInfo {
            name: "location_id",
            title: "Location id",
            kind: SettingKind::Id { options: false },
            required: Required::Always,
            help: "The sub-account's id: in its address behind /location/, and under Settings > Business \
                   Profile.",
        },
        SettingInfo {
            name: "mode",
            title: "What a call becomes",
            kind: SettingKind::Choice(&["opportunity", "contact"]),
            required: Required::Never,
            help: "opportunity: a card in a pipeline, and a note on its contact; contact: a note on the contact \
                   and nothing else, for sub-accounts that use no pipeline.",
        },
        SettingInfo {
            name: "pipeline",
            title: "Pipeline",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The pipeline in which opportunities are made. In the mode opportunity calls wait until it is \
                   set; in the mode contact it is not needed.",
        },
        SettingInfo {
            name: "stage",
            title: "Stage",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The stage in which opportunities begin, one of the pipeline's; GoHighLevel chooses, as a rule \
                   the first, without it.",
        },
        SettingInfo {
            name: "owner",
            title: "Owner",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The user to whom new contacts and opportunities are assigned, unless the lead names one; \
                   nobody without it.",
        },
        SettingInfo {
            name: "contact_field",
            title: "Custom field of contacts",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "A text field of contacts in which our reference is kept, so that new contacts are found by \
                   it; by number and e-mail address alone without it.",
        },
        SettingInfo {
            name: "opportunity_field",
            title: "Custom field of opportunities",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "A text field of opportunities in which our reference is kept besides the name, for staff \
                   that changes names; in the name alone without it.",
        },
        SettingInfo {
            name: "lead_source",
            title: "Source",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The source of new contacts; \"Phone call\" without it.",
        },
        SettingInfo {
            name: "tag",
            title: "Tag",
            kind: SettingKind::Text(60),
            required: Required::Never,
            help: "A tag for new contacts, which may start workflows there; none without it.",
        },
        SettingInfo {
            name: "api_version",
            title: "API version",
            kind: SettingKind::Text(20),
            required: Required::Never,
            help: "The version of GoHighLevel's API; 2021-07-28 without it. Only for the time after that one is \
                   retired.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear: the search shows it seconds later.
const SETTLE: Duration = Duration::from_secs(60);

const FIND_CONTACT: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Find(find_contact),
    // By number, by e-mail address, and by pages where one of those is too long to read.
    calls: 4,
    request: |filing| {
        let handles = handles(&filing.lead.contact);
        Some(contact_by(filing.settings, handles.first()?))
    },
};

const MAKE_CONTACT: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Make {
        run: create_contact,
        look: Look::ByCaller(find_created_contacts),
        settle: SETTLE,
    },
    // A refusal is looked into.
    calls: 4,
    request: |filing| Some(contact_create(filing)),
};

/// The note on the contact, which is the lead itself where no opportunity is made.
const fn make_note(slot: Slot) -> Step {
    Step {
        slot,
        kind: StepKind::Make {
            run: create_note,
            look: Look::Children(find_notes),
            settle: SETTLE,
        },
        calls: 2,
        request: note_create,
    }
}

static PLANS: &[Plan] = &[
    Plan {
        name: "opportunity",
        steps: &[
            FIND_CONTACT,
            MAKE_CONTACT,
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_opportunity,
                    look: Look::Children(find_opportunities),
                    settle: SETTLE,
                },
                calls: 3,
                request: opportunity_create,
            },
            make_note(Slot::Note),
        ],
    },
    Plan {
        name: "contact",
        steps: &[FIND_CONTACT, MAKE_CONTACT, make_note(Slot::Lead)],
    },
];

#[async_trait]
impl CrmAdapter for GoHighLevel {
    fn crm(&self) -> &'static CrmInfo {
        &GOHIGHLEVEL
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn plan(&self, settings: &Settings) -> &'static Plan {
        let chosen = PLANS.iter().find(|plan| plan.name == mode(settings));
        chosen.unwrap_or(&PLANS[0])
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        refusal::verdict(answer)
    }

    /// Opens the location, and compares what is set with what the location has.
    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        account::check(session).await
    }

    /// Stages are those of the pipeline, once it is chosen.
    async fn options(&self, session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
        account::options(session, setting).await
    }
}

fn mode(settings: &Settings) -> &str {
    settings.text("mode").unwrap_or(PLANS[0].name)
}

/// Whether the connection sets all that its mode needs. The pipeline cannot be asked for before somebody has
/// signed in, so a connection may be made without, and its leads wait before anything is made.
fn ready(settings: &Settings) -> AdapterResult<()> {
    set(settings, "location_id")?;
    if mode(settings) == "opportunity" {
        set(settings, "pipeline")?;
    }
    Ok(())
}

/// What no request can do without. No fault of the lead: the connection waits for a person.
fn set<'a>(settings: &'a Settings, name: &str) -> AdapterResult<&'a str> {
    settings.text(name).ok_or_else(|| {
        let detail = format!("the connection to GoHighLevel lacks the setting {name}");
        AdapterError::Setup(Failure::new("setting_missing", detail))
    })
}
