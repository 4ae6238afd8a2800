//! Benchmarks of the engine against bare PostgreSQL.
//!
//! Absolute rates say little on a shared machine, so `engine` is taken beside two floors in the same
//! run, interleaved: the same rows written one commit a step (A), and the same rows and bytes in
//! shared commits by a bare loop without an engine (B). Figures are medians of the rounds.
//!
//! No rate believes its own counters: the histories are looked at afterwards, and the scenario fails
//! where one is not whole (`verify`).

mod backlog;
mod enqueue;
mod fair;
mod floors;
mod idle;
mod jobs;
mod leads;
mod lists;
mod meter;
mod ours;
mod pickup;
mod report;
mod round;
mod single;
mod soak;
mod stats;
mod timed;
mod verify;
mod workers;

pub use backlog::{Depth, Others, backlog};
pub use enqueue::{EnqueueOptions, EnqueueReport, enqueue};
pub use fair::{FairOptions, FairReport, fair};
pub use idle::{IdleReport, idle};
pub use leads::{LeadsOptions, LeadsReport, leads};
pub use lists::{ListFigure, ListsOptions, ListsReport, lists};
pub use meter::refuse_if_in_use;
pub use pickup::{Heard, Pickup, pickup};
pub use report::{EngineOptions, EngineReport, engine};
pub use single::{SingleReport, single};
pub use soak::{Growth, SoakOptions, SoakReport, SoakSample, soak};
pub use stats::Quantiles;
pub use workers::{WorkerProgram, Workers, one_worker, workers};
