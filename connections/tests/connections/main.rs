//! The store against a real database, one promise a test.

mod doors;
mod find;
mod migrations;
mod secrets;
mod store;
mod support;
