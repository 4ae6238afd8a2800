//! However a database got here, it has the tables and functions of this release.

use leadrail_engine::Engine;
use leadrail_engine::migrate::{ENGINE, MigrateError, Set, SqlFile};
use leadrail_postgres::testing::{TestDatabase, catalog, run_all, stubs};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgPool};
use std::path::Path;

/// A database of the test's own with nothing in it.
async fn empty() -> (TestDatabase, Engine) {
    let database = TestDatabase::fresh().await;
    let engine = Engine::connect(database.url()).await.expect("connect");
    (database, engine)
}

async fn migrated() -> (TestDatabase, Engine) {
    let (database, engine) = empty().await;
    engine.migrate().await.expect("migrate");
    (database, engine)
}

/// A set of a host application's own: one function that returns a number.
fn host(answer: i32) -> Set {
    let text = format!(
        "create or replace function leadrail.answer() returns integer language sql as 'select {answer}'"
    );
    host_of(vec![SqlFile::new("answer.sql", text)])
}

fn host_of(functions: Vec<SqlFile>) -> Set {
    Set::new("host", Migrator::with_migrations(Vec::new()), functions)
}

async fn answer(pool: &PgPool) -> i32 {
    let answer = sqlx::query_scalar("select leadrail.answer()");
    answer.fetch_one(pool).await.expect("an answer")
}

