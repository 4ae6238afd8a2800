//! Sets of SQL: numbered files that are applied once, and files of functions that are applied
//! whenever their text is new.
//!
//! Tables are made and changed by numbered files, each in a transaction of its own. Functions are
//! whole in one file a topic, with `create or replace`; what differs from the database is applied in
//! one transaction, so nobody sees half of it. Both remember the checksum of each text, and both only
//! go forward: a file that a newer release has replaced is not put back.
//!
//! The engine's own set is [`ENGINE`]. An application with tables and functions that stand on the
//! engine's makes a [`Set`] of its own and applies it after [`Engine::migrate`](crate::Engine::migrate).

mod engine_set;
mod files;
mod rights;
mod set;

pub use engine_set::ENGINE;
pub use files::SqlFile;
pub use set::{MigrateError, Set};
