//! Moving connections from one state to another, each in one statement that looks where it stands.

use leadrail_adapters::SecretVersion;
use sqlx::PgExecutor;

use crate::{ConnectionId, ConnectionState};

/// Why leads wait for a connection that nobody has signed in to, for people.
pub(crate) const NOT_SIGNED_IN: &str = "nobody has signed in yet";

/// What a change of state came to.
pub(crate) struct Transition {
    /// There is such a connection.
    pub(crate) known: bool,
    /// Its state changed just now.
    pub(crate) changed: bool,
}

/// Changes a connection's row, whose id is the first argument; says whether there is one, and whether the
/// change was made.
macro_rules! transition {
    ($update:literal, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            Transition,
            "with changed as (" + $update + r#"
                returning id
            )
            select
                exists (select from leadrail.connection where id = $1) as "known!",
                exists (select from changed) as "changed!"
            "#,
            $($argument),*
        )
    };
}

/// Notes that the CRM accepted this version of the secret, if it is still the present one.
pub(crate) async fn mark_verified(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    secret_version: SecretVersion,
    name: Option<&str>,
) -> sqlx::Result<Transition> {
    transition!(
        r#"
            update leadrail.connection
            set last_verified_at = leadrail.now(), verified_name = $3, refusal = null, updated_at = leadrail.now()
            where id = $1 and secret_version = $2
        "#,
        id.0,
        secret_version,
        name,
    )
    .fetch_one(db)
    .await
}

/// From active to `needs_reauth`, if the secret that was refused is still the present one. One that is
/// paused stays so, and needs it once it goes on.
pub(crate) async fn mark_needs_reauth(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    secret_version: SecretVersion,
    refusal: &str,
) -> sqlx::Result<Transition> {
    transition!(
        r#"
            update leadrail.connection
            set refusal = $3, updated_at = leadrail.now(),
                state = case state when 'paused' then state else 'needs_reauth' end,
                state_reason = case state when 'paused' then state_reason else $3 end,
                state_changed_at = case state when 'paused' then state_changed_at else leadrail.now() end
            where id = $1 and secret_version = $2
              and (state = 'active' or state = 'paused' and refusal is null)
        "#,
        id.0,
        secret_version,
        refusal,
    )
    .fetch_one(db)
    .await
}

/// Holds leads back: to `paused`, from active alone, or to `disabled`, from any other state.
pub(crate) async fn close(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    to: ConnectionState,
    why: &str,
) -> sqlx::Result<Transition> {
    transition!(
        r#"
            update leadrail.connection
            set state = $2, state_reason = $3,
                state_changed_at = leadrail.now(), updated_at = leadrail.now()
            where id = $1 and state <> $2 and ($2 = 'disabled' or state = 'active')
        "#,
        id.0,
        to as ConnectionState,
        why,
    )
    .fetch_one(db)
    .await
}

/// Ends a state: what the connection is without it depends on whether anybody has signed in, and on
/// what the CRM said last. `accepted`: it has just accepted the present secret.
pub(crate) async fn lift(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    from: ConnectionState,
    accepted: bool,
) -> sqlx::Result<Transition> {
    transition!(
        r#"
            update leadrail.connection
            set refusal = case when $3 then null else refusal end,
                state = case
                    when secret_version = 0 then 'pending'
                    when $3 or refusal is null then 'active'
                    else 'needs_reauth'
                end::leadrail.connection_state,
                state_reason = case when secret_version = 0 then $4 when $3 then null else refusal end,
                state_changed_at = leadrail.now(), updated_at = leadrail.now()
            where id = $1 and state = $2
        "#,
        id.0,
        from as ConnectionState,
        accepted,
        NOT_SIGNED_IN,
    )
    .fetch_one(db)
    .await
}
