//! Connections are kept, replaced under the same id, and change state once.

use crate::support::{CANARY, Setup, api_key, new_connection};
use leadrail_connections::{
    ConnectionError, ConnectionFilter, ConnectionId, ConnectionState, Lookup, OpenConnection,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgPool;

/// The only secret of a connection.
fn secret_of(open: &OpenConnection) -> &str {
    let (_, secret) = open.secrets.iter().next().expect("a secret");
    secret.expose_secret()
}

#[tokio::test]
async fn a_new_connection_is_active_and_opens_with_its_secret() {
    let setup = Setup::new().await;
    let mut new = new_connection("acct_1", Some("hcp_1"));
    new.base_url = Some("http://localhost:4010/housecall_pro/".into());
    new.settings = json!({"notifications_enabled": true});
    let added = setup.connections.add(new).await.expect("added");
    assert_eq!(added.state, ConnectionState::Active);
    assert_eq!(added.secret_version, 1);
    assert!(added.settings.crm.is_on("notifications_enabled"));
    assert_eq!(added.last_verified_at, None);

    let open = setup.elsewhere().open(added.id).await.expect("opened");
    assert_eq!(open.connection, added);
    assert_eq!(
        open.connection.base_url.as_ref().expect("kept").as_str(),
        "http://localhost:4010/housecall_pro"
    );
    assert_eq!(open.secrets.method(), "api_key");
    assert_eq!(secret_of(&open), CANARY);
}

#[tokio::test]
async fn connecting_again_keeps_the_id_and_replaces_everything_else() {
    let setup = Setup::new().await;
    let first = setup.add("acct_1", None).await;
    setup
        .connections
        .mark_verified(first.id, 1, Some("Acme Plumbing"))
        .await
        .expect("verified");
    setup
        .connections
        .mark_needs_reauth(first.id, 1, "the CRM answered 401")
        .await
        .expect("marked");

    let mut new = new_connection("acct_1", None);
    let token = SecretString::from("the-second-secret");
    new.secrets = [("access_token".to_owned(), token)].into();
    new.auth_method = "bearer_token".into();
    new.settings = json!({"lead_source": "Phone AI"});
    let second = setup.connections.add(new).await.expect("added again");
    assert_eq!(second.id, first.id);
    assert_eq!(second.created_at, first.created_at);
    assert_eq!(
        (second.state, second.state_reason),
        (ConnectionState::Active, None)
    );
    assert_eq!(second.secret_version, 2);
    assert_eq!(
        (second.last_verified_at, second.verified_name),
        (None, None)
    );
    assert_eq!(second.settings.crm.text("lead_source"), Some("Phone AI"));
    let open = setup.connections.open(first.id).await.expect("opened");
    assert_eq!(secret_of(&open), "the-second-secret");
    assert_eq!(open.secrets.method(), "bearer_token");
    assert_eq!(count(&setup.pool).await, 1);
}

#[tokio::test]
async fn only_a_connection_that_was_refused_is_reactivated() {
    let setup = Setup::new().await;
    let id = setup.add("acct_1", None).await.id;
    let connections = &setup.connections;
    assert!(!connections.reactivate(id).await.expect("active already"));
    let refused = connections.mark_needs_reauth(id, 1, "the CRM answered 401");
    refused.await.expect("marked");
    assert!(connections.reactivate(id).await.expect("on again"));
    connections.disable(id, "moved away").await.expect("off");
    assert!(!connections.reactivate(id).await.expect("stays off"));
    let kept = connections.get(id).await.expect("read");
    assert_eq!(kept.state, ConnectionState::Disabled);
    assert_eq!(kept.state_reason.as_deref(), Some("moved away"));
    let nobody = ConnectionId(uuid::Uuid::nil());
    let unknown = connections.reactivate(nobody).await;
    assert!(matches!(unknown, Err(ConnectionError::NotFound { .. })));
}

#[tokio::test]
async fn adding_the_same_place_at_once_makes_one_row_that_opens() {
    let setup = Setup::new().await;
    let adds = (0..8).map(|n| {
        let connections = setup.elsewhere();
        let mut new = new_connection("acct_1", Some("hcp_1"));
        new.secrets = api_key(&format!("secret-{n}"));
        tokio::spawn(async move { connections.add(new).await.expect("added").id })
    });
    let adds: Vec<_> = adds.collect();
    let mut ids = vec![];
    for add in adds {
        ids.push(add.await.expect("no panic"));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(count(&setup.pool).await, 1);
    let open = setup.elsewhere().open(ids[0]).await.expect("opened");
    assert!(secret_of(&open).starts_with("secret-"));
    assert_eq!(open.connection.secret_version, 8);
}

#[tokio::test]
async fn an_add_that_meets_another_half_way_seals_for_the_row_that_won() {
    let setup = Setup::new().await;
    setup.add("acct_1", Some("template")).await;
    let mut other = setup.pool.begin().await.expect("a transaction");
    let winner: ConnectionId = sqlx::query_scalar(
        "insert into leadrail.connection (id, account, crm, crm_account_id, auth_method, \
                                          vault_key_id, sealed_data_key, sealed_secret) \
         select gen_random_uuid(), account, crm, 'hcp_1', auth_method, \
                vault_key_id, sealed_data_key, sealed_secret \
         from leadrail.connection returning id",
    )
    .fetch_one(&mut *other)
    .await
    .expect("inserted");
    let connections = setup.elsewhere();
    let add = tokio::spawn(async move {
        connections
            .add(new_connection("acct_1", Some("hcp_1")))
            .await
    });
    wait_for_blocked_statement(&setup.pool).await;
    other.commit().await.expect("committed");

    let added = add.await.expect("no panic").expect("added");
    assert_eq!(added.id, winner);
    let open = setup.connections.open(winner).await.expect("opened");
    assert_eq!(secret_of(&open), CANARY);
}

#[tokio::test]
async fn a_refused_secret_is_news_once() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let reason = "the CRM answered 401\r\nand \u{1b}[31mmore";
    assert!(
        setup
            .connections
            .mark_needs_reauth(added.id, added.secret_version, reason)
            .await
            .expect("marked")
    );
    assert!(
        !setup
            .connections
            .mark_needs_reauth(added.id, added.secret_version, "again")
            .await
            .expect("marked")
    );
    let marked = setup.connections.get(added.id).await.expect("there");
    assert_eq!(marked.state, ConnectionState::NeedsReauth);
    assert_eq!(
        marked.state_reason.as_deref(),
        Some("the CRM answered 401  and  [31mmore")
    );
    assert!(marked.state_changed_at > added.state_changed_at);
}

#[tokio::test]
async fn a_late_refusal_of_the_old_secret_does_not_condemn_the_new_one() {
    let setup = Setup::new().await;
    let old = setup.add("acct_1", None).await;
    let new = setup.add("acct_1", None).await;
    assert!(
        !setup
            .connections
            .mark_needs_reauth(old.id, old.secret_version, "401")
            .await
            .expect("asked")
    );
    let now = setup.connections.get(new.id).await.expect("there");
    assert_eq!(now.state, ConnectionState::Active);
    assert!(
        setup
            .connections
            .mark_needs_reauth(new.id, new.secret_version, "401")
            .await
            .expect("asked")
    );
}

#[tokio::test]
async fn a_disabled_connection_stays_disabled_until_a_person_says_otherwise() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    assert!(
        setup
            .connections
            .disable(added.id, "contract ended")
            .await
            .expect("disabled")
    );
    assert!(
        !setup
            .connections
            .disable(added.id, "twice")
            .await
            .expect("asked")
    );
    assert!(
        !setup
            .connections
            .mark_needs_reauth(added.id, added.secret_version, "401")
            .await
            .expect("asked")
    );
    let disabled = setup.connections.get(added.id).await.expect("there");
    assert_eq!(disabled.state, ConnectionState::Disabled);
    assert_eq!(disabled.state_reason.as_deref(), Some("contract ended"));

    assert!(setup.connections.enable(added.id).await.expect("on again"));
    assert!(!setup.connections.enable(added.id).await.expect("asked"));
    let active = setup.connections.get(added.id).await.expect("there");
    assert_eq!(
        (active.state, active.state_reason),
        (ConnectionState::Active, None)
    );
}

