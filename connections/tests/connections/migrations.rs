//! The product's migrations are applied once and `--check` tells the truth.

use crate::support::empty_database;
use leadrail_connections::{migrate, pending};
use sqlx::migrate::MigrateError;

#[tokio::test]
async fn what_is_pending_is_listed_until_it_is_applied() {
    let (_database, pool) = empty_database().await;
    let before = pending(&pool).await.expect("listed");
    assert!(before[0].starts_with("engine 0001 "), "{before:?}");
    assert!(
        before.contains(&"product 0001 connections".to_owned()),
        "{before:?}"
    );
    let untouched = "select not exists (select from pg_namespace where nspname = 'leadrail')";
    let untouched = sqlx::query_scalar::<_, bool>(untouched)
        .fetch_one(&pool)
        .await;
    assert!(
        untouched.expect("asked"),
        "asking must not change the database"
    );

    migrate(&pool).await.expect("migrated");
    assert!(pending(&pool).await.expect("listed").is_empty());
    migrate(&pool).await.expect("again");
}

#[tokio::test]
async fn several_processes_may_migrate_at_once() {
    let (_database, pool) = empty_database().await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { migrate(&pool).await })
        })
        .collect();
    for run in runs {
        run.await.expect("no panic").expect("migrated");
    }
    assert!(pending(&pool).await.expect("listed").is_empty());
}

#[tokio::test]
async fn an_applied_migration_that_changed_since_is_told() {
    let (_database, pool) = empty_database().await;
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
