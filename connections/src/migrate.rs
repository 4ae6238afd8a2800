//! Brings the tables and functions of the engine and the product into a database.
//!
//! The engine has a set of its own; the product's, everything in `migrations/`, stands on it and comes
//! after.

use leadrail_adapters::Adapters;
use leadrail_engine::Engine;
use leadrail_engine::migrate::{MigrateError, Set, SqlFile};
use sqlx::PgPool;
use std::sync::LazyLock;

/// A file of `migrations/sql/` by its name there.
macro_rules! sql {
    ($name:literal) => {
        SqlFile::new($name, include_str!(concat!("../../migrations/sql/", $name)))
    };
}

/// The product's set, from `migrations/` and `migrations/sql/`.
pub static PRODUCT: LazyLock<Set> = LazyLock::new(|| {
    let functions = vec![
        SqlFile::new("known_crms.sql", known_crms()),
        sql!("lead_values.sql"),
        sql!("lead_meaning.sql"),
        sql!("accept_leads.sql"),
        sql!("enqueue_lead.sql"),
        sql!("lead_fingerprint.sql"),
        sql!("lead_warnings.sql"),
        sql!("audit.sql"),
        sql!("retention.sql"),
        sql!("erase.sql"),
        sql!("grant_doors.sql"),
        sql!("wall.sql"),
    ];
    Set::new("product", sqlx::migrate!("../migrations"), functions)
});

/// The names of the CRMs that there is an adapter for, for the SQL door: it refuses the others.
fn known_crms() -> String {
    let adapters = Adapters::all();
    let names: Vec<_> = adapters.iter().map(|adapter| adapter.crm().name).collect();
    format!(
        "create or replace function leadrail.known_crms() returns text[]
        language sql immutable parallel safe
        return array['{}'];
        comment on function leadrail.known_crms() is
            'The names of the CRMs that there is an adapter for.';",
        names.join("', '")
    )
}

/// Applies what is missing, the engine's first; its names, as [`pending`] lists them. Safe to run from
/// several processes at once and again at any time.
///
/// # Errors
/// As [`Set::apply`].
pub async fn migrate(pool: &PgPool) -> Result<Vec<String>, MigrateError> {
    let engine = Engine::new(pool.clone());
    let mut applied = engine.migrate().await?;
    applied.extend(PRODUCT.apply(pool).await?);
    // Those of the product's own tables.
    engine.make_partitions().await?;
    Ok(applied)
}

/// Lets a role hand over leads through SQL, and nothing else: the one grant that it needs.
///
/// # Errors
/// When there is no such role, or ours may not grant it.
pub async fn grant_doors(pool: &PgPool, role: &str) -> sqlx::Result<()> {
    let granted = sqlx::query!("select leadrail.grant_doors($1)", role);
    granted.execute(pool).await.map(drop)
}

/// Lets a role serve the API from behind the wall between accounts: the one grant that it needs.
///
/// # Errors
/// When there is no such role, the wall would not stand before it, or ours may not grant it.
pub async fn grant_api(pool: &PgPool, role: &str) -> sqlx::Result<()> {
    let granted = sqlx::query!("select leadrail.grant_api($1)", role);
    granted.execute(pool).await.map(drop)
}

/// What a newer release has applied, in the same words; this one may run there.
///
/// # Errors
/// As [`Set::newer`].
pub async fn newer(pool: &PgPool) -> Result<Vec<String>, MigrateError> {
    let mut newer = Engine::new(pool.clone()).newer_migrations().await?;
    newer.extend(PRODUCT.newer(pool).await?);
    Ok(newer)
}

/// What [`migrate`] would apply, in order, such as `engine 0001 tables`. Changes nothing.
///
/// # Errors
/// As [`Set::pending`].
pub async fn pending(pool: &PgPool) -> Result<Vec<String>, MigrateError> {
    let mut pending = Engine::new(pool.clone()).pending_migrations().await?;
    pending.extend(PRODUCT.pending(pool).await?);
    Ok(pending)
}
