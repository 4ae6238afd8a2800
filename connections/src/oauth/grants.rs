//! The SQL of `leadrail.oauth_grant`: when tokens end, and who renews them.
//!
//! A renewal belongs to one version of a connection's secrets. Whoever writes its claim into the row is
//! the only one to send that version's refresh token; a claim is given on only where the provider lets a
//! token be used again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use leadrail_adapters::SecretVersion;
use leadrail_adapters::oauth::RefreshToken;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::ConnectionId;
use crate::vault::Envelope;

/// When the tokens of a version are to be renewed, and when they end; negative where that is past. In
/// seconds from now, by the database's clock.
pub(super) struct Times {
    pub(super) refresh_in: Option<f64>,
    pub(super) expires_in: Option<f64>,
}

/// What is known of these secrets; none where nothing is.
pub(super) async fn times(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    version: SecretVersion,
) -> sqlx::Result<Option<Times>> {
    sqlx::query_as!(
        Times,
        r#"
        select
            extract(epoch from refresh_at - leadrail.now())::float8 as refresh_in,
            extract(epoch from expires_at - leadrail.now())::float8 as expires_in
        from leadrail.oauth_grant
        where connection_id = $1 and secret_version = $2
        "#,
        id.0,
        version
    )
    .fetch_optional(db)
    .await
}

/// What a claim came to.
pub(super) struct Claimed {
    /// These are still the connection's secrets.
    pub(super) current: bool,
    /// They are ours to renew.
    pub(super) claimed: bool,
}

/// Claims the renewal of a version, for so long. Another's claim that has ended is taken over where the
/// refresh token may be used again.
pub(super) async fn claim(
    db: impl PgExecutor<'_>,
    (id, version): (ConnectionId, SecretVersion),
    claim: Uuid,
    lasts: Duration,
    token: RefreshToken,
) -> sqlx::Result<Claimed> {
    let (again, grace) = match token {
        RefreshToken::None | RefreshToken::Lasting => (true, Duration::ZERO),
        RefreshToken::OneUse => (false, Duration::ZERO),
        RefreshToken::Grace(grace) => (false, grace),
    };
    sqlx::query_as!(
        Claimed,
        r#"
        with wanted as (
            -- Waits for whoever stores newer ones, and sees them then.
            select id, secret_version from leadrail.connection
            where id = $1 and secret_version = $2
            for share
        ), claimed as (
            insert into leadrail.oauth_grant as g
                (connection_id, claim, claimed_version, claimed_at, claim_ends_at)
            select id, $3, secret_version, leadrail.now(), leadrail.now() + $4 * interval '1 second'
            from wanted
            on conflict (connection_id) do update
            set claim = excluded.claim, claimed_version = excluded.claimed_version,
                claimed_at = excluded.claimed_at, claim_ends_at = excluded.claim_ends_at
            where (g.secret_version is null or g.secret_version <= excluded.claimed_version)
              and (g.claimed_version is distinct from excluded.claimed_version
                   or (g.claim is null and (g.retry_at is null or g.retry_at <= leadrail.now()))
                   or (g.claim_ends_at <= leadrail.now()
                       and ($5 or g.claimed_at + $6 * interval '1 second' > leadrail.now())))
            returning connection_id
        )
        select
            exists (select from wanted) as "current!",
            exists (select from claimed) as "claimed!"
        "#,
        id.0,
        version,
        claim,
        lasts.as_secs_f64(),
        again,
        grace.as_secs_f64(),
    )
    .fetch_one(db)
    .await
}

/// How it stands with a renewal that is not ours.
pub(super) struct Standing {
    /// The connection's secrets as they are now.
    pub(super) version: SecretVersion,
    /// Somebody's claim on them: since when, for how many seconds, and whether it has ended without an
    /// answer.
    pub(super) claimed_at: Option<DateTime<Utc>>,
    pub(super) claimed_for: Option<f64>,
    pub(super) ended: bool,
    /// Not to be tried for so many seconds.
    pub(super) retry_in: Option<f64>,
}

