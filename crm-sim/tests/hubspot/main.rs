//! The simulated HubSpot behaves as the real one is documented to.

mod access;
mod account;
mod api;
mod associations;
mod creating;
mod faults;
mod limits;
mod searching;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
