//! The simulated ServiceTitan behaves as the real one is documented to.

mod access;
mod api;
mod bookings;
mod customers;
mod faults;
mod jobs;
mod leads;
mod lookups;
mod office;
mod paging;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
