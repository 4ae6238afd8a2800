//! One folder per CRM: a lead becomes that CRM's requests, its answers become outcomes.
//!
//! A [`CrmAdapter`] knows the field shapes of its CRM and nothing else. It declares [`Plan`]s: typed
//! [`Step`]s over the slots customer, site, lead and note. Each step builds [`CrmRequest`]s from a
//! [`Filing`] and hands them to a [`Session`], which knows the rest: where the CRM is and what opens
//! it ([`Target`], [`Secrets`]), how to call it without trusting it, and what is kept of the call
//! ([`Exchange`]). What an answer means is the adapter's [`judge`](CrmAdapter::judge); [`classify()`]
//! is what it falls back on.
//!
//! - `crms/`: the CRMs, a folder each.
//! - `http/`: the layer they share, from request to verdict and evidence.
//! - `text/`: words fit for a CRM's fields, and the note.
//! - `oauth/`: who issues tokens for them, a row each.
//! - `contract.rs`, `plan.rs`, `info.rs`: what an adapter is, does, and says of itself.
//!
//! To add a CRM, see `docs/adding-a-crm.md`.
//!
//! ```no_run
//! use leadrail_adapters::{Adapters, Secrets, Target};
//! use leadrail_lead::CrmName;
//! use leadrail_outbound::{Guard, Outbound};
//!
//! # async fn example(key: secrecy::SecretString) -> Result<(), Box<dyn std::error::Error>> {
//! let http = Outbound::new(Guard::public_only())?;
//! let adapters = Adapters::all();
//! let adapter = adapters.get(&CrmName::HOUSECALL_PRO).ok_or("no such CRM")?;
//! let secrets = Secrets::new("api_key").with("api_key", key);
//! let session = adapter.open(&http, Target::new(adapter.crm())?, secrets)?;
//! let account = adapter.check(&session).await?;
//! println!("connected to {}", account.name);
//! # Ok(())
//! # }
//! ```

mod contract;
pub mod crms;
mod http;
mod info;
pub mod oauth;
mod plan;
mod preview;
mod registry;
mod text;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod scripted_crm;

pub use self::contract::{AccountInfo, Choice, CrmAdapter};
pub use self::http::answer::{Answer, Effect, Fault};
pub use self::http::budget::{CallBudget, call_budget};
pub use self::http::classify::classify;
pub use self::http::error::{AdapterError, AdapterResult, Failure, RECORD_GONE, SetupError};
pub use self::http::evidence::{
    Exchange, HeaderValue, KEPT_REQUEST_BODY, KEPT_RESPONSE_BODY, KeptText,
};
pub use self::http::graphql::{GraphQlErrors, graphql};
pub use self::http::renewal::{NoRenewal, Renewal, RenewalError};
pub use self::http::request::{Body, CrmRequest};
pub use self::http::retry_after::{MAX_RETRY_AFTER, retry_after};
pub use self::http::secrets::{SecretVersion, Secrets};
pub use self::http::session::Session;
pub use self::http::settings::{Settings, SettingsFaults};
pub use self::http::target::Target;
pub use self::http::verdict::Verdict;
pub use self::info::{
    ACCESS_TOKEN, AuthMethod, CrmInfo, ENVIRONMENT, Environment, FieldLimit, FixedHeader, Grant,
    Place, REFRESH_TOKEN, RateLimit, ReconcileClass, Required, SecretInfo, SettingInfo,
    SettingKind,
};
pub use self::plan::{
    Filing, Links, Look, Made, Plan, Record, Slot, Step, StepFuture, StepKey, StepKind, Verb,
};
pub use self::preview::{PlannedRequest, preview};
pub use self::registry::Adapters;
