//! HubSpot: a call becomes a contact (unless known), a deal or a lead on it, and a note on both. Paths and
//! property names are checked against developers.hubspot.com, API reference 2026-03.
//!
//! - There is no idempotency key. A contact's e-mail address is unique, and so is a custom property that
//!   was made with unique values (`hasUniqueValue`; a person makes it, see docs/crms/hubspot.md). The
//!   setting `ref_property` names one; it then holds our marker, and a record is read by it without any
//!   index in between. Without it deals carry the marker in their description, leads in their name, and
//!   what the contact is associated with is listed; contacts carry it in `message`, and are searched for.
//!   Marker and reference are both written, because the setting may change between a create and its look.
//!   So the looks are of class C, and as good as B where there is such a property.
//! - Notes have no property of ours: they are listed under the deal, or under the contact of a lead, because
//!   how a note is tied to a lead is not documented.
//! - A second contact with the same address is refused with 409, and the id of the first stands in the words
//!   only; that is the caller's contact. What a second unique value of ours is refused with is not
//!   documented: 409 and 400 `CONFLICTING_UNIQUE_VALUE` are both understood, and the record is read by the
//!   property.
//! - The search lags by seconds to a minute, and finds numbers as they were typed. It is asked for the usual
//!   ways of typing one and for the calculated digits (of `phone` as documented, of `mobilephone` as public
//!   clients have it), and every hit is compared here. A caller without an
//!   address who calls twice within the lag may become two contacts; with `ref_property` too, for it holds
//!   the lead's marker and not the number.
//! - An address that HubSpot refuses would cost the contact, so it is made again without it.
//! - Note bodies are HTML: all that was said is escaped.
//! - Whether an answer has `url`, the page of a record, is not documented; it is passed on if it is there.
//! - What a create for a contact that is gone is refused with is not documented: 404, and 400 with
//!   `INVALID_OBJECT_IDS` as the association endpoints answer, are both understood.
//! - Where deals begin is asked of the account, so it is set after somebody has signed in: until then calls
//!   wait, and no setting is required.
//! - Leads are a part of Sales Hub Professional and Enterprise; deals are there in every account.

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

use self::caller::Caller;
use self::requests::{
    Window, contact_create, contacts_like, deal_create, lead_create, note_create,
};
use self::steps::{
    create_contact, create_deal, create_lead, create_note_on_contact, create_note_on_deal,
    find_contact, find_created_contacts, find_deals, find_leads, find_notes_of_contact,
    find_notes_of_deal,
};
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

/// The adapter for `HubSpot`.
pub struct HubSpot;

