//! The accounts' ways into their CRMs.

mod connect;
mod delete;
mod disable;
mod list;
mod propose;
mod release;
mod test;

pub use connect::Connected;
pub use propose::{Given, Proposed};
pub use release::RELEASE_SPACING;
pub use test::ConnectionTest;
