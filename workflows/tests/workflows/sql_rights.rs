//! The rights of the SQL door: one grant is enough for it and good for nothing else.

use leadrail_engine::RunId;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::kit::{Scene, lead};

/// A session of a new role that can do what it was granted and nothing else.
async fn session_of(pool: &PgPool, granted: bool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    let role = format!("pipeline_{}", Uuid::new_v4().simple());
    let mut session = pool.acquire().await.expect("a session");
    let make = format!("create role {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(make))
        .execute(&mut *session)
        .await
        .expect("made");
    if granted {
        leadrail_connections::grant_doors(pool, &role)
            .await
            .expect("granted");
    }
    let become_it = format!("set role {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(become_it))
        .execute(&mut *session)
        .await
        .expect("set");
    session
}

async fn refused_by(session: &mut sqlx::PgConnection, statement: &'static str) -> bool {
    let answer = sqlx::raw_sql(statement).execute(session).await;
    let error = answer
        .err()
        .and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
    error.as_deref() == Some("42501")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_grant_is_all_that_a_role_needs_and_all_that_it_can() {
    let scene = Scene::quiet().await;
    let mut session = session_of(scene.engine.pool(), true).await;
    let run = sqlx::query_scalar!(
        r#"select leadrail.enqueue_lead($1::text::jsonb) as "run!""#,
        lead(1).to_string()
    );
    let run = run.fetch_one(&mut *session).await.expect("enqueued");
    sqlx::query!("select leadrail.hint()")
        .execute(&mut *session)
        .await
        .expect("hinted");
    let mut warned = lead(2);
    warned["contact"]["email"] = "n/a".into();
    let warnings = sqlx::query!(
        r#"
        select code as "code!", field as "field!", sentence as "sentence!"
        from leadrail.lead_warnings($1::text::jsonb)
        "#,
        warned.to_string()
    );
    let warnings = warnings.fetch_all(&mut *session).await.expect("judged");
    assert_eq!(warnings[0].field, "/contact/email");
    for statement in [
        "select 1 from leadrail.lead",
        "select 1 from leadrail.run",
        "select 1 from leadrail.workflow_run",
        "select 1 from leadrail.connection",
        "insert into leadrail.run_key (key, scope, run_id) values ('k', 's', gen_random_uuid())",
        "delete from leadrail.lead",
        "select leadrail.grant_doors('postgres')",
        "create table leadrail.mine (id integer)",
        "select leadrail.means_the_same(gen_random_uuid(), '{}')",
    ] {
        assert!(refused_by(&mut session, statement).await, "{statement}");
    }
    assert_eq!(scene.run(RunId(run)).await.scope, "acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_grant_hands_over_nothing() {
    let scene = Scene::quiet().await;
    let mut session = session_of(scene.engine.pool(), false).await;
    for statement in [
        "select leadrail.enqueue_lead('{}')",
        "select leadrail.hint()",
    ] {
        assert!(refused_by(&mut session, statement).await, "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_search_path_and_temporary_objects_change_nothing() {
    let scene = Scene::quiet().await;
    let mut session = scene.engine.pool().acquire().await.expect("a session");
    let trap = "
        create function pg_temp.lower(text) returns text language sql as $$ select 'trap' $$;
        create function public.jsonb_typeof(jsonb) returns text language sql as $$ select 'trap' $$;
        set search_path = pg_temp, public, pg_catalog;
    ";
    sqlx::raw_sql(trap)
        .execute(&mut *session)
        .await
        .expect("set");
    let run = sqlx::query_scalar!(
        r#"select leadrail.enqueue_lead($1::text::jsonb) as "run!""#,
        lead(1).to_string()
    );
    run.fetch_one(&mut *session).await.expect("enqueued");
    assert_eq!(scene.lead_rows().await.len(), 1);
}
