//! The accounts' ways into their CRMs.

mod connect;
mod delete;
mod disable;
mod list;
mod pause;
mod prepare;
mod propose;
mod queue;
mod release;
mod sign_in;
mod test;

pub use connect::Connected;
pub use propose::{Given, Proposed};
pub use queue::{ConnectionQueue, ListedConnection};
pub use release::RELEASE_SPACING;
pub use sign_in::{Arrived, BegunSignIn};
pub use test::ConnectionTest;
