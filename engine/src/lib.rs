//! Durable workflows on PostgreSQL.
//!
//! A [`Workflow`] is async code that only orchestrates; an [`Activity`] is one side effect. Every
//! activity's result is committed before the next one starts, so a run survives the death of its
//! worker, its machine and the database, and goes on where it stopped. Commits are shared between
//! all runs of a worker (`journal`), which is what makes it fast, and fenced, which is what makes it
//! safe: a worker that lost its runs can commit nothing.
//!
//! An effect that must happen once writes its intent before it starts; after an unknown outcome the
//! engine looks ([`Activity::reconcile`]) before it acts again. That is effectively once as far as
//! the outside world can be asked, and the run says so where it cannot.
//!
//! Where to find what: [`Engine`] enqueues, signals and reads (`engine/`), [`run_worker`] executes
//! (`worker/`, `executor`; `shared` is what their parts have in common), [`Ctx`] is what a workflow
//! sees (`ctx/`), `past` what a resumed run takes from its history, [`RetrySchedule`] (`retry`) and
//! [`Limits`] say how patiently, `cron/` starts runs by the calendar, `names` holds what Rust and SQL
//! call the same, `migrations/` the tables, `sql/` the functions, and [`migrate`] brings both into a
//! database.

mod activity;
mod backend;
mod claim;
mod cron;
mod ctx;
mod deadline;
mod decision;
mod engine;
mod executor;
#[doc(hidden)]
pub mod failpoint;
mod history;
mod hosts;
mod ids;
mod jitter;
mod journal;
pub mod migrate;
mod names;
mod past;
mod rehearsal;
mod retry;
mod shared;
#[cfg(test)]
mod simulation;
mod size;
mod state;
mod store;
mod worker;
mod workflow;

pub use activity::{
    Activity, ActivityError, ActivityOptions, ActivityResult, Attempt, Budget, Effect, FailureKind,
    Found, OnUnknown,
};
pub use cron::{
    CatchUp, CronError, CronView, FireTimes, InvalidCron, NewCron, Overlap, PutCron, fire_time,
};
pub use ctx::{Child, ChildOptions, Ctx};
pub use decision::{Decision, Limits, Tried, decide};
pub use engine::{
    Cancelled, DeclaredRestored, Engine, Enqueued, GroupCommit, Held, LaneLimits, LaneView, Letter,
    LetterFilter, LetterSeq, LettersError, Line, NewRun, NotEnqueued, Outcome, ReplayLane,
    ReplayProgress, Restarted, Sent, Standing, WorkerView, WriteGroup, is_read_only,
    kind_of as kind_of_database_error,
};
pub use history::{Event, HistoryKind};
pub use hosts::{DatabaseHosts, InvalidHosts, Privacy};
pub use ids::{RunId, WorkerId};
pub use rehearsal::{Fit, Rehearsed};
pub use retry::{InvalidWait, RetrySchedule, Wait, parse_duration};
pub use size::LARGEST_VALUE;
pub use state::{RunState, UnknownState};
pub use store::access::{Access, Sees};
pub use store::doctor::Check;
pub use store::pages::{RunFilter, RunPage};
pub use store::queue::{PriorityDepth, QueueDepth};
pub use store::reading::{RunView, count_by_state};
pub use store::turns::Turns;
pub use store::writes::refuses_writes;
pub use worker::{WorkerConfig, run_worker};
pub use workflow::{Registry, Workflow, WorkflowError, WorkflowResult};

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
