//! Brings the tables of the engine and the product into a database.
//!
//! The engine keeps its own migrations and its own list of them; the product's, everything in
//! `migrations/`, stand on them and come after.

use std::sync::LazyLock;

use leadrail_engine::Engine;
use sqlx::{
    PgPool,
    migrate::{Migrate, MigrateError, Migrator},
};

/// Where the product's applied migrations are listed.
const APPLIED: &str = "leadrail.product_migration";

/// The product's migrations, in order, embedded at build time.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!("../migrations");
    migrator.create_schema("leadrail");
    migrator.dangerous_set_table_name(APPLIED);
    migrator
});

/// Applies what is missing, the engine's first. Safe to run from several processes at once and
/// again at any time.
///
/// # Errors
/// What sqlx says: the database failed, or a migration that was applied has changed since.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    Engine::new(pool.clone()).migrate().await?;
    MIGRATOR.run(pool).await
}

/// What [`migrate`] would apply, in order, such as `engine 0001 clock`. Changes nothing.
///
/// # Errors
/// As [`migrate`].
pub async fn pending(pool: &PgPool) -> Result<Vec<String>, MigrateError> {
    let engine = Engine::new(pool.clone()).pending_migrations().await?;
    let mut pending: Vec<_> = engine.iter().map(|name| format!("engine {name}")).collect();
    pending.extend(pending_product(pool).await?);
    Ok(pending)
}

async fn pending_product(pool: &PgPool) -> Result<Vec<String>, MigrateError> {
    let mut db = pool.acquire().await?;
    let listed = sqlx::query_scalar!(
        r#"select to_regclass($1) is not null as "listed!""#,
        APPLIED
    )
    .fetch_one(&mut *db)
    .await?;
    let applied = if listed {
        db.list_applied_migrations(APPLIED).await?
    } else {
        vec![]
    };
    let mut pending = vec![];
    for migration in MIGRATOR.iter() {
        let same = applied
            .iter()
            .find(|applied| applied.version == migration.version);
        match same {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
            None => {
                pending.push(format!(
                    "product {:04} {}",
                    migration.version, migration.description
                ));
            }
        }
    }
    Ok(pending)
}
