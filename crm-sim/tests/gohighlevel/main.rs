//! The simulated GoHighLevel behaves as the real one is documented to.

mod access;
mod asking;
mod contacts;
mod limits;
mod notes;
mod opportunities;
mod searching;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
