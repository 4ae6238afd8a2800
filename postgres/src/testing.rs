//! Databases and servers for tests.
//!
//! [`TestDatabase::fresh`] gives a test its own empty database on a server that all tests share,
//! [`TestServer::dedicated`] a server of its own that it may stop, kill and start again.
//!
//! Where the server comes from is decided once a process and said once on standard error:
//!
//! | source | when |
//! |---|---|
//! | the server behind `LEADRAIL_TEST_DATABASE_URL` | the variable is set (for shared databases only) |
//! | a container | a Docker engine answers and an image can be had |
//! | a private server of installed programs | otherwise |
//!
//! `LEADRAIL_TEST_POSTGRES=container` forbids the last row and `=installed` the one before it.
//! The shared container, `leadrail-test-postgres`, is left running for the next test program;
//! `docker rm -fv leadrail-test-postgres` removes it.
//!
//! Everything here panics instead of returning errors: a test without its database has failed.

mod admin;
mod background;
mod catalog;
mod container;
mod database;
mod image;
mod pooler;
mod server;
mod source;

pub use catalog::{catalog, run_all, stubs};
pub use database::TestDatabase;
pub use pooler::Pooler;
pub use server::TestServer;
