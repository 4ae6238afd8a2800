//! Runs, whatever they are about: selecting many and acting on them, looking at one, talking to it.

mod act;
mod list;
mod named;
mod select;
mod show;
mod talk;

pub use act::{Became, Done, Verb};
pub use list::RunList;
pub use select::{Plan, Selection};
