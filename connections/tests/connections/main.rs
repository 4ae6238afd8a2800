//! The store against a real database, one promise a test.

mod doors;
mod find;
mod migrations;
mod provider;
mod renewing;
mod rotating;
mod secrets;
mod sign_in;
mod states;
mod store;
mod support;