#[tokio::test]
async fn a_passed_check_is_remembered_with_the_crms_name_for_the_account() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    setup
        .connections
        .mark_verified(added.id, 1, Some("Acme Plumbing"))
        .await
        .expect("verified");
    let verified = setup.connections.get(added.id).await.expect("there");
    assert!(verified.last_verified_at >= Some(added.created_at));
    assert_eq!(verified.verified_name.as_deref(), Some("Acme Plumbing"));
    setup
        .connections
        .mark_verified(added.id, 1, Some(&"\0x".repeat(5000)))
        .await
        .expect("verified");
    let hostile = setup
        .connections
        .get(added.id)
        .await
        .expect("there")
        .verified_name;
    assert!(hostile.is_some_and(|name| name.len() <= 500 && !name.contains('\0')));
}

#[tokio::test]
async fn an_unknown_id_is_not_found_by_anything() {
    let setup = Setup::new().await;
    let mut added = setup.add("acct_1", None).await;
    added.id = ConnectionId(uuid::Uuid::from_u128(7));
    let (id, connections) = (added.id, &setup.connections);
    let errors = [
        connections.get(id).await.err(),
        connections.open(id).await.err(),
        connections.mark_verified(id, 1, None).await.err(),
        connections
            .mark_needs_reauth(added.id, added.secret_version, "401")
            .await
            .err(),
        connections.enable(id).await.err(),
        connections.pause(id, "why").await.err(),
        connections.resume(id).await.err(),
        connections.disable(id, "why").await.err(),
    ];
    for error in errors {
        assert!(
            matches!(error, Some(ConnectionError::NotFound { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_list_holds_what_passes_its_filter_in_order() {
    let setup = Setup::new().await;
    let b = setup.add("acct_b", None).await;
    let a2 = setup.add("acct_a", Some("2")).await;
    let a1 = setup.add("acct_a", Some("1")).await;
    setup
        .connections
        .disable(a2.id, "old")
        .await
        .expect("disabled");
    let list = async |filter: ConnectionFilter| {
        let listed = setup.connections.list(&filter).await.expect("listed");
        listed
            .into_iter()
            .map(|connection| connection.id)
            .collect::<Vec<_>>()
    };
    let any = ConnectionFilter::default();
    assert_eq!(list(any.clone()).await, [a1.id, a2.id, b.id]);
    let of_account = ConnectionFilter {
        account: Some("acct_a".into()),
        ..any.clone()
    };
    assert_eq!(list(of_account).await, [a1.id, a2.id]);
    let disabled = ConnectionFilter {
        state: Some(ConnectionState::Disabled),
        ..any.clone()
    };
    assert_eq!(list(disabled).await, [a2.id]);
    for odd in ["jobber", "", "\0"] {
        let filter = ConnectionFilter {
            crm: Some(odd.into()),
            ..any.clone()
        };
        assert_eq!(list(filter).await, []);
    }
}

#[tokio::test]
async fn the_own_process_sees_its_changes_at_once() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    setup
        .connections
        .open(added.id)
        .await
        .expect("opened, and remembered");
    setup
        .connections
        .find("acct_1", "housecall_pro", None)
        .await
        .expect("found");
    setup
        .connections
        .disable(added.id, "off")
        .await
        .expect("disabled");
    let open = setup.connections.open(added.id).await.expect("opened");
    assert_eq!(open.connection.state, ConnectionState::Disabled);
    let found = setup
        .connections
        .find("acct_1", "housecall_pro", None)
        .await
        .expect("found");
    assert!(matches!(found, Lookup::Found(found) if found.state == ConnectionState::Disabled));
}

#[tokio::test]
async fn a_remembered_connection_costs_no_query() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    setup
        .connections
        .find("acct_1", "housecall_pro", None)
        .await
        .expect("found");
    setup.pool.close().await;
    setup
        .connections
        .open(added.id)
        .await
        .expect("remembered by the look-up");
    setup
        .connections
        .find("acct_1", "housecall_pro", None)
        .await
        .expect("remembered");
    let unknown = setup
        .connections
        .find("acct_2", "housecall_pro", None)
        .await;
    assert!(matches!(unknown, Err(ConnectionError::Database { .. })));
}

#[tokio::test]
async fn a_row_edited_into_nonsense_is_named_and_not_used() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let edits = [
        (
            "base_url",
            "update leadrail.connection set base_url = 'http://169.254.169.254'",
        ),
        (
            "settings",
            "update leadrail.connection set base_url = null, settings = '{\"settle_seconds\": \"x\"}'",
        ),
    ];
    for (damaged, edit) in edits {
        sqlx::query(edit)
            .execute(&setup.pool)
            .await
            .expect("edited");
        let error = setup.elsewhere().open(added.id).await.expect_err("damaged");
        assert!(
            matches!(error, ConnectionError::Damaged { id, column } if id == added.id && column == damaged),
            "{error}"
        );
    }
}

async fn count(pool: &PgPool) -> i64 {
    let count = sqlx::query_scalar("select count(*) from leadrail.connection");
    count.fetch_one(pool).await.expect("counted")
}

/// Returns once a statement in this database waits for a transaction.
async fn wait_for_blocked_statement(pool: &PgPool) {
    let blocked = "select exists (select from pg_stat_activity \
                   where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(blocked)
        .fetch_one(pool)
        .await
        .expect("asked")
    {
        tokio::task::yield_now().await;
    }
}
