//! What the product can do, one operation a file.
//!
//! The HTTP API and the command line are translators: they read what they were asked, call a [`Desk`],
//! and say what became of it. Whatever is a rule stands here, once: which run is a lead's, how fast
//! waiting leads go out, what a name may look like, whether a database may be trusted.
//!
//! Every operation that changes something is given the [`Actor`] who does it and notes it through one
//! function, so that an audit log has one place to stand. There is no HTTP and no command line here,
//! and no text that only one of the two could say.

mod actor;
mod age;
mod audit;
mod connections;
mod crm;
mod desk;
mod doctor;
mod erasure;
mod error;
mod health;
mod keys;
mod lanes;
mod leads;
mod links;
mod migrate;
mod providers;
mod rehearse;
mod restored;
mod retention;
mod runs;
mod schedules;
mod stall;
mod vault;
mod wait;
mod wall;
mod workers;

pub use actor::Actor;
pub use age::TransactionAge;
pub use audit::{AuditEntry, AuditFilter};
pub use connections::{
    Arrived, BegunSignIn, Change, Connected, ConnectionQueue, ConnectionTest, CrmForm, Given,
    ListedConnection, Options, Proposed, RELEASE_SPACING, Reconnect, Setting, SettingType,
    crm_form, crm_forms,
};
pub use crm::{adapter, auth_method};
pub use desk::Desk;
pub use doctor::{check_privacy, check_server, forgetful_setting, unreachable};
pub use erasure::{CrmCopy, CrmRecord, Erasure, Person};
pub use error::{DeskError, DeskResult, sentence};
pub use keys::{ApiKey, Caller, IssuedKey, KeyId, KeyMode, Need, NewKey, Role};
pub use leadrail_adapters::{PlannedRequest, RateLimit};
pub use leads::{LeadFilter, LeadPage, LeadStory, PreviewOptions, TestedLead, preview};
pub use links::{LinkState, LinkView, Lost, Opened, ToldCall};
pub use migrate::newer_than_us;
pub use providers::ListedProvider;
pub use retention::Retention;
pub use runs::{Became, Done, Plan, RunList, Selection, Verb};
pub use stall::Stall;
pub use vault::VaultStatus;
pub use wait::Standing;
