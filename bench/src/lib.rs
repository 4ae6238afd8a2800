//! Benchmarks of the engine against bare PostgreSQL.
//!
//! Absolute rates say little on a shared machine, so each is taken beside two floors in the same
//! run, interleaved: the same rows written one commit a step (A), and the same rows and bytes in
//! shared commits by a bare loop without an engine (B). Figures are medians of the rounds.

mod backlog;
mod floors;
mod meter;
mod ours;
mod pickup;
mod report;

pub use backlog::{Depth, Others, backlog};
pub use meter::refuse_if_in_use;
pub use pickup::{Pickup, pickup};
pub use report::{EngineOptions, EngineReport, engine};
