//! Whatever a role, a database or a stranger in it has set up, our sessions and functions do as they are
//! written.

use crate::kit::{Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::migrate::MigrateError;
use leadrail_engine::{Engine, NewRun, RunId, RunState};
use leadrail_postgres::testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// What nobody but a stranger would make: functions and operators that fit our calls better than, or
/// as well as, PostgreSQL's own, and settings under which our SQL would say something else.
const TRAPS: &str = r"
    create function public.to_char(date, text) returns text language plpgsql
        as 'begin raise exception $x$sprung: to_char$x$; end';
    create function public.clock_timestamp() returns timestamptz language plpgsql
        as 'begin raise exception $x$sprung: clock$x$; end';
    create function public.gen_random_uuid() returns uuid language plpgsql
        as 'begin raise exception $x$sprung: uuid$x$; end';
    create function public.pg_backend_pid() returns integer language plpgsql
        as 'begin raise exception $x$sprung: pid$x$; end';
    create function public.pg_notify(text, text) returns void language plpgsql
        as 'begin raise exception $x$sprung: notify$x$; end';
    create function public.current_setting(text) returns text language plpgsql
        as 'begin raise exception $x$sprung: setting$x$; end';
    create function public.cardinality(uuid[]) returns integer language plpgsql
        as 'begin raise exception $x$sprung: cardinality$x$; end';
    create function public.sprung(text, uuid) returns text language plpgsql
        as 'begin raise exception $x$sprung: text and id$x$; end';
    create function public.sprung(uuid, uuid) returns text language plpgsql
        as 'begin raise exception $x$sprung: ids$x$; end';
    create function public.sprung(bigint, interval) returns interval language plpgsql
        as 'begin raise exception $x$sprung: times$x$; end';
    create function public.sprung(leadrail_state, leadrail_state) returns boolean language plpgsql
        as 'begin raise exception $x$sprung: states$x$; end';
    create operator public.|| (function = public.sprung, leftarg = text, rightarg = uuid);
    create operator public.|| (function = public.sprung, leftarg = uuid, rightarg = uuid);
    create operator public.* (function = public.sprung, leftarg = bigint, rightarg = interval);
";

const SETTINGS: [(&str, &str); 9] = [
    ("search_path", "public, pg_catalog"),
    ("default_transaction_isolation", "'serializable'"),
    ("\"DateStyle\"", "'SQL, DMY'"),
    ("\"IntervalStyle\"", "'sql_standard'"),
    ("\"TimeZone\"", "'Asia/Kathmandu'"),
    ("standard_conforming_strings", "off"),
    ("bytea_output", "'escape'"),
    ("extra_float_digits", "'-15'"),
    ("transform_null_equals", "on"),
];

/// A database where a stranger was before us.
async fn trapped() -> (TestDatabase, Engine) {
    let database = TestDatabase::fresh().await;
    let mut stranger = session(&database).await;
    let traps = TRAPS.lines().collect::<Vec<_>>().join("\n");
    let traps = format!("create type public.leadrail_state as enum ('x'); {traps}");
    run(&mut stranger, traps).await;
    for (name, value) in SETTINGS {
        let set = format!(
            "alter database \"{}\" set {name} = {value}",
            database.name()
        );
        run(&mut stranger, set).await;
    }
    let engine = Engine::connect(database.url()).await.expect("connect");
    (database, engine)
}

/// Somebody's session, with whatever the database gives to anyone.
async fn session(database: &TestDatabase) -> PgConnection {
    let session = PgConnection::connect(database.url()).await;
    session.expect("a session")
}

async fn run(session: &mut PgConnection, sql: String) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(session).await;
    ran.expect("it runs");
}

