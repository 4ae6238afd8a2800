//! The product's migrations are applied once and `--check` tells the truth.

use crate::support::database_with_clock;
use leadrail_connections::{migrate, pending};
use sqlx::migrate::MigrateError;

#[tokio::test]
async fn what_is_pending_is_listed_until_it_is_applied() {
    let (_database, pool) = database_with_clock().await;
    let before = pending(&pool).await.expect("listed");
    assert_eq!(before.first().map(|first| first.version), Some(1));
    assert_eq!(before[0].description, "connections");
    let made: Option<String> =
        sqlx::query_scalar("select to_regclass('leadrail.product_migration')::text")
            .fetch_one(&pool)
            .await
            .expect("asked");
    assert_eq!(made, None, "asking must not change the database");

    migrate(&pool).await.expect("migrated");
    assert_eq!(pending(&pool).await.expect("listed"), []);
    migrate(&pool).await.expect("again");
}

#[tokio::test]
async fn several_processes_may_migrate_at_once() {
    let (_database, pool) = database_with_clock().await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { migrate(&pool).await })
        })
        .collect();
    for run in runs {
        run.await.expect("no panic").expect("migrated");
    }
    assert_eq!(pending(&pool).await.expect("listed"), []);
}

#[tokio::test]
async fn an_applied_migration_that_changed_since_is_told() {
    let (_database, pool) = database_with_clock().await;
    migrate(&pool).await.expect("migrated");
    let change =
        sqlx::query("update leadrail.product_migration set checksum = '\\x00' where version = 1");
    change.execute(&pool).await.expect("changed");
    assert!(matches!(
        pending(&pool).await,
        Err(MigrateError::VersionMismatch(1))
    ));
    assert!(matches!(
        migrate(&pool).await,
        Err(MigrateError::VersionMismatch(1))
    ));
}
