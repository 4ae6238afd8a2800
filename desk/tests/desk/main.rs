//! The desk on a real database, one promise a test.

mod connections;
mod kit;
mod leads;
mod runs;
mod upkeep;