pub(super) async fn standing(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
) -> sqlx::Result<Option<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"
        select
            c.secret_version as version,
            g.claimed_at as "claimed_at?",
            extract(epoch from leadrail.now() - g.claimed_at)::float8 as claimed_for,
            coalesce(g.claim_ends_at <= leadrail.now(), false) as "ended!",
            extract(epoch from g.retry_at - leadrail.now())::float8 as retry_in
        from leadrail.connection c
        left join leadrail.oauth_grant g
            on g.connection_id = c.id and g.claimed_version = c.secret_version
        where c.id = $1
        "#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// Puts renewed secrets in the place of the version that they were renewed from; whether that was still
/// there. The envelope opens under the next version only. A connection that was condemned while the answer
/// was on its way is so no more.
pub(super) async fn store(
    db: impl PgExecutor<'_>,
    (id, version): (ConnectionId, SecretVersion),
    envelope: &Envelope,
    life: Duration,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        with stored as (
            update leadrail.connection c
            set vault_key_id = $3, sealed_data_key = $4, sealed_secret = $5,
                secret_version = c.secret_version + 1, updated_at = leadrail.now(),
                state = case when too_soon.was then 'active' else c.state end,
                state_reason = case when too_soon.was then null else c.state_reason end,
                state_changed_at = case when too_soon.was then leadrail.now() else c.state_changed_at end,
                refusal = case when too_soon.was or c.state = 'paused' then null else c.refusal end
            from (
                select n.id, coalesce(n.state = 'needs_reauth' and n.state_changed_at >= g.claimed_at, false) as was
                from leadrail.connection n
                left join leadrail.oauth_grant g on g.connection_id = n.id
                where n.id = $1
            ) too_soon
            where c.id = too_soon.id and c.secret_version = $2
            returning c.id, c.secret_version
        )
        update leadrail.oauth_grant g
        set secret_version = stored.secret_version,
            refresh_at = leadrail.now() + 0.8 * $6::float8 * interval '1 second',
            expires_at = leadrail.now() + $6 * interval '1 second',
            renewals = renewals + 1, renewed_at = leadrail.now(),
            claim = null, claimed_version = null, claimed_at = null, claim_ends_at = null,
            retry_at = null, failures = 0
        from stored
        where g.connection_id = stored.id
        "#,
        id.0,
        version,
        envelope.vault_key_id,
        envelope.sealed_data_key,
        envelope.sealed_secret,
        life.as_secs_f64(),
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Gives a claim back of which nothing came; the next try is after so long, at least as long as the
/// failures before it ask for.
pub(super) async fn give_back(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    claim: Uuid,
    asked: Option<Duration>,
) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "
        update leadrail.oauth_grant
        set claim = null, claimed_at = null, claim_ends_at = null, failures = failures + 1,
            retry_at = leadrail.now()
                + greatest($3, least(60, power(2, least(failures, 10)))) * interval '1 second'
        where connection_id = $1 and claim = $2
        ",
        id.0,
        claim,
        asked.unwrap_or_default().as_secs_f64(),
    );
    done.execute(db).await.map(drop)
}

/// Ends a claim whose answer was lost. It stays as the mark of that.
pub(super) async fn lose(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    claim: Uuid,
) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update leadrail.oauth_grant set claim_ends_at = leadrail.now() where connection_id = $1 and claim = $2",
        id.0,
        claim,
    );
    done.execute(db).await.map(drop)
}

/// Lets a token be used again of whose last use no answer came, because a person says so.
pub(super) async fn forgive(db: impl PgExecutor<'_>, id: ConnectionId) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "
        update leadrail.oauth_grant
        set claim = null, claimed_at = null, claim_ends_at = null, retry_at = null
        where connection_id = $1 and (claim is null or claim_ends_at <= leadrail.now())
        ",
        id.0
    );
    done.execute(db).await.map(drop)
}

/// With which client, and in which data centre, a connection's tokens were issued.
pub(super) struct Issuer {
    pub(super) environment: Option<String>,
    pub(super) centre: Option<String>,
}

pub(super) async fn issuer(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
) -> sqlx::Result<Option<Issuer>> {
    sqlx::query_as!(
        Issuer,
        "select environment, centre from leadrail.oauth_grant where connection_id = $1",
        id.0
    )
    .fetch_optional(db)
    .await
}
