//! The store against a real database, one promise a test.

mod doors;
mod find;
mod migrations;
mod rotating;
mod secrets;
mod states;
mod store;
mod support;
