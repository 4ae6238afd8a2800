//! The product as its users run it, a promise a file. One program, because each links all of it; what
//! measures how soon something happens is a program of its own and has the machine to itself.

mod architecture;
mod canaries;
mod chaos;
mod client;
mod doors;
mod drain;
mod erasure;
mod failpoints;
mod fence;
mod privacy;
mod renewals;
mod restored;
mod retry;
mod walls;

/// The product with failpoints compiled in.
const PROGRAM: &str = env!("CARGO_BIN_EXE_leadrail-under-test");
