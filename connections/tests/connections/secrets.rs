//! A credential is readable where it belongs and nowhere else.

use crate::support::{CANARY, Setup, api_key, new_connection};
use leadrail_connections::{ConnectionError, ConnectionId, VaultError};

#[tokio::test]
async fn nothing_of_the_secret_is_readable_in_the_database() {
    let setup = Setup::new().await;
    setup.add("acct_1", Some("hcp_1")).await;
    let row = row_text(&setup).await;
    assert!(row.contains("acct_1"), "{row}");
    assert!(!shows_secret(&row), "{row}");
    // The test can see: stored in clear, it is noticed.
    let clear =
        sqlx::query("update leadrail.connection set sealed_secret = convert_to($1, 'utf8')");
    let clear = clear.bind(CANARY.repeat(3)).execute(&setup.pool).await;
    clear.expect("stored in clear");
    assert!(shows_secret(&row_text(&setup).await));
}

/// The row as a dump shows it.
async fn row_text(setup: &Setup) -> String {
    let row = sqlx::query_scalar("select present::text from leadrail.connection present");
    row.fetch_one(&setup.pool).await.expect("shown")
}

fn shows_secret(text: &str) -> bool {
    // A dump writes bytes as hex digits.
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    text.contains("canary") || text.contains(&hex)
}

#[tokio::test]
async fn a_sealed_row_copied_to_another_connection_does_not_open() {
    let setup = Setup::new().await;
    let victim = setup.add("acct_1", None).await;
    let same_account = setup.add("acct_1", Some("hcp_2")).await;
    let other_account = setup.add("acct_2", None).await;
    for thief in [same_account.id, other_account.id] {
        copy_envelope(&setup, victim.id, thief).await;
        assert_does_not_open(&setup, thief).await;
    }
    setup
        .elsewhere()
        .open(victim.id)
        .await
        .expect("the original still opens");
}

#[tokio::test]
async fn a_row_moved_to_another_account_does_not_open() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let moved = sqlx::query("update leadrail.connection set account = 'acct_2' where id = $1");
    moved
        .bind(added.id)
        .execute(&setup.pool)
        .await
        .expect("moved");
    assert_does_not_open(&setup, added.id).await;
}

#[tokio::test]
async fn a_secret_does_not_open_where_its_row_says_something_else_of_where_it_goes() {
    let edits = [
        "crm = 'jobber'",
        "base_url = 'https://elsewhere.example'",
        "base_url = null",
        "base_url = base_url || '/elsewhere'",
        "auth_method = 'bearer_token'",
        "secret_version = secret_version + 1",
    ];
    for edit in edits {
        let setup = Setup::new().await;
        let mut new = new_connection("acct_1", None);
        new.base_url = Some("https://sandbox.crm.example".into());
        let added = setup.connections.add(new).await.expect("added");
        setup.elsewhere().open(added.id).await.expect("as it was");
        let edited = format!("update leadrail.connection set {edit}");
        sqlx::query(sqlx::AssertSqlSafe(edited))
            .execute(&setup.pool)
            .await
            .expect("edited");
        assert_does_not_open(&setup, added.id).await;
    }
}

#[tokio::test]
async fn an_older_secret_put_back_does_not_open() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let keep = "create table public.kept as \
                select sealed_data_key, sealed_secret from leadrail.connection";
    sqlx::query(keep).execute(&setup.pool).await.expect("kept");
    setup.add("acct_1", None).await;
    setup
        .elsewhere()
        .open(added.id)
        .await
        .expect("the newer one");
    let put_back = "update leadrail.connection c \
                    set sealed_data_key = k.sealed_data_key, sealed_secret = k.sealed_secret \
                    from public.kept k";
    sqlx::query(put_back)
        .execute(&setup.pool)
        .await
        .expect("put back");
    assert_does_not_open(&setup, added.id).await;
}

#[tokio::test]
async fn a_tampered_byte_is_noticed() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let tamper = sqlx::query(
        "update leadrail.connection \
         set sealed_secret = set_byte(sealed_secret, 30, get_byte(sealed_secret, 30) # 1) \
         where id = $1",
    );
    tamper
        .bind(added.id)
        .execute(&setup.pool)
        .await
        .expect("tampered");
    assert_does_not_open(&setup, added.id).await;
}