#[tokio::test]
async fn what_a_stranger_planted_is_never_run() {
    let (database, engine) = trapped().await;
    engine.migrate().await.expect("migrate");
    let bench = Bench { engine, database };
    let world = World::new();
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    let run = bench.enqueue(&["one", "two"]).await;
    bench.until(run, RunState::Completed).await;
    bench.engine.keep_house().await.expect("kept");
    let failed: Vec<String> =
        sqlx::query_scalar("select error from leadrail.housekeeping where error is not null")
            .fetch_all(bench.engine.pool())
            .await
            .expect("read");
    assert_eq!(failed, Vec::<String>::new());
    bench.engine.check_invariants().await.expect("checked");
    worker.stop().await;
}

#[tokio::test]
async fn nor_is_it_by_our_functions_in_the_sessions_of_others() {
    let (database, engine) = trapped().await;
    engine.migrate().await.expect("migrate");
    let bench = Bench { engine, database };
    let run = bench.enqueue(&["one"]).await;
    let mut other = session(&bench.database).await;
    for call in [
        "select leadrail.uuid_v7()::text",
        "select leadrail.signal_run($1, 'go')",
        "select leadrail.try_now($1)::text",
        "select leadrail.hold_lane('lane', 1000)::text",
        "select leadrail.cancel_run($1, 'not wanted')",
        "select leadrail.make_history_partitions(date '2001-01-01', 1)::text",
        "select leadrail.keep_house()::text",
    ] {
        let call = call.replace("$1", &format!("'{run}'"));
        let called = sqlx::raw_sql(AssertSqlSafe(call.clone())).execute(&mut other);
        let called = called.await;
        assert!(called.is_ok(), "{call}: {called:?}");
    }
    let made: bool =
        sqlx::query_scalar("select to_regclass('leadrail.history_20010101') is not null")
            .fetch_one(&mut other)
            .await
            .expect("read");
    assert!(made);
}

#[tokio::test]
async fn every_function_says_where_its_names_are_looked_for() {
    let bench = Bench::new().await;
    let open: Vec<String> = sqlx::query_scalar(
        "select p.proname::text from pg_proc p
         where p.pronamespace = 'leadrail'::regnamespace and p.prosqlbody is null
           and not coalesce(p.proconfig @> array['search_path=pg_catalog, pg_temp'], false)",
    )
    .fetch_all(bench.engine.pool())
    .await
    .expect("the catalog");
    // Its body names the schema of each name, see clock.sql.
    assert_eq!(open, ["now"]);
}

#[tokio::test]
async fn callers_at_once_meet_no_conflict_where_serializable_is_the_default() {
    let (database, engine) = trapped().await;
    engine.migrate().await.expect("migrate");
    let calls = (0..16).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut ids = Vec::new();
            for key in 0..20 {
                let run = NewRun {
                    key: Some(format!("key {key}")),
                    ..crate::kit::telling(&serde_json::json!(null))
                };
                ids.push(engine.enqueue(&[run]).await.expect("enqueued")[0].run_id);
            }
            ids
        })
    });
    let told = futures::future::join_all(calls).await;
    let told: Vec<Vec<RunId>> = told.into_iter().map(|ids| ids.expect("ended")).collect();
    assert!(told.iter().all(|ids| *ids == told[0]), "one run a key");
    drop(database);
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused_in_words() {
    let database = TestDatabase::fresh().await;
    let name = format!(
        "{}_latin",
        database.name().replacen("leadrail_test_", "l", 1)
    );
    let mut admin = PgConnection::connect(database.admin_url())
        .await
        .expect("admin");
    run(&mut admin, format!(
        "create database \"{name}\" encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
    )).await;
    let url = database.url().replace(database.name(), &name);
    let engine = Engine::connect(&url).await.expect("connect");
    let refused = engine.migrate().await.expect_err("refused");
    engine.pool().close().await;
    run(&mut admin, format!("drop database \"{name}\" with (force)")).await;
    assert!(matches!(&refused, MigrateError::Encoding { encoding } if encoding == "LATIN1"));
    assert!(refused.to_string().contains("encoding 'UTF8'"), "{refused}");
}
