//! The durable workflows, one business story a file.
//!
//! - [`PushLead`]: a qualified lead becomes a customer and a lead in the contractor's CRM.
//! - [`AuditLead`]: a second look at a lead whose outcome was unknown for a while.
//! - [`ProbeConnections`]: dead secrets are found before the next lead.
//!
//! [`submit()`] hands leads over, [`registry()`] tells a worker how to run them, and [`timeline()`]
//! reads a run's history aloud.

mod accept;
mod audit_lead;
mod judge;
mod probes;
mod push_lead;
mod registry;
mod submit;
mod timeline;

pub use self::audit_lead::AuditLead;
pub use self::probes::{PROBE_CONNECTIONS, ProbeConnections, ProbeOneConnection, probe_schedule};
pub use self::push_lead::{PushLead, PushLeadOutput};
pub use self::registry::registry;
pub use self::submit::{LeadDoor, Submission, Submitted, submit, submit_in};
pub use self::timeline::{Caller, CrmAnswer, LeadTimeline, LeadView, TimelineEntry, timeline};
pub use leadrail_activities::{address_gate, gate_of, gates_of, second_looks};
