//! Links to recordings and transcripts: followed, listed, taken back.

mod list;
mod open;
mod revoke;

pub use list::{LinkState, LinkView};
pub use open::{Lost, Opened, ToldCall};
