//! The second wall, in the database: what a role behind it can reach whatever our own code forgets.

use leadrail_connections::ConnectionFilter;
use leadrail_desk::{Actor, Desk, LeadFilter};
use leadrail_engine::{Engine, RetrySchedule, RunId, Sees, Sent};
use leadrail_lead::EventId;
use leadrail_workflows::Submission;
use reqwest::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::BTreeSet;
use std::time::Duration;

use crate::keys::lead_of;
use crate::support::{Api, behind_the_wall, event_id};

const ACTOR: Actor = Actor::System { part: "test" };

/// Tables in which there is nothing of any account.
const NOBODYS: [&str; 6] = [
    "clock",
    "engine_migration",
    "function_file",
    "link_key",
    "product_migration",
    "worker",
];
/// The one view in which there is nobody: when what is due.
const COUNTED: &str = "queue_line";
/// Where runs stand in time, whoever's they are: what they are is told to who sees them.
const PLACES: [&str; 3] = ["dead_letter_place", "live_run_place", "run_gate_place"];
/// Our own clients with the providers of tokens: sealed, and nobody's.
const OURS: &str = "provider_client";
/// What runs with its owner's rights, and looks by itself whether it may.
const DOORS: [&str; 9] = [
    "accept_seen_leads",
    "cancel_seen_run",
    "erase_seen_leads",
    "limit_seen_lane",
    "live_workers",
    "open_seen_gates",
    "phone_hash",
    "sees_run",
    "signal_seen_run",
];

struct Scene {
    api: Api,
    behind: PgPool,
}

/// Leads and connections of two accounts, and a pool of a role behind the wall.
async fn scene() -> Scene {
    let api = Api::start().await;
    for account in ["acme", "bolt"] {
        for n in 0..3 {
            let answer = api.post_lead(&lead_of(account, n)).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let event = event_id(&lead_of(account, n)).to_owned();
            let links = format!("/v1/leads/{event}/links?account={account}");
            assert_eq!(api.call(Method::DELETE, &links).await.status, 200);
        }
        let asked = serde_json::json!({
            "account": account, "crm": "housecall_pro", "secrets": {"api_key": "sim-x"},
            "base_url": "http://127.0.0.1:9/housecall_pro",
        });
        let request = api.client.post(api.url("/v1/connections")).json(&asked);
        assert_eq!(api.send(request).await.status, 201);
    }
    signing_in(api.pool()).await;
    let behind = behind_the_wall(api.pool()).await;
    Scene { api, behind }
}

/// Everything that a sign-in leaves behind, for each connection.
async fn signing_in(owner: &PgPool) {
    let rows = "
        insert into leadrail.oauth_grant (connection_id) select c.id from leadrail.connection c;
        insert into leadrail.sign_in_link (hash, connection_id, provider, environment, created_by, expires_at)
            select sha256(c.id::text::bytea), c.id, 'jobber', 'production', 'x', leadrail.now() + interval '1 h'
            from leadrail.connection c;
        insert into leadrail.sign_in
                (state_hash, browser_hash, connection_id, account, provider, environment, expires_at)
            select sha256(c.id::text::bytea), sha256('x'), c.id, c.account, 'jobber', 'production',
                   leadrail.now() + interval '1 h'
            from leadrail.connection c";
    sqlx::raw_sql(rows).execute(owner).await.expect("put");
}

impl Scene {
    async fn names(&self, sql: &str) -> BTreeSet<String> {
        let role: String = sqlx::query_scalar("select current_user::text")
            .fetch_one(&self.behind)
            .await
            .expect("a role");
        let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .bind(role)
            .fetch_all(self.api.pool())
            .await
            .expect("names");
        names.into_iter().collect()
    }

    /// A desk behind the wall that sees these.
    fn desk(&self, sees: Sees) -> Desk {
        Desk::new(Engine::new(self.behind.clone()), RetrySchedule::default()).seeing(sees)
    }
}

