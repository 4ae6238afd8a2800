//! Leads: handing them over, finding one, listing them, stopping one.

mod cancel;
mod list;
mod live;
mod preview;
mod rows;
mod search;
mod story;
mod submit;
mod test;
mod views;

pub use list::{LeadFilter, LeadPage};
pub use preview::{PreviewOptions, preview};
pub use story::LeadStory;
pub use test::TestedLead;
