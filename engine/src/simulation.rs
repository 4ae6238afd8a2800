//! A reference model of a run's life and the program's pure code held against it.
//!
//! `tests/run_model.rs` holds the same model against the SQL on a real PostgreSQL.

mod fleet;
// The pure part and the SQL part use each their own of these.
#[allow(dead_code)]
mod model;
#[allow(dead_code)]
mod moves;
mod pure;

pub(crate) use fleet::{elapsed, roll};

use crate::{HistoryKind, RunState};