/// How many rows of a relation somebody sees.
async fn count(pool: &PgPool, sees: Option<&str>, relation: &str) -> i64 {
    let mut transaction = pool.begin().await.expect("begun");
    if let Some(sees) = sees {
        sqlx::query("select set_config('leadrail.sees', $1, true)")
            .bind(sees)
            .execute(&mut *transaction)
            .await
            .expect("said");
    }
    let sql = format!("select count(*) from leadrail.{relation}");
    let counted = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *transaction);
    counted.await.expect("counted")
}

#[tokio::test]
async fn whatever_the_apis_role_may_read_is_behind_the_wall_or_nobodys() {
    let scene = scene().await;
    let granted = "
        select c.relname::text from pg_class c
        where c.relnamespace = 'leadrail'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
          and (has_table_privilege($1, c.oid, 'select, insert, update, delete, truncate, references, trigger')
               or has_any_column_privilege($1, c.oid, 'select, insert, update, references'))";
    let granted = scene.names(granted).await;
    let walled = "
        select c.relname::text from pg_class c
        where c.relnamespace = 'leadrail'::regnamespace and c.relrowsecurity and c.relforcerowsecurity
          and exists (select from pg_policy p where p.polrelid = c.oid) and $1 <> ''";
    let walled = scene.names(walled).await;
    assert_eq!(
        walled,
        BTreeSet::from(
            [
                "api_key",
                "audit",
                "connection",
                "lead",
                "link",
                "oauth_grant",
                "provider_client",
                "sign_in",
                "sign_in_link",
            ]
            .map(str::to_owned)
        )
    );
    for relation in &granted {
        let is_place = PLACES.contains(&relation.as_str());
        let is_view = relation.starts_with("seen_") || relation == COUNTED || is_place;
        let known = walled.contains(relation) || NOBODYS.contains(&relation.as_str()) || is_view;
        assert!(known, "{relation} is granted, and no wall stands before it");
        let is_nobodys = NOBODYS.contains(&relation.as_str()) || is_place;
        if is_nobodys || [COUNTED, OURS].contains(&relation.as_str()) {
            continue;
        }
        assert_eq!(
            count(&scene.behind, None, relation).await,
            0,
            "{relation}: nobody said for whom"
        );
        for nonsense in ["", "acme", "scope:", "scope:ACME", "ALL", "all ", "scope:*"] {
            assert_eq!(
                count(&scene.behind, Some(nonsense), relation).await,
                0,
                "{relation} {nonsense}"
            );
        }
        let all = count(&scene.behind, Some("all"), relation).await;
        assert_eq!(
            all,
            count(scene.api.pool(), None, relation).await,
            "{relation}"
        );
        let own = count(&scene.behind, Some("scope:acme"), relation).await;
        let theirs = count(&scene.behind, Some("scope:bolt"), relation).await;
        assert!(
            own + theirs <= all && (all == 0 || own < all),
            "{relation}: {own} and {theirs} of {all}"
        );
    }
    for relation in [
        "lead",
        "connection",
        "link",
        "seen_run",
        "seen_live_run",
        "seen_run_key",
        "oauth_grant",
        "sign_in",
        "sign_in_link",
    ] {
        assert!(
            count(&scene.behind, Some("scope:acme"), relation).await > 0,
            "{relation}"
        );
    }
    let hold_accounts = "
        select distinct c.relname::text from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname in ('account', 'scope')
        where c.relnamespace = 'leadrail'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and $1 <> ''";
    for table in scene.names(hold_accounts).await {
        let reachable = granted.contains(&table);
        assert!(
            !reachable || walled.contains(&table),
            "{table} has accounts in it"
        );
    }
}

