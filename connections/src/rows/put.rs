//! Putting connections in their places, and changing what is set for them.

use sqlx::PgExecutor;

use super::Sealing;
use super::probes::first_probe;
use super::states::NOT_SIGNED_IN;
use crate::{
    BaseUrl, ConnectionError, ConnectionId, ConnectionResult, ConnectionSettings,
    new_connection::CheckedConnection, vault::Envelope,
};

/// A connection that stands where another is to be stored.
pub(crate) struct Present {
    pub(crate) id: ConnectionId,
    pub(crate) secret_version: i32,
    pub(crate) revision: i32,
}

/// The connection that `new` would replace.
pub(crate) async fn present(
    db: impl PgExecutor<'_>,
    new: &CheckedConnection,
) -> sqlx::Result<Option<Present>> {
    sqlx::query_as!(
        Present,
        r#"
        select id as "id: ConnectionId", secret_version, revision
        from leadrail.connection
        where account = $1 and crm = $2 and coalesce(crm_account_id, '') = coalesce($3, '')
        "#,
        new.account,
        new.crm,
        new.crm_account_id,
    )
    .fetch_optional(db)
    .await
}

/// Inserts the connection or replaces its secret, or does nothing and returns `false` if another id,
/// version or revision holds the place meanwhile.
///
/// The envelope opens under its own id and version only, so it must never land in a row with
/// others: that is what the condition on the update is for.
pub(crate) async fn upsert(
    db: impl PgExecutor<'_>,
    sealing: &Sealing<'_>,
    new: &CheckedConnection,
    envelope: &Envelope,
    revision: i32,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into leadrail.connection as present (
            id, account, crm, crm_account_id, base_url, auth_method,
            vault_key_id, sealed_data_key, sealed_secret, settings, secret_version, probe_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, leadrail.now() + $13)
        on conflict (account, crm, coalesce(crm_account_id, '')) do update
        set base_url = excluded.base_url,
            auth_method = excluded.auth_method,
            vault_key_id = excluded.vault_key_id,
            sealed_data_key = excluded.sealed_data_key,
            sealed_secret = excluded.sealed_secret,
            secret_version = excluded.secret_version,
            settings = excluded.settings,
            -- Whoever holds its leads back has not let them go.
            state = case present.state when 'paused' then present.state else 'active' end,
            state_reason = case present.state when 'paused' then present.state_reason end,
            state_changed_at = case
                when present.state in ('active', 'paused') then present.state_changed_at
                else leadrail.now()
            end,
            refusal = null,
            revision = present.revision + 1,
            probe_at = excluded.probe_at,
            -- The CRM has not yet seen the new secret.
            last_verified_at = null,
            verified_name = null,
            updated_at = leadrail.now()
        where present.id = excluded.id and present.secret_version + 1 = excluded.secret_version
          and present.revision = $12
        "#,
        sealing.id.0,
        new.account,
        new.crm,
        new.crm_account_id,
        new.base_url.as_ref().map(BaseUrl::as_str),
        new.auth_method,
        envelope.vault_key_id,
        envelope.sealed_data_key,
        envelope.sealed_secret,
        new.settings.to_json(),
        sealing.secret_version,
        revision,
        first_probe(),
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Changes what is set for a connection, if it has this revision; whether it had.
pub(crate) async fn change(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    revision: i32,
    settings: &ConnectionSettings,
    crm_account_id: Option<&str>,
) -> ConnectionResult<bool> {
    let done = sqlx::query!(
        r#"
        update leadrail.connection
        set settings = $3, crm_account_id = $4, revision = revision + 1, updated_at = leadrail.now()
        where id = $1 and revision = $2
        "#,
        id.0,
        revision,
        settings.to_json(),
        crm_account_id,
    );
    match done.execute(db).await {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(error) if is_taken(&error) => Err(ConnectionError::AccountTaken),
        Err(error) => Err(error.into()),
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    let refused = error.as_database_error();
    refused.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Inserts a connection that nobody has signed in to, unless there is one in its place. The envelope
/// holds no secret and is of version 0.
pub(crate) async fn insert_pending(
    db: impl PgExecutor<'_>,
    sealing: &Sealing<'_>,
    new: &CheckedConnection,
    envelope: &Envelope,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        insert into leadrail.connection (
            id, account, crm, crm_account_id, base_url, auth_method,
            vault_key_id, sealed_data_key, sealed_secret, settings, secret_version, state, state_reason
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending', $12)
        on conflict (account, crm, coalesce(crm_account_id, '')) do nothing
        "#,
        sealing.id.0,
        new.account,
        new.crm,
        new.crm_account_id,
        new.base_url.as_ref().map(BaseUrl::as_str),
        new.auth_method,
        envelope.vault_key_id,
        envelope.sealed_data_key,
        envelope.sealed_secret,
        new.settings.to_json(),
        sealing.secret_version,
        NOT_SIGNED_IN,
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}