/// What `HubSpot` is and can do.
pub static HUBSPOT: CrmInfo = CrmInfo {
    name: "hubspot",
    title: "HubSpot",
    base_url: "https://api.hubapi.com",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "bearer_token",
            title: "Private app token or service key",
            help: "In HubSpot, a super admin makes a service key under Settings > Integrations, or copies \
                   the token of a private app that is there, with the scopes for contacts, deals (or \
                   leads) and owners.",
            secrets: &[SecretInfo {
                name: "access_token",
                title: "Token",
            }],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Given,
        },
        AuthMethod {
            id: "oauth",
            title: "Sign-in",
            help: "A super admin signs in to HubSpot and lets us in: `leadrail connection sign-in` gives \
                   the link.",
            secrets: &[],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Code(&oauth::HUBSPOT),
        },
    ],
    headers: &[],
    call_timeout: Duration::from_secs(30),
    // A page of 25 notes as long as HubSpot takes them, or all properties of contacts.
    max_body: 2 * 1024 * 1024,
    // 190 on larger plans, 110 for apps of the marketplace.
    rate: Some(RateLimit {
        requests: 100,
        seconds: 10,
        source: "HubSpot docs, usage guidelines: a private app on the smallest plan",
    }),
    limits: &[
        FieldLimit::ours("contact.firstname", 100),
        FieldLimit::ours("contact.lastname", 100),
        FieldLimit::ours("contact.email", 254),
        FieldLimit::ours("contact.address", 255),
        FieldLimit::ours("contact.city", 100),
        FieldLimit::ours("contact.state", 50),
        FieldLimit::ours("contact.zip", 20),
        FieldLimit::ours("contact.country", 60),
        FieldLimit::ours("deal.dealname", 200),
        FieldLimit::ours("deal.description", 1_000),
        FieldLimit::ours("lead.hs_lead_name", 200),
        // Escaped, it stays below what HubSpot takes.
        FieldLimit::ours("note.text", 10_000),
        FieldLimit {
            field: "note.hs_note_body",
            max_chars: 65_536,
            source: "developers.hubspot.com, Notes",
        },
    ],
    settings: &[
        SettingInfo {
            name: "mode",
            title: "What a call becomes",
            kind: SettingKind::Choice(&["deal", "lead"]),
            required: Required::Never,
            help: "deal: a deal in a pipeline, which every account has; lead: a lead in the prospecting \
                   workspace, for which the account needs Sales Hub Professional or Enterprise.",
        },
        SettingInfo {
            name: "pipeline",
            title: "Deal pipeline",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The pipeline in which deals begin. Calls that become deals wait until it is set; those \
                   that become leads do not need it.",
        },
        SettingInfo {
            name: "stage",
            title: "Deal stage",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The stage in which deals begin, one of that pipeline's. Calls that become deals wait \
                   until it is set; those that become leads do not need it.",
        },
        SettingInfo {
            name: "lead_pipeline",
            title: "Lead pipeline",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The pipeline in which leads begin; the account's usual one without it.",
        },
        SettingInfo {
            name: "lead_stage",
            title: "Lead stage",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The stage in which leads begin, one of that pipeline's; its first without it.",
        },
        SettingInfo {
            name: "owner",
            title: "Owner",
            kind: SettingKind::Number { options: true },
            required: Required::Never,
            help: "Whose the deals or leads are; nobody's without it. Leads need somebody with a seat.",
        },
        SettingInfo {
            name: "ref_property",
            title: "Property for references",
            kind: SettingKind::Id { options: true },
            required: Required::Never,
            help: "The internal name of a text property with unique values that contacts and deals (or \
                   leads) have: HubSpot itself then refuses a second record of a lead. Without it the \
                   reference stands in the message of contacts, the description of deals and the name \
                   of leads.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear. Contacts may have to be searched for, and
/// the index lags by up to a minute.
const SETTLE: Duration = Duration::from_secs(60);
const SETTLE_IN_SEARCH: Duration = Duration::from_secs(150);

const FIND_CONTACT: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Find(find_contact),
    calls: 3,
    request: |filing| {
        let caller = Caller::of(&filing.lead.contact)?;
        let first = Window {
            size: FEW,
            after: None,
        };
        Some(contacts_like(&caller, first))
    },
};

const CREATE_CONTACT: Step = Step {
    slot: Slot::Customer,
    kind: StepKind::Make {
        run: create_contact,
        look: Look::Children(find_created_contacts),
        settle: SETTLE_IN_SEARCH,
    },
    // The create, once more without the address, and by two unique values the contact that is there.
    calls: 4,
    request: |filing| Some(contact_create(filing)),
};

static PLANS: &[Plan] = &[
    Plan {
        name: "deal",
        steps: &[
            FIND_CONTACT,
            CREATE_CONTACT,
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_deal,
                    look: Look::Children(find_deals),
                    settle: SETTLE,
                },
                calls: 3,
                request: deal_create,
            },
            Step {
                slot: Slot::Note,
                kind: StepKind::Make {
                    run: create_note_on_deal,
                    look: Look::Children(find_notes_of_deal),
                    settle: SETTLE,
                },
                calls: 3,
                request: |filing| note_create(filing, Kind::Deal),
            },
        ],
    },
    Plan {
        name: "lead",
        steps: &[
            FIND_CONTACT,
            CREATE_CONTACT,
            Step {
                slot: Slot::Lead,
                kind: StepKind::Make {
                    run: create_lead,
                    look: Look::Children(find_leads),
                    settle: SETTLE,
                },
                calls: 3,
                request: lead_create,
            },
            Step {
                slot: Slot::Note,
                kind: StepKind::Make {
                    run: create_note_on_contact,
                    look: Look::Children(find_notes_of_contact),
                    settle: SETTLE,
                },
                calls: 3,
                request: |filing| note_create(filing, Kind::Contact),
            },
        ],
    },
];

/// A kind of record, by its name in paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Contact,
    Deal,
    Lead,
    Note,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Contact => "contacts",
            Kind::Deal => "deals",
            Kind::Lead => "leads",
            Kind::Note => "notes",
        }
    }
}

#[async_trait]
impl CrmAdapter for HubSpot {
    fn crm(&self) -> &'static CrmInfo {
        &HUBSPOT
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn plan(&self, settings: &Settings) -> &'static Plan {
        match filed_as(settings) {
            Kind::Lead => &PLANS[1],
            _ => &PLANS[0],
        }
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        refusal::verdict(answer)
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        account::check(session).await
    }

    /// Living ones only. Stages are those of the pipeline, once it is chosen.
    async fn options(&self, session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
        account::options(session, setting).await
    }
}

/// What a call becomes.
fn filed_as(settings: &Settings) -> Kind {
    match settings.text("mode") {
        Some("lead") => Kind::Lead,
        _ => Kind::Deal,
    }
}

/// Whether the connection sets where deals begin. That cannot be asked for before anybody has signed in, so
/// a connection may be made without.
fn ready(settings: &Settings) -> AdapterResult<()> {
    if filed_as(settings) != Kind::Deal {
        return Ok(());
    }
    let mut needed = ["pipeline", "stage"].into_iter();
    match needed.find(|name| settings.text(name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let detail = format!("the connection to HubSpot lacks the setting {name}");
            Err(AdapterError::Setup(Failure::new("setting_missing", detail)))
        }
    }
}

/// A caller's words in a field of one line.
fn text(field: &str, value: Option<&str>) -> Option<String> {
    line(value, HUBSPOT.limit(field))
}
