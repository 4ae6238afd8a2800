//! Leads: handing them over, looking one up with its story, listing them.

pub(crate) mod cancel;
mod idempotency;
pub(crate) mod items;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod submit;
pub(crate) mod view;
