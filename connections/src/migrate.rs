//! Brings the product's tables into a database: everything in `migrations/`.
//!
//! The engine keeps its own migrations and its own list of them; they come first.

use std::sync::LazyLock;

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

/// A migration that a database does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMigration {
    /// Its number, the first part of its file's name.
    pub version: i64,
    /// The rest of its file's name, in words.
    pub description: String,
}

/// Applies what is missing. Safe to run from several processes at once and again at any time.
///
/// # Errors
/// What sqlx says: the database failed, or a migration that was applied has changed since.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATOR.run(pool).await
}

/// What [`migrate`] would apply, in order. Changes nothing.
///
/// # Errors
/// As [`migrate`].
pub async fn pending(pool: &PgPool) -> Result<Vec<PendingMigration>, MigrateError> {
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
        match applied
            .iter()
            .find(|applied| applied.version == migration.version)
        {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
            None => pending.push(PendingMigration {
                version: migration.version,
                description: migration.description.clone().into_owned(),
            }),
        }
    }
    Ok(pending)
}
