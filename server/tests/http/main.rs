//! The API over real sockets, on a database of each test's own.

mod audit;
mod bad_input;
mod batches;
mod connecting;
mod connections;
mod doors;
mod floods;
mod guard;
mod keys;
mod operation;
mod outage;
mod reading;
mod runs;
mod sign_ins;
mod spec;
mod submit;
mod support;
