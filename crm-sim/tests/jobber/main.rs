//! The simulated Jobber behaves as the real one is documented to.

mod access;
mod asking;
mod clients;
mod documents;
mod faults;
mod limits;
mod paging;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
