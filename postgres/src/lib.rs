//! A private PostgreSQL server: started for one program, reachable by that program, gone with it.
//!
//! The demo, the benchmarks and the tests need a real server and nobody wants to set one up for
//! them. [`PrivateServer::start`] finds PostgreSQL's programs on the machine (14 or newer), makes
//! a cluster with a random password, and runs it on 127.0.0.1 as an unprivileged user. Durability
//! stays on, because what runs against it is a durable engine.
//!
//! The server never outlives its owner, not even one that was killed: a small shell script, the
//! supervisor, holds it and listens on a pipe that ends when the owner does.
//!
//! Its module `testing` (a feature) builds on it: fresh databases for tests, and servers that a test may crash.

mod account;
mod binaries;
mod cluster;
mod database;
mod download;
mod error;
mod full_disk;
mod options;
mod server;
mod standby;
mod supervisor;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, Result};
pub use options::Options;
pub use server::PrivateServer;
