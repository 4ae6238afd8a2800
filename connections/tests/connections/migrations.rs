//! The product's set is applied once, after the engine's, and `--check` tells the truth.

use crate::support::empty_database;
use leadrail_connections::{MigrateError, PRODUCT, migrate, pending};
use leadrail_engine::Engine;
use leadrail_engine::migrate::{ENGINE, SqlFile};
use leadrail_postgres::testing::{catalog, run_all, stubs};
use sqlx::PgPool;
use std::path::Path;

#[tokio::test]
async fn what_is_pending_is_listed_until_it_is_applied() {
    let (_database, pool) = empty_database().await;
    let before = pending(&pool).await.expect("listed");
    assert!(before[0].starts_with("engine "), "{before:?}");
    let product = [
        "product 0001 connections",
        "product 0002 leads",
        "product 0003 api keys",
        "product 0004 audit",
        "product 0005 connection states",
        "product 0006 oauth",
        "product 0009 links and retention",
        "product 0010 walls",
        "product known_crms.sql",
        "product lead_values.sql",
        "product lead_meaning.sql",
        "product accept_leads.sql",
        "product enqueue_lead.sql",
        "product lead_fingerprint.sql",
        "product lead_warnings.sql",
        "product audit.sql",
        "product retention.sql",
        "product erase.sql",
        "product grant_doors.sql",
        "product wall.sql",
    ];
    assert!(before.ends_with(&product.map(str::to_owned)), "{before:?}");
    let untouched = "select not exists (select from pg_namespace where nspname = 'leadrail')";
    let untouched = sqlx::query_scalar::<_, bool>(untouched)
        .fetch_one(&pool)
        .await;
    assert!(
        untouched.expect("asked"),
        "asking must not change the database"
    );

    assert_eq!(migrate(&pool).await.expect("migrated"), before);
    assert!(pending(&pool).await.expect("listed").is_empty());
    assert!(migrate(&pool).await.expect("again").is_empty());
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

/// As a release left it whose functions, the engine's too, all had other bodies.
async fn grow_old(pool: &PgPool, newest: &PgPool) {
    Engine::new(pool.clone()).migrate().await.expect("migrated");
    for numbered in PRODUCT.numbered().iter() {
        let applied = PRODUCT.numbered().run_to(numbered.version, pool).await;
        applied.expect("applied");
    }
    let other_texts = "update leadrail.function_file set checksum = ''";
    sqlx::query(other_texts).execute(pool).await.expect("kept");
    run_all(pool, &stubs(newest, "leadrail").await).await;
}

#[tokio::test]
async fn an_upgraded_database_is_the_same_as_a_new_one() {
    let (_new, new) = empty_database().await;
    migrate(&new).await.expect("migrated");
    let (_old, old) = empty_database().await;
    grow_old(&old, &new).await;
    let wanted = catalog(&new, "leadrail").await;
    assert_ne!(catalog(&old, "leadrail").await, wanted);

    let applied = migrate(&old).await.expect("migrated");
    let files = ENGINE.functions().count() + PRODUCT.functions().count();
    assert_eq!(applied.len(), files, "{applied:?}");
    let found = catalog(&old, "leadrail").await;
    let odd: Vec<_> = found.iter().filter(|line| !wanted.contains(line)).collect();
    assert_eq!(odd, Vec::<&String>::new());
    assert_eq!(found.len(), wanted.len());
}

#[tokio::test]
async fn a_function_that_differs_is_pending_until_it_is_applied() {
    let (_database, pool) = empty_database().await;
    migrate(&pool).await.expect("migrated");
    let other_text =
        "update leadrail.function_file set checksum = '' where file = 'enqueue_lead.sql'";
    sqlx::query(other_text)
        .execute(&pool)
        .await
        .expect("changed");
    let listed = pending(&pool).await.expect("listed");
    assert_eq!(listed, ["product enqueue_lead.sql"]);
    assert_eq!(migrate(&pool).await.expect("migrated"), listed);
    assert!(pending(&pool).await.expect("listed").is_empty());
}

#[tokio::test]
async fn an_applied_migration_that_changed_since_is_told() {
    let (_database, pool) = empty_database().await;
    migrate(&pool).await.expect("migrated");
    let change =
        sqlx::query("update leadrail.product_migration set checksum = '\\x00' where version = 1");
    change.execute(&pool).await.expect("changed");
    for refused in [pending(&pool).await, migrate(&pool).await] {
        let refused = refused.expect_err("refused");
        assert!(matches!(refused, MigrateError::Numbered(_)), "{refused}");
    }
}

#[tokio::test]
async fn every_function_is_defined_in_exactly_one_file_of_either_set() {
    let (_database, pool) = empty_database().await;
    migrate(&pool).await.expect("migrated");
    let mut wanted: Vec<String> = sqlx::query_scalar(
        "select proname::text from pg_proc where pronamespace = 'leadrail'::regnamespace",
    )
    .fetch_all(&pool)
    .await
    .expect("listed");
    let files = ENGINE.functions().chain(PRODUCT.functions());
    let text: Vec<_> = files.map(SqlFile::text).collect();
    let text = text.join("\n");
    let definitions = text.split("create or replace function leadrail.").skip(1);
    let mut found: Vec<_> = definitions
        .filter_map(|rest| rest.split('(').next().map(str::to_owned))
        .collect();
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    for numbered in PRODUCT.numbered().iter() {
        let text = numbered.sql.as_str().to_lowercase();
        for definition in ["create function", "create or replace function"] {
            assert!(!text.contains(definition), "{}", numbered.description);
        }
    }
}

#[test]
fn every_file_of_the_directory_is_applied() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sql");
    let files = std::fs::read_dir(directory).expect("a directory");
    let mut files: Vec<_> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.ends_with(".sql"))
        .collect();
    files.sort();
    // That of the CRMs is written from their adapters.
    let applied = PRODUCT.functions().map(SqlFile::name);
    let mut applied: Vec<_> = applied.filter(|name| *name != "known_crms.sql").collect();
    applied.sort_unstable();
    assert_eq!(applied, files);
}
