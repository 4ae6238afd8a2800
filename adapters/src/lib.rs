//! One file per CRM: a lead becomes that CRM's requests, its answers become outcomes.
//!
//! A [`CrmAdapter`] knows the field shapes of its CRM and nothing else. It builds [`CrmRequest`]s
//! and hands them to a [`Session`], which knows the rest: where the CRM is and which headers open
//! it ([`Target`]), how to call it without trusting it
//! ([`Outbound`]), what its answer means
//! ([`AdapterError`], decided by [`classify()`]), and what is kept of the call ([`Exchange`]).
//!
//! To add a CRM: describe it as a [`CrmInfo`], write one function a request, implement
//! [`CrmAdapter`] with them, and name it in `registry.rs`. `housecall_pro.rs` shows how.
//!
//! ```no_run
//! use leadrail_adapters::{Adapters, Credentials, Session, Target};
//! use leadrail_lead::CrmName;
//! use leadrail_outbound::{Guard, Outbound};
//!
//! # async fn example(key: secrecy::SecretString) -> Result<(), Box<dyn std::error::Error>> {
//! let http = Outbound::new(Guard::public_only())?;
//! let adapters = Adapters::all();
//! let adapter = adapters.get(&CrmName::HOUSECALL_PRO).ok_or("no such CRM")?;
//! let credentials = Credentials::new("api_key").with("api_key", key);
//! let session = Session::new(&http, Target::new(adapter.crm())?, credentials)?;
//! let account = adapter.check(&session).await?;
//! println!("connected to {}", account.name);
//! # Ok(())
//! # }
//! ```

mod budget;
mod classify;
mod contract;
mod error;
mod evidence;
pub mod housecall_pro;
mod note;
mod registry;
mod request;
mod retry_after;
mod session;
mod target;
mod text;

#[cfg(test)]
mod scripted_crm;

pub use self::budget::{CallBudget, call_budget};
pub use self::classify::{Answer, Effect, Fault, classify};
pub use self::contract::{
    AccountInfo, AuthMethod, CrmAdapter, CrmInfo, CustomerRef, FieldLimit, LeadRef, LinkState,
    NotePlacement, NoteRef, ReconcileClass, SettingInfo, activity,
};
pub use self::error::{AdapterError, AdapterResult, Failure};
pub use self::evidence::{Exchange, HeaderValue, KEPT_REQUEST_BODY, KEPT_RESPONSE_BODY, KeptText};
pub use self::registry::Adapters;
pub use self::request::{CrmRequest, PlannedRequest};
pub use self::retry_after::{MAX_RETRY_AFTER, retry_after};
pub use self::session::{Credentials, MAX_RESPONSE_BODY, Session};
pub use self::target::{Settings, SetupError, Target};