#[tokio::test]
async fn a_wrong_vault_key_is_told_with_both_fingerprints() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    setup
        .connections
        .check_vault_key()
        .await
        .expect("the right key");
    let wrong = setup.with_other_key();
    for error in [
        wrong.open(added.id).await.expect_err("wrong key"),
        wrong.check_vault_key().await.expect_err("wrong key"),
    ] {
        let ConnectionError::Vault {
            id,
            source: VaultError::KeyMismatch { sealed, have },
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(id, added.id);
        assert!(sealed.starts_with("k-") && have.starts_with("k-") && sealed != have);
    }
}

#[tokio::test]
async fn what_an_older_key_sealed_opens_beside_the_new_one() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let both = setup.with_both_keys();
    both.open(added.id).await.expect("opened");
    both.check_vault_key().await.expect("one of ours");
    both.add(new_connection("acct_2", None))
        .await
        .expect("added");
    let old = setup.elsewhere().check_vault_key().await;
    assert!(
        matches!(old, Err(ConnectionError::Vault { .. })),
        "sealed under the new key"
    );
}

#[tokio::test]
async fn a_connection_that_is_switched_off_binds_nobody_to_its_key() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    setup
        .connections
        .disable(added.id, "its key is lost")
        .await
        .expect("disabled");
    setup
        .with_other_key()
        .check_vault_key()
        .await
        .expect("nothing is in use");
}

#[tokio::test]
async fn a_connection_added_under_a_new_key_opens_under_that_key() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let next = setup.with_other_key();
    let again = next
        .add(new_connection("acct_1", None))
        .await
        .expect("replaced");
    assert_eq!(again.id, added.id);
    next.open(added.id).await.expect("opened");
    next.check_vault_key().await.expect("all under the new key");
}

#[tokio::test]
async fn the_secret_is_in_no_debug_output_and_no_error() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", Some("hcp_1")).await;
    let open = setup.connections.open(added.id).await.expect("opened");
    let mut shown = vec![format!("{added:?} {open:?} {open:#?}")];
    shown.push(serde_json::to_string(&added).expect("serialized"));
    shown.push(format!(
        "{:?}",
        setup
            .connections
            .find("acct_1", "housecall_pro", None)
            .await
    ));

    let mut refused = new_connection("acct_1", None);
    refused.secrets = api_key(&format!("{CANARY}\0"));
    shown.push(everything(
        &setup.connections.add(refused).await.expect_err("refused"),
    ));
    let mut misplaced = new_connection("acct_1", None);
    misplaced.base_url = Some(format!("https://user:{CANARY}@crm.example"));
    shown.push(everything(
        &setup.connections.add(misplaced).await.expect_err("refused"),
    ));
    let mut misplaced = new_connection("acct_1", None);
    misplaced.settings = serde_json::json!({"lead_source": [CANARY]});
    shown.push(everything(
        &setup.connections.add(misplaced).await.expect_err("refused"),
    ));
    shown.push(everything(
        &setup
            .with_other_key()
            .open(added.id)
            .await
            .expect_err("wrong key"),
    ));
    setup.pool.close().await;
    let unreachable = setup.connections.add(new_connection("acct_1", None)).await;
    shown.push(everything(&unreachable.expect_err("closed")));
    for text in shown {
        assert!(!text.contains("canary"), "{text}");
    }
}

/// An error as any log could print it.
fn everything(error: &ConnectionError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(" {error}"));
        source = error.source();
    }
    text
}

async fn assert_does_not_open(setup: &Setup, id: ConnectionId) {
    let error = setup.elsewhere().open(id).await.expect_err("must not open");
    assert!(
        matches!(
            error,
            ConnectionError::Vault {
                source: VaultError::DoesNotOpen,
                ..
            }
        ),
        "{error:?}"
    );
}

async fn copy_envelope(setup: &Setup, from: ConnectionId, to: ConnectionId) {
    let copy = sqlx::query(
        "update leadrail.connection thief \
         set vault_key_id = victim.vault_key_id, sealed_data_key = victim.sealed_data_key, \
             sealed_secret = victim.sealed_secret \
         from leadrail.connection victim where victim.id = $1 and thief.id = $2",
    );
    let copied = copy
        .bind(from)
        .bind(to)
        .execute(&setup.pool)
        .await
        .expect("copied");
    assert_eq!(copied.rows_affected(), 1);
}