#[tokio::test]
async fn of_others_runs_nothing_is_told_but_where_they_stand_in_time() {
    let scene = scene().await;
    let live = count(&scene.behind, Some("all"), "seen_live_run").await;
    let own = count(&scene.behind, Some("scope:acme"), "seen_live_run").await;
    assert!(0 < own && own < live, "{own} of {live}");
    for place in PLACES {
        let told = format!("{place} p where (to_jsonb(p) - 'id' - 'run_id' - 'seen') <> '{{}}'");
        let stripped = told.replace("to_jsonb(p)", "jsonb_strip_nulls(to_jsonb(p))");
        let of_others =
            format!("{stripped} and not coalesce((to_jsonb(p) ->> 'seen')::boolean, false)");
        for sees in [None, Some("scope:acme"), Some("scope:nobody")] {
            assert_eq!(count(&scene.behind, sees, &of_others).await, 0, "{place}");
        }
    }
    let seen = "live_run_place p where p.seen and p.scope = 'acme'";
    assert_eq!(count(&scene.behind, Some("scope:acme"), seen).await, own);
    assert_eq!(
        count(&scene.behind, Some("scope:acme"), "live_run_place").await,
        live
    );
}

#[tokio::test]
async fn our_own_clients_are_read_by_whoever_signs_in_and_changed_by_who_works_for_all() {
    let scene = scene().await;
    let put = "
        insert into leadrail.provider_client
            (id, provider, environment, client_id, vault_key_id, sealed_data_key, sealed_secret)
        values (gen_random_uuid(), 'jobber', 'production', 'x', 'x', repeat('x', 73)::bytea,
                repeat('x', 42)::bytea)";
    assert_eq!(
        asked(&scene.behind, "scope:acme", put).await.as_deref(),
        Some("42501")
    );
    assert_eq!(asked(&scene.behind, "all", put).await, None);
    sqlx::raw_sql(put)
        .execute(scene.api.pool())
        .await
        .expect("put");
    assert_eq!(count(&scene.behind, Some("scope:acme"), OURS).await, 1);
    for change in [
        "update leadrail.provider_client set client_id = 'y'",
        "delete from leadrail.provider_client",
    ] {
        let acme = scene.desk(Sees::Scope("acme".to_owned()));
        let changed = sqlx::query(change).execute(acme.engine().access());
        assert_eq!(changed.await.expect("asked").rows_affected(), 0, "{change}");
    }
}

#[tokio::test]
async fn functions_with_their_owners_rights_are_few_and_known() {
    let scene = scene().await;
    let functions = "
        select p.proname::text from pg_proc p
        where p.pronamespace = 'leadrail'::regnamespace and p.prosecdef
          and has_function_privilege($1, p.oid, 'execute')";
    assert_eq!(
        scene.names(functions).await,
        BTreeSet::from(DOORS.map(str::to_owned))
    );
    let owns = "select c.relname::text from pg_class c where pg_get_userbyid(c.relowner) = $1";
    assert_eq!(scene.names(owns).await, BTreeSet::new());
    let able = "select r.rolname::text from pg_roles r where r.rolname = $1 and (r.rolsuper or r.rolbypassrls)";
    assert_eq!(scene.names(able).await, BTreeSet::new());
}

