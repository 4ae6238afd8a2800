//! The desk on a real database, one promise a test.

mod budgets;
mod connections;
mod erasure;
mod kit;
mod leads;
mod rare_states;
mod retention;
mod runs;
mod upkeep;
