//! The universal lead payload 1.0.
//!
//! A call pipeline hands over one JSON object a call. This crate says what that object may look
//! like ([`Lead::received`], [`schema`]), names everything that makes it useless at once
//! ([`PayloadFaults`]) and warns of the rest ([`Warning`]), tells a resend from a different lead
//! under the same id ([`fingerprint()`]), and derives the [`Marker`] by which a CRM record is
//! found again.
//!
//! It is lenient where a caller may have nothing to give (no e-mail, no last name, no address),
//! keeps fields it does not know, and does no I/O.

mod canonical;
mod email;
mod faults;
mod fields;
mod ids;
mod lead;
mod marker;
mod phone;
pub mod sample;
mod schema;
mod shapes;
mod signed;
mod strict;
mod test_mode;
mod validate;
mod warnings;
mod words;

pub use canonical::{Fingerprint, NotAFingerprint, canonical, fingerprint};
pub use faults::{Fault, MAX_FAULTS, PayloadFaults, code};
pub use ids::{AccountId, CrmName, EventId, IdFault, is_unshown};
pub use lead::{Address, AiAnalysis, Call, Contact, LINK_LIFETIME, Lead, Routing, ServiceRequest};
pub use marker::{Marker, NotAMarker};
pub use phone::{NotAPhone, Phone};
pub use schema::{example, schema};
pub use shapes::{MAX_ID_CHARS, MAX_LINE_CHARS, MAX_PHONE_CHARS, MAX_TEXT_CHARS, MAX_URL_CHARS};
pub use validate::{MAX_AHEAD, MAX_DEPTH, MAX_PAYLOAD_BYTES, MAX_VALUES};
pub use warnings::{Remark, Warning};
pub use words::{Direction, LeadEvent, QualificationStatus, Sentiment, Urgency};
