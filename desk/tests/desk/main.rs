//! The desk on a real database, one promise a test.

mod connections;
mod kit;
mod leads;
mod rare_states;
mod runs;
mod upkeep;
