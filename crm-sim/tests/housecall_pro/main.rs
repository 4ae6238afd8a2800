//! The simulated Housecall Pro behaves as the real one is documented to.

mod access;
mod customers;
mod jobs;
mod leads;
mod searching;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
