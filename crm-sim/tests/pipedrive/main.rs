//! The simulated Pipedrive behaves as the real one is documented to.

mod access;
mod api;
mod deals;
mod leads;
mod limits;
mod notes;
mod paging;
mod persons;
mod searching;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