/// As a release left it whose functions all had other bodies, before each of today's numbered files
/// was applied on a day of its own.
async fn upgraded() -> (TestDatabase, Engine) {
    let (_newest, newest) = migrated().await;
    let (database, engine) = empty().await;
    let pool = engine.pool();
    let clock = ENGINE.functions().find(|file| file.name() == "clock.sql");
    let clock = clock.expect("a clock").text();
    let before = format!("create schema leadrail; set check_function_bodies = off; {clock}");
    let mut session = sqlx::PgConnection::connect(database.url())
        .await
        .expect("connect");
    sqlx::raw_sql(AssertSqlSafe(before))
        .execute(&mut session)
        .await
        .expect("a clock");
    for numbered in ENGINE.numbered().iter() {
        let applied = ENGINE.numbered().run_to(numbered.version, pool).await;
        applied.expect("applied");
    }
    for file in ENGINE.functions() {
        sqlx::query("insert into leadrail.function_file (set_name, file, checksum) values ('engine', $1, '')")
            .bind(file.name())
            .execute(pool)
            .await
            .expect("kept");
    }
    run_all(pool, &stubs(newest.pool(), "leadrail").await).await;
    (database, engine)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_database_is_the_same_as_a_new_one() {
    let (_new, new) = migrated().await;
    let (_old, old) = upgraded().await;
    let wanted = catalog(new.pool(), "leadrail").await;
    assert!(wanted.len() > 300, "only {} lines", wanted.len());
    assert_ne!(catalog(old.pool(), "leadrail").await, wanted);
    let pending = old.pending_migrations().await.expect("listed");
    assert_eq!(pending.len(), ENGINE.functions().count());

    assert_eq!(old.migrate().await.expect("migrate"), pending);
    let found = catalog(old.pool(), "leadrail").await;
    let odd: Vec<_> = found.iter().filter(|line| !wanted.contains(line)).collect();
    assert_eq!(odd, Vec::<&String>::new());
    assert_eq!(found.len(), wanted.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_migration_finds_nothing_to_do() {
    let (_database, engine) = empty().await;
    let pending = engine.pending_migrations().await.expect("listed");
    assert_eq!(pending[..2], ["engine clock.sql", "engine 0001 tables"]);
    assert_eq!(engine.migrate().await.expect("migrate"), pending);
    assert!(
        engine
            .pending_migrations()
            .await
            .expect("listed")
            .is_empty()
    );
    assert!(engine.migrate().await.expect("again").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_migrate_at_once() {
    for (_database, engine) in [empty().await, upgraded().await] {
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move { engine.migrate().await })
            })
            .collect();
        let mut busy = 0;
        for run in runs {
            let applied = run.await.expect("no panic").expect("migrated");
            busy += usize::from(!applied.is_empty());
        }
        assert_eq!(busy, 1, "one of them has it to do");
        assert!(
            engine
                .pending_migrations()
                .await
                .expect("listed")
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_applied_once_and_then_no_longer_pending() {
    let (_database, engine) = migrated().await;
    let pool = engine.pool();
    assert_eq!(
        host(1).apply(pool).await.expect("applied"),
        ["host answer.sql"]
    );
    assert_eq!(answer(pool).await, 1);

    assert_eq!(
        host(2).pending(pool).await.expect("listed"),
        ["host answer.sql"]
    );
    assert_eq!(
        host(2).apply(pool).await.expect("applied"),
        ["host answer.sql"]
    );
    assert_eq!(answer(pool).await, 2);
    assert!(host(2).pending(pool).await.expect("listed").is_empty());
    assert!(host(2).apply(pool).await.expect("applied").is_empty());
    assert!(
        engine
            .pending_migrations()
            .await
            .expect("listed")
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_release_lacks_nothing_and_puts_nothing_back() {
    let (_database, engine) = migrated().await;
    let pool = engine.pool();
    host(1).apply(pool).await.expect("applied");
    host(2).apply(pool).await.expect("applied");
    assert!(host(1).pending(pool).await.expect("listed").is_empty());
    assert!(host(1).apply(pool).await.expect("nothing").is_empty());
    assert_eq!(
        host(1).newer(pool).await.expect("told"),
        ["host answer.sql"]
    );
    assert!(host(2).newer(pool).await.expect("told").is_empty());
    assert_eq!(answer(pool).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_release_that_lacks_something_is_refused() {
    let (_database, engine) = migrated().await;
    let pool = engine.pool();
    host(1).apply(pool).await.expect("applied");
    host(2).apply(pool).await.expect("applied");
    let old = host(1).functions().next().expect("a file").clone();
    let both = host_of(vec![old, SqlFile::new("more.sql", "select 1")]);
    let refused = both.apply(pool).await.expect_err("refused");
    assert!(refused.is_of_another_release(), "{refused}");
    assert_eq!(both.pending(pool).await.expect("listed"), ["host more.sql"]);
    assert_eq!(answer(pool).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_releases_numbered_file_is_told_and_harms_nobody() {
    let (_database, engine) = migrated().await;
    sqlx::query(
        "insert into leadrail.engine_migration
             (version, description, success, checksum, execution_time)
         values (999, 'of tomorrow', true, '', 1)",
    )
    .execute(engine.pool())
    .await
    .expect("a migration of tomorrow");
    assert!(engine.migrate().await.expect("nothing").is_empty());
    assert_eq!(
        engine.newer_migrations().await.expect("told"),
        ["engine 0999"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_is_named_and_nothing_of_its_set_is_kept() {
    let (_database, engine) = migrated().await;
    let pool = engine.pool();
    host(1).apply(pool).await.expect("applied");
    let good = host(2).functions().next().expect("a file").clone();
    let both = host_of(vec![
        good,
        SqlFile::new("bad.sql", "create or replace nonsense"),
    ]);
    let failed = both.apply(pool).await.expect_err("failed");
    assert!(failed.to_string().contains("host bad.sql"), "{failed}");
    assert!(!failed.is_of_another_release());
    assert_eq!(answer(pool).await, 1);
    let pending = both.pending(pool).await.expect("listed");
    assert_eq!(pending, ["host answer.sql", "host bad.sql"]);
    // And nobody waits for it.
    host(2).apply(pool).await.expect("applied");
    assert_eq!(answer(pool).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_numbered_file_that_changed_since_is_told() {
    let (_database, engine) = migrated().await;
    sqlx::query("update leadrail.engine_migration set checksum = '' where version = 1")
        .execute(engine.pool())
        .await
        .expect("changed");
    for refused in [engine.pending_migrations().await, engine.migrate().await] {
        let refused = refused.expect_err("refused");
        assert!(matches!(refused, MigrateError::Numbered(_)), "{refused}");
        assert!(refused.is_of_another_release(), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_is_defined_in_exactly_one_file() {
    let (_database, engine) = migrated().await;
    let mut wanted: Vec<String> = sqlx::query_scalar(
        "select proname::text from pg_proc where pronamespace = 'leadrail'::regnamespace",
    )
    .fetch_all(engine.pool())
    .await
    .expect("listed");
    let files: Vec<_> = ENGINE.functions().map(SqlFile::text).collect();
    let mut found = defined(&files.join("\n"));
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    for numbered in ENGINE.numbered().iter() {
        let text = numbered.sql.as_str().to_lowercase();
        for definition in ["create function", "create or replace function"] {
            assert!(!text.contains(definition), "{}", numbered.description);
        }
    }
}

/// The names of the functions that a text defines.
fn defined(text: &str) -> Vec<String> {
    let definitions = text.split("create or replace function leadrail.").skip(1);
    let names = definitions.filter_map(|rest| rest.split('(').next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_file_of_the_directory_is_applied_and_in_its_order() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let files = std::fs::read_dir(directory).expect("a directory");
    let mut files: Vec<_> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.ends_with(".sql") && name != "clock.sql")
        .collect();
    files.sort();
    let applied: Vec<_> = ENGINE.functions().map(SqlFile::name).collect();
    assert_eq!(applied[0], "clock.sql");
    assert_eq!(applied[1..], files);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_is_valid_once_all_are_there() {
    let (_database, engine) = migrated().await;
    let definitions: Vec<String> = sqlx::query_scalar(
        "select pg_get_functiondef(oid) from pg_proc where pronamespace = 'leadrail'::regnamespace",
    )
    .fetch_all(engine.pool())
    .await
    .expect("listed");
    // The server's default is to check each body as far as it can.
    run_all(engine.pool(), &definitions).await;
}
