//! The SQL of sign-ins: links, who is on the way, and what a sign-in leaves.

use std::time::Duration;

use chrono::{DateTime, Utc};
use leadrail_adapters::Secrets;
use sqlx::PgExecutor;

use crate::rows::{Sealing, first_probe};
use crate::vault::Envelope;
use crate::{
    BaseUrl, Connection, ConnectionError, ConnectionId, ConnectionResult, Connections,
    NewConnection, sealed,
};

/// A link to be.
pub(super) struct NewLink<'a> {
    pub(super) hash: [u8; 32],
    pub(super) connection: ConnectionId,
    pub(super) provider: &'a str,
    pub(super) environment: &'a str,
    pub(super) by: &'a str,
    pub(super) lasts: Duration,
}

/// A link that may be used.
pub(super) struct Link {
    connection: ConnectionId,
    account: String,
    pub(super) environment: String,
}

/// Somebody who leaves for the provider.
pub(super) struct Going<'a> {
    pub(super) state: [u8; 32],
    pub(super) browser: [u8; 32],
    pub(super) link: &'a Link,
    pub(super) provider: &'a str,
    pub(super) lasts: Duration,
}

/// Somebody who comes back.
pub(super) struct Arrival {
    pub(super) browser_hash: Vec<u8>,
    pub(super) connection: ConnectionId,
    pub(super) provider: String,
    pub(super) environment: String,
    /// In time, and the connection is still that account's.
    pub(super) live: bool,
}

/// What a sign-in leaves besides the secrets.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) api: Option<&'a BaseUrl>,
    pub(super) environment: &'a str,
    pub(super) centre: Option<&'a str>,
    pub(super) identity: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) life: Duration,
}

/// What came of it.
pub(super) enum Kept {
    Yes {
        before: Box<Connection>,
        now: Box<Connection>,
    },
    /// The connection is for another company, by the name it was last known by.
    OtherCompany { old: Option<String> },
    /// The company is another account's already.
    Elsewhere,
    /// The connection was taken away meanwhile.
    Gone,
}

pub(super) async fn put_link(
    db: impl PgExecutor<'_>,
    link: &NewLink<'_>,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "
        insert into leadrail.sign_in_link (hash, connection_id, provider, environment, created_by, expires_at)
        values ($1, $2, $3, $4, $5, leadrail.now() + $6 * interval '1 second')
        returning expires_at
        ",
        &link.hash[..],
        link.connection.0,
        link.provider,
        link.environment,
        link.by,
        link.lasts.as_secs_f64(),
    )
    .fetch_one(db)
    .await
}

pub(super) async fn link(
    db: impl PgExecutor<'_>,
    provider: &str,
    hash: [u8; 32],
) -> sqlx::Result<Option<Link>> {
    sqlx::query_as!(
        Link,
        r#"
        select l.connection_id as "connection: ConnectionId", c.account, l.environment
        from leadrail.sign_in_link l
        join leadrail.connection c on c.id = l.connection_id
        where l.hash = $1 and l.provider = $2 and l.expires_at > leadrail.now()
        "#,
        &hash[..],
        provider,
    )
    .fetch_optional(db)
    .await
}

/// Takes down who leaves, and clears away those who never came back.
pub(super) async fn put_sign_in(db: impl PgExecutor<'_>, going: &Going<'_>) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "
        with left_behind as (
            delete from leadrail.sign_in where expires_at < leadrail.now() - interval '1 hour'
        ), ended as (
            delete from leadrail.sign_in_link where expires_at < leadrail.now() - interval '1 hour'
        )
        insert into leadrail.sign_in
            (state_hash, browser_hash, connection_id, account, provider, environment, expires_at)
        values ($1, $2, $3, $4, $5, $6, leadrail.now() + $7 * interval '1 second')
        ",
        &going.state[..],
        &going.browser[..],
        going.link.connection.0,
        going.link.account,
        going.provider,
        going.link.environment,
        going.lasts.as_secs_f64(),
    );
    done.execute(db).await.map(drop)
}

/// Uses a state up, also one that has ended; `None` where there is no such, or its connection is gone.
pub(super) async fn take_sign_in(
    db: impl PgExecutor<'_>,
    state: [u8; 32],
) -> sqlx::Result<Option<Arrival>> {
    sqlx::query_as!(
        Arrival,
        r#"
        with taken as (
            delete from leadrail.sign_in where state_hash = $1
            returning browser_hash, connection_id, account, provider, environment, expires_at
        )
        select
            t.browser_hash, t.connection_id as "connection: ConnectionId", t.provider, t.environment,
            t.expires_at > leadrail.now() and t.account = c.account as "live!"
        from taken t
        join leadrail.connection c on c.id = t.connection_id
        "#,
        &state[..],
    )
    .fetch_optional(db)
    .await
}

impl Connections {
    /// The connection that stands where `new` is to be, or a pending one there. Settings of one that is
    /// there are changed to those of `new`; `None` if it has another revision than they were made from.
    pub(super) async fn reserve(
        &self,
        new: NewConnection,
        revision: i32,
    ) -> ConnectionResult<Option<ConnectionId>> {
        let id = match self.prepare(new.clone()).await {
            Ok(made) => return Ok(Some(made.id)),
            Err(ConnectionError::Exists { id }) => id,
            Err(error) => return Err(error),
        };
        let wanted = new.check_without_secrets(self.adapters())?.settings;
        let present = self.get(id).await?;
        if present.settings == wanted {
            return Ok(Some(id));
        }
        let crm_account_id = present.crm_account_id.as_deref();
        let changed = self.change(id, revision, &wanted, crm_account_id).await?;
        Ok(changed.map(|changed| changed.id))
    }

