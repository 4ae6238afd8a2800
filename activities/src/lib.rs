//! The durable steps of filing a lead, one side effect a file.
//!
//! Each step opens the connection live, lets the CRM's adapter do one thing, keeps what was sent
//! and answered for the history, and says what follows from the answer ([`FailureKind`]). Nothing
//! is kept open between steps: a worker may die after any of them.
//!
//! | step | does | a second run is harmless because |
//! |---|---|---|
//! | [`FindConnection`] | finds the account's way into the CRM | it only looks |
//! | [`DedupLookup`] | asks the CRM whether the caller is known | it only looks |
//! | [`CustomerCreate`] | makes a customer of the caller | it looks for its marker first |
//! | [`LeadCreate`] | files the call | it looks for its marker first |
//! | [`NoteAttach`] | attaches the note, where that is a call of its own | a lost answer goes to a person |
//! | [`ScheduleAudit`] | plans second looks after an unknown outcome | each has a key |
//! | [`LeadAudit`] | is there exactly one of what we made? | it only looks |
//!
//! [`FailureKind`]: leadrail_engine::FailureKind

mod access;
mod customer_create;
mod dedup_lookup;
mod destination;
mod duplicates;
mod failure;
mod filing;
mod find_connection;
mod lead_audit;
mod lead_create;
mod note_attach;
mod schedule_audit;

pub use self::access::CrmAccess;
pub use self::customer_create::CustomerCreate;
pub use self::dedup_lookup::DedupLookup;
pub use self::destination::{Destination, gate_of};
pub use self::filing::Filing;
pub use self::find_connection::{FindConnection, FindConnectionInput};
pub use self::lead_audit::{AuditFindings, AuditInput, AuditOutcome, LeadAudit};
pub use self::lead_create::{LeadCreate, LeadCreateInput};
pub use self::note_attach::{NoteAttach, NoteAttachInput};
pub use self::schedule_audit::{AUDIT_LEAD, ScheduleAudit, ScheduleAuditInput};
