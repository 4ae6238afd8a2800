//! The whole product on one machine, for whoever shows it, strikes it or tests it.
//!
//! - [`Demo`]: every lead meets another kind of trouble, and each must end where it should.
//! - [`Chaos`]: workers, database and CRM are struck while leads come in, and the CRM's own books
//!   judge what became of them.
//! - [`Proxy`]: a way to PostgreSQL on which answers and notifications can be lost.
//! - [`Program`], [`Process`], [`Place`], [`Books`]: the `leadrail` binary, the simulated CRMs it can work for, what may be done to a process of it,
//!   and what it has left in the simulated CRM.
//!
//! The parts are the real ones, but for the CRM. Nothing here is read or printed for a person: that
//! is the business of whoever puts it up.

mod books;
mod chaos;
mod demo;
mod places;
mod process;
mod program;
mod proxy;
mod rig;
mod signing_in;

pub use books::Books;
pub use chaos::{Chaos, ChaosOptions, Control, Figure, LATER_BUILD, Profile, Verdict, later_build};
pub use demo::{CrmSums, Demo, DemoOptions, DemoReport, Sums, TroubledLead};
pub use places::Place;
pub use process::Process;
pub use program::Program;
pub use proxy::Proxy;

/// Told now and then how many leads have ended, and in a few words how it goes.
pub type Show<'a> = dyn FnMut(u64, &str) + 'a;