#[tokio::test]
async fn a_call_that_forgets_to_ask_whose_finds_nothing_of_another_account() {
    let scene = scene().await;
    let (own, theirs) = (lead_of("bolt", 0), lead_of("acme", 0));
    let id = |lead: &Value| event_id(lead).parse::<EventId>().expect("an id");
    let desk = scene.desk(Sees::Scope("bolt".to_owned()));
    desk.story(id(&own), None).await.expect("its own");
    let listed = desk
        .leads(&LeadFilter::default(), None, 100)
        .await
        .expect("a page");
    assert_eq!(listed.leads.len(), 3);
    assert!(listed.leads.iter().all(|lead| lead.account == "bolt"));
    let connections = desk
        .list_connections(&ConnectionFilter::default())
        .await
        .expect("a list");
    assert_eq!(connections.len(), 1);
    let all = scene.desk(Sees::All);
    let run = all.lead(id(&theirs), Some("acme")).await.expect("there").id;
    let connection = all
        .list_connections(&ConnectionFilter::default())
        .await
        .expect("a list");
    let connection = connection
        .iter()
        .find(|one| one.account == "acme")
        .expect("there")
        .id;
    for desk in [desk.clone(), scene.desk(Sees::Scope(String::new()))] {
        assert!(desk.lead(id(&theirs), Some("acme")).await.is_err());
        assert!(desk.connection(connection).await.is_err());
        assert!(desk.engine().run(run).await.expect("asked").is_none());
        assert!(desk.engine().history(run).await.expect("asked").is_empty());
        assert!(desk.engine().heads(&[run]).await.expect("asked").is_empty());
        assert!(
            desk.engine()
                .inputs(&[run])
                .await
                .expect("asked")
                .is_empty()
        );
        let cancelled = desk.engine().cancel(run, "x").await.expect("asked");
        assert_eq!(cancelled, leadrail_engine::Cancelled::Unknown);
        let sent = desk
            .engine()
            .signal(run, "x", &1, None)
            .await
            .expect("asked");
        assert_eq!(sent, Sent::Unknown);
    }
    assert_eq!(
        all.engine()
            .run(RunId(run.0))
            .await
            .expect("asked")
            .map(|run| run.scope),
        Some("acme".to_owned())
    );
}

#[tokio::test]
async fn a_lead_of_another_account_is_refused_by_the_database_too() {
    let scene = scene().await;
    let lead = |account, n| Submission::read(lead_of(account, n)).expect("a lead");
    let desk = scene.desk(Sees::Scope("bolt".to_owned()));
    let before = scene.api.kept().await;
    assert!(
        desk.submit(&ACTOR, &[lead("bolt", 50), lead("acme", 50)])
            .await
            .is_err()
    );
    assert!(desk.submit_shared(&ACTOR, lead("acme", 51)).await.is_err());
    assert_eq!(scene.api.kept().await, before, "all or none");
    desk.submit_shared(&ACTOR, lead("bolt", 51))
        .await
        .expect("its own");
    scene
        .desk(Sees::All)
        .submit(&ACTOR, &[lead("bolt", 52), lead("acme", 52)])
        .await
        .expect("everybody's");
    assert_eq!(scene.api.kept().await, before + 3);
}

#[tokio::test]
async fn gates_at_which_others_wait_are_not_opened() {
    let scene = scene().await;
    let theirs = event_id(&lead_of("acme", 0)).parse().expect("an id");
    let all = scene.desk(Sees::All);
    let run = all.lead(theirs, Some("acme")).await.expect("there").id;
    sqlx::query("insert into leadrail.run_gate (run_id, gate) values ($1, 'a gate')")
        .bind(run.0)
        .execute(scene.api.pool())
        .await
        .expect("it waits");
    let gates = ["a gate".to_owned()];
    let open = |sees| {
        let engine = scene.desk(sees).engine().clone();
        let gates = gates.clone();
        async move { engine.open_gates(&gates, Duration::ZERO).await }
    };
    assert!(open(Sees::Scope("bolt".to_owned())).await.is_err());
    assert!(open(Sees::Scope("acme".to_owned())).await.is_ok());
    assert!(open(Sees::All).await.is_ok());
}

/// What the database says to a statement from behind the wall; its code, where it refuses.
async fn asked(pool: &PgPool, sees: &str, sql: &str) -> Option<String> {
    let mut transaction = pool.begin().await.expect("begun");
    let said = sqlx::query("select set_config('leadrail.sees', $1, true)").bind(sees);
    said.execute(&mut *transaction).await.expect("said");
    let answer = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *transaction)
        .await;
    let refused = answer.err()?;
    let said = refused.as_database_error().expect("its own word");
    Some(said.code().expect("a code").into_owned())
}

