//! Erasing a person: what a caller left here is gone, and what was filed elsewhere is named.

mod erase;
mod find;

pub use erase::Erasure;
pub use find::{CrmCopy, CrmRecord, Person};
