//! The accounts' ways into their CRMs.

mod budget;
mod change;
mod connect;
mod delete;
mod difference;
mod disable;
mod form;
mod list;
mod options;
mod pause;
mod prepare;
mod propose;
mod queue;
mod reconnect;
mod release;
mod sign_in;
mod test;
mod usual_limits;

pub use change::Change;
pub use connect::Connected;
pub use form::{CrmForm, Setting, SettingType, crm_form, crm_forms};
pub use options::Options;
pub use propose::{Given, Proposed};
pub use queue::{ConnectionQueue, ListedConnection};
pub use reconnect::Reconnect;
pub use release::RELEASE_SPACING;
pub use sign_in::{Arrived, BegunSignIn};
pub use test::ConnectionTest;