#[tokio::test]
async fn a_person_is_erased_and_a_lane_is_limited_only_for_whose_it_is() {
    let scene = scene().await;
    let erase = "select leadrail.erase_seen_leads('{}', '{}')";
    let limit = "select leadrail.limit_seen_lane('acme', 'housecall_pro', null, 1, null, 1)";
    let link = "insert into leadrail.link (run_id, kind, opened)
                select run_id, 'recording', 7 from leadrail.lead where account = 'bolt'
                on conflict (run_id, kind) do update set opened = 7";
    let forged = "insert into leadrail.link (run_id, kind) values (gen_random_uuid(), 'recording')";
    for (sees, erases, limits, forges) in [
        ("all", true, true, true),
        ("scope:acme", false, true, false),
        ("scope:bolt", false, false, false),
        ("scope:acme/housecall_pro", false, false, false),
        ("", false, false, false),
    ] {
        let refused = |may: bool| (!may).then(|| "42501".to_owned());
        let behind = &scene.behind;
        assert_eq!(asked(behind, sees, erase).await, refused(erases), "{sees}");
        assert_eq!(asked(behind, sees, limit).await, refused(limits), "{sees}");
        assert_eq!(asked(behind, sees, forged).await, refused(forges), "{sees}");
        assert_eq!(asked(behind, sees, link).await, None, "of none, or its own");
    }
}

#[tokio::test]
async fn the_apis_role_can_do_nothing_by_sql_of_its_own_but_what_it_was_let() {
    let scene = scene().await;
    for statement in [
        "select 1 from leadrail.workflow_run",
        "select 1 from leadrail.run",
        "select 1 from leadrail.history",
        "select 1 from leadrail.phone_key",
        "select 1 from leadrail.lead_default",
        "insert into leadrail.run_key (key, scope, run_id, fingerprint) values ('k', 's', gen_random_uuid(), '')",
        "insert into leadrail.lead (run_id) values (gen_random_uuid())",
        "select 1 from leadrail.link_default",
        "delete from leadrail.link",
        "update leadrail.link_key set key = ''",
        "select leadrail.erase_leads('{}', '{}')",
        "select leadrail.limit_lane('acme/-', 1, null, 1)",
        "update leadrail.retention set input_for = '1 day'",
        "update leadrail.audit_retention set kept_for = '365 days'",
        "update leadrail.audit set outcome = 'x'",
        "delete from leadrail.audit",
        "delete from leadrail.api_key",
        "update leadrail.worker set lease = '1s'",
        "select leadrail.grant_api('postgres')",
        "select leadrail.cancel_run(gen_random_uuid(), 'x')",
        "create table leadrail.mine (id integer)",
        "alter table leadrail.lead disable row level security",
        "set session authorization postgres",
    ] {
        let answer = sqlx::raw_sql(statement).execute(&scene.behind).await;
        let code = answer
            .err()
            .and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}");
    }
}

#[tokio::test]
async fn whoever_stands_beyond_the_wall_is_not_let_and_is_told() {
    let scene = scene().await;
    let pool = scene.api.pool();
    let owner: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(pool)
        .await
        .expect("a role");
    let refused = leadrail_connections::grant_api(pool, &owner)
        .await
        .expect_err("refused");
    assert!(refused.to_string().contains("wall"), "{refused}");
    assert!(
        leadrail_connections::grant_api(pool, "nobody_of_this_name")
            .await
            .is_err()
    );
    let beyond = scene.api.desk.beyond_wall().await.expect("asked");
    assert!(beyond.is_some_and(|why| why.contains(&owner)));
    let desk = scene.desk(Sees::All);
    assert_eq!(desk.beyond_wall().await.expect("asked"), None);
    let checks = scene.api.desk.doctor(Ok(None)).await.expect("checked");
    let wall = checks
        .iter()
        .find(|check| check.name == "wall")
        .expect("a check");
    assert!(wall.ok && wall.detail.contains("api_"), "{wall:?}");
}
