//! SQL. One file a group of tables; everything else in the engine is free of it.

pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod locks;
pub(crate) mod reading;
pub(crate) mod workers;

use sqlx::PgPool;

/// The engine's tables as the worker uses them, outside the journal.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) pool: PgPool,
}
