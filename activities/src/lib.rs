//! The durable steps of filing a lead, one side effect a file.
//!
//! Each step opens the connection live, lets the CRM's adapter take one step of its plan, keeps what
//! was sent and answered for the history, and says what follows from the answer ([`FailureKind`]).
//! Nothing is kept open between steps: a worker may die after any of them.
//!
//! | step | does | a second run is harmless because |
//! |---|---|---|
//! | [`FindConnection`] | finds the account's way into the CRM | it only looks |
//! | [`FindStep`] | looks for a record that is there already | it only looks |
//! | [`MakeStep`] | makes a customer, site, lead or note | it looks for its marker first |
//! | [`ScheduleAudit`] | plans second looks after an unknown outcome | each has a key |
//! | [`PlanProbes`] | plans who is asked about their secrets | each has a key |
//! | [`ProbeConnection`] | does the CRM accept the secrets? | it only looks |
//! | [`LeadAudit`] | is there exactly one of what we made? | it only looks |
//!
//! [`FailureKind`]: leadrail_engine::FailureKind

mod access;
mod destination;
mod duplicates;
mod failure;
mod find_connection;
mod find_step;
mod lead_audit;
mod make_step;
mod plan_probes;
mod probe_connection;
mod refusal;
mod schedule_audit;
mod step;

pub use self::destination::{Destination, address_gate, gate_of, gates_of};
pub use self::find_connection::{FindConnection, FindConnectionInput};
pub use self::find_step::FindStep;
pub use self::lead_audit::{AuditFindings, AuditInput, AuditOutcome, LeadAudit, StepFindings};
pub use self::make_step::MakeStep;
pub use self::plan_probes::{PROBE_CONNECTION, PROBE_EVERY, PlanProbes, PlannedProbes};
pub use self::probe_connection::{ProbeConnection, ProbeInput, Probed};
pub use self::schedule_audit::{AUDIT_LEAD, ScheduleAudit, ScheduleAuditInput, second_looks};
pub use self::step::{StepInput, caller_lock};