    /// Keeps what a sign-in brought, if it is the company that the connection is for.
    pub(super) async fn keep_sign_in(
        &self,
        mut present: Connection,
        secrets: &Secrets,
        signed: &Signed<'_>,
    ) -> ConnectionResult<Kept> {
        let written = sealed::written(secrets);
        // A second round is only needed if the secrets were replaced in between.
        loop {
            let (id, version) = (present.id, present.secret_version);
            let sealing = Sealing {
                base_url: signed.api,
                auth_method: signed.method,
                secret_version: version + 1,
                ..Sealing::of(&present)
            };
            let sealed = sealing.place(|place| self.vault().seal(place, &written));
            let envelope = sealed.map_err(ConnectionError::vault(id))?;
            let mut transaction = self.access().begin().await?;
            if let Some(identity) = signed.identity {
                lock_company(&mut *transaction, &present.crm, identity).await?;
            }
            let kept = keep(&mut *transaction, (id, version), &envelope, signed).await?;
            transaction.commit().await?;
            self.forget();
            if kept.done {
                let now = Box::new(self.get(id).await?);
                let before = Box::new(present);
                return Ok(Kept::Yes { before, now });
            }
            if kept.is_elsewhere {
                return Ok(Kept::Elsewhere);
            }
            if kept.is_other {
                let old = present.verified_name;
                return Ok(Kept::OtherCompany { old });
            }
            present = match self.get(id).await {
                Ok(present) => present,
                Err(ConnectionError::NotFound { .. }) => return Ok(Kept::Gone),
                Err(error) => return Err(error),
            };
        }
    }
}

struct Done {
    done: bool,
    is_elsewhere: bool,
    is_other: bool,
}

/// Of two who sign in to one company for two accounts at once the later waits here, and sees the other.
async fn lock_company(db: impl PgExecutor<'_>, crm: &str, identity: &str) -> sqlx::Result<()> {
    let locked = sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended($1, 6))::text as "locked?""#,
        format!("{crm} {identity}")
    );
    locked.fetch_one(db).await.map(drop)
}

async fn keep(
    db: impl PgExecutor<'_>,
    (id, version): (ConnectionId, i32),
    envelope: &Envelope,
    signed: &Signed<'_>,
) -> sqlx::Result<Done> {
    sqlx::query_as!(
        Done,
        r#"
        with wanted as (
            select c.id, c.account, c.crm, g.identity
            from leadrail.connection c
            left join leadrail.oauth_grant g on g.connection_id = c.id
            where c.id = $1
        ), elsewhere as (
            select from leadrail.oauth_grant g
            join leadrail.connection c on c.id = g.connection_id
            join wanted w on c.crm = w.crm and c.account <> w.account
            where g.identity = $11 and g.environment is not distinct from $9
        ), other as (
            select from wanted where identity <> $11
        ), kept as (
            update leadrail.connection c
            set base_url = $3, auth_method = $4, vault_key_id = $5, sealed_data_key = $6, sealed_secret = $7,
                secret_version = c.secret_version + 1,
                -- Whoever holds its leads back has not let them go.
                state = case c.state when 'paused' then c.state else 'active' end,
                state_reason = case c.state when 'paused' then c.state_reason end,
                state_changed_at = case
                    when c.state in ('active', 'paused') then c.state_changed_at
                    else leadrail.now()
                end,
                refusal = null, revision = c.revision + 1, probe_at = leadrail.now() + $13,
                last_verified_at = leadrail.now(), verified_name = $8, updated_at = leadrail.now()
            where c.id = $1 and c.secret_version = $2
              and not exists (select from elsewhere) and not exists (select from other)
            returning c.id, c.secret_version
        ), known as (
            insert into leadrail.oauth_grant as g
                (connection_id, environment, centre, identity, secret_version, refresh_at, expires_at)
            select id, $9, $10, $11, secret_version,
                   leadrail.now() + 0.8 * $12::float8 * interval '1 second',
                   leadrail.now() + $12 * interval '1 second'
            from kept
            on conflict (connection_id) do update
            set environment = excluded.environment, centre = excluded.centre,
                identity = coalesce(excluded.identity, g.identity),
                secret_version = excluded.secret_version, refresh_at = excluded.refresh_at,
                expires_at = excluded.expires_at, renewals = 0, renewed_at = null,
                claim = null, claimed_version = null, claimed_at = null, claim_ends_at = null,
                retry_at = null, failures = 0
        ), used as (
            delete from leadrail.sign_in_link l using kept where l.connection_id = kept.id
        )
        select
            exists (select from kept) as "done!",
            exists (select from elsewhere) as "is_elsewhere!",
            exists (select from other) as "is_other!"
        "#,
        id.0,
        version,
        signed.api.map(BaseUrl::as_str),
        signed.method,
        envelope.vault_key_id,
        envelope.sealed_data_key,
        envelope.sealed_secret,
        signed.name,
        signed.environment,
        signed.centre,
        signed.identity,
        signed.life.as_secs_f64(),
        first_probe(),
    )
    .fetch_one(db)
    .await
}
