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

/// What is known of this version of the secrets; `None` where nothing is.
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
    /// Ours after a claim to whose use of the token no answer came.
    pub(super) again: bool,
}

/// Claims the renewal of a version, for so long. Another's claim that has ended is taken over where the
/// refresh token may be used again, counted from its first use of which no answer came.
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
            select id, secret_version, leadrail.now() as began_at from leadrail.connection
            where id = $1 and secret_version = $2
            for share
        ), claimed as (
            insert into leadrail.oauth_grant as g
                (connection_id, claim, claimed_version, claimed_at, claim_ends_at)
            select id, $3, secret_version, began_at, began_at + $4 * interval '1 second'
            from wanted
            on conflict (connection_id) do update
            set claim = excluded.claim, claimed_version = excluded.claimed_version,
                claim_ends_at = excluded.claim_ends_at,
                -- What is noted of other secrets says nothing of these.
                claimed_at = case
                    when g.claimed_version = excluded.claimed_version
                        then coalesce(g.claimed_at, excluded.claimed_at)
                    else excluded.claimed_at
                end,
                retry_at = case when g.claimed_version = excluded.claimed_version then g.retry_at end,
                failures = case when g.claimed_version = excluded.claimed_version then g.failures else 0 end
            where (g.secret_version is null or g.secret_version <= excluded.claimed_version)
              and (g.claimed_version is distinct from excluded.claimed_version
                   or (coalesce(g.retry_at <= excluded.claimed_at, true)
                       and (g.claim is null
                            or (g.claim_ends_at <= excluded.claimed_at
                                and ($5 or g.claimed_at + $6 * interval '1 second' > excluded.claimed_at)))))
            returning claimed_at
        )
        select
            exists (select from wanted) as "current!",
            exists (select from claimed) as "claimed!",
            exists (select from claimed, wanted where claimed_at < began_at) as "again!"
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
    /// The first use of their refresh token to which no answer has come: when it began, and how many seconds
    /// ago that is.
    pub(super) used: Option<(DateTime<Utc>, f64)>,
    /// Nobody waits for an answer any more.
    pub(super) ended: bool,
    /// Not to be tried for so many seconds.
    pub(super) retry_in: Option<f64>,
}

impl Standing {
    /// Whether somebody waits for an answer.
    pub(super) fn is_under_way(&self) -> bool {
        self.used.is_some() && !self.ended
    }
}

pub(super) async fn standing(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
) -> sqlx::Result<Option<Standing>> {
    let row = sqlx::query!(
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
    );
    let row = row.fetch_optional(db).await?;
    Ok(row.map(|row| Standing {
        version: row.version,
        used: row.claimed_at.zip(row.claimed_for),
        ended: row.ended,
        retry_in: row.retry_in,
    }))
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

/// Ends a claim of which nothing came; the next try is after so long, at least as long as the failures
/// before it ask for. Where no answer came to a use of the token, the claim stays as the mark of that.
pub(super) async fn give_back(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    claim: Uuid,
    (asked, unanswered): (Option<Duration>, bool),
) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "
        update leadrail.oauth_grant
        set claim = case when $4 then claim end, claimed_at = case when $4 then claimed_at end,
            claim_ends_at = case when $4 then leadrail.now() end, failures = failures + 1,
            retry_at = leadrail.now()
                + greatest($3, least(60, power(2, least(failures, 10)))) * interval '1 second'
        where connection_id = $1 and claim = $2
        ",
        id.0,
        claim,
        asked.unwrap_or_default().as_secs_f64(),
        unanswered,
    );
    done.execute(db).await.map(drop)
}

/// Ends a claim with which the provider was not even asked: the next try may be at once.
pub(super) async fn unclaim(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
    claim: Uuid,
    unanswered: bool,
) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "
        update leadrail.oauth_grant
        set claim = case when $3 then claim end, claimed_at = case when $3 then claimed_at end,
            claim_ends_at = case when $3 then leadrail.now() end
        where connection_id = $1 and claim = $2
        ",
        id.0,
        claim,
        unanswered,
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

#[cfg(test)]
mod tests {
    use leadrail_postgres::testing::TestDatabase;
    use sqlx::PgPool;

    use super::*;

    const LASTS: Duration = Duration::from_secs(150);
    const GRACE: RefreshToken = RefreshToken::Grace(Duration::from_secs(250));
    const A_MINUTE: Option<Duration> = Some(Duration::from_secs(60));

    struct Bench {
        pool: PgPool,
        id: ConnectionId,
        _database: TestDatabase,
    }

    impl Bench {
        async fn new() -> Self {
            let database = TestDatabase::fresh().await;
            let pool = PgPool::connect(database.url()).await.expect("connected");
            crate::migrate(&pool).await.expect("migrated");
            let id = ConnectionId::random();
            let made = sqlx::query(
                "insert into leadrail.connection (id, account, crm, auth_method, vault_key_id,
                     sealed_data_key, sealed_secret, settings, secret_version)
                 values ($1, 'acme', 'housecall_pro', 'oauth', 'key',
                     decode(repeat('00', 73), 'hex'), decode(repeat('00', 60), 'hex'), '{}', 1)",
            );
            made.bind(id.0).execute(&pool).await.expect("made");
            Self {
                pool,
                id,
                _database: database,
            }
        }

        /// The claim, if it is ours, and whether no answer came to an earlier one.
        async fn claim(&self, version: SecretVersion, token: RefreshToken) -> Option<(Uuid, bool)> {
            let ours = Uuid::new_v4();
            let done = claim(&self.pool, (self.id, version), ours, LASTS, token).await;
            let done = done.expect("asked");
            assert!(done.current);
            done.claimed.then_some((ours, done.again))
        }

        /// Gives it back; the next try is in a minute.
        async fn end(&self, claim: Uuid, unanswered: bool) {
            let done = give_back(&self.pool, self.id, claim, (A_MINUTE, unanswered)).await;
            done.expect("given back");
        }

        async fn standing(&self) -> Standing {
            let now = standing(&self.pool, self.id).await.expect("read");
            now.expect("there")
        }

        async fn later(&self, seconds: i32) {
            let moved = "update leadrail.clock set shift = shift + $1 * interval '1 second'";
            let moved = sqlx::query(moved).bind(seconds).execute(&self.pool).await;
            assert_eq!(moved.expect("moved").rows_affected(), 1);
        }
    }

    #[tokio::test]
    async fn a_token_with_a_grace_is_used_again_within_that_of_its_first_use_and_never_after() {
        let bench = Bench::new().await;
        let (first, again) = bench.claim(1, GRACE).await.expect("ours");
        assert!(!again);
        bench.later(10).await;
        bench.end(first, true).await;
        assert!(bench.claim(1, GRACE).await.is_none(), "not at once");
        bench.later(61).await;
        let (second, again) = bench.claim(1, GRACE).await.expect("within the grace");
        assert!(again, "it was used before");
        // An answer that nothing was done now says nothing of the first use.
        bench.end(second, again).await;
        bench.later(61).await;
        let (third, again) = bench.claim(1, GRACE).await.expect("within the grace");
        assert!(again);
        // The process dies.
        bench.later(151).await;
        assert!(bench.claim(1, GRACE).await.is_none(), "after the grace");
        let standing = bench.standing().await;
        let (_, since) = standing.used.expect("the mark of it");
        assert!(since >= 283.0 && standing.ended, "{since}");
        bench.end(third, true).await;
        bench.later(3_600).await;
        assert!(bench.claim(1, GRACE).await.is_none(), "nor ever");
        assert!(bench.claim(1, RefreshToken::Lasting).await.is_some());
    }

    #[tokio::test]
    async fn a_process_that_died_within_the_grace_leaves_time_for_another_use() {
        let bench = Bench::new().await;
        bench.claim(1, GRACE).await.expect("ours");
        bench.later(130).await;
        assert!(bench.claim(1, GRACE).await.is_none(), "its answer may come");
        bench.later(21).await;
        assert!(bench.claim(1, RefreshToken::OneUse).await.is_none());
        assert!(bench.claim(1, GRACE).await.is_some());
    }

    #[tokio::test]
    async fn a_claim_with_which_nobody_was_asked_is_free_at_once_and_forgets_no_use() {
        let bench = Bench::new().await;
        let (ours, _) = bench.claim(1, GRACE).await.expect("ours");
        let done = unclaim(&bench.pool, bench.id, ours, false).await;
        done.expect("given back");
        let (ours, again) = bench.claim(1, GRACE).await.expect("free");
        assert!(!again);
        let done = unclaim(&bench.pool, bench.id, ours, true).await;
        done.expect("given back");
        let (_, again) = bench.claim(1, GRACE).await.expect("free");
        assert!(again);
    }

    #[tokio::test]
    async fn what_is_noted_of_older_secrets_says_nothing_of_newer_ones() {
        let bench = Bench::new().await;
        let (ours, _) = bench.claim(1, RefreshToken::OneUse).await.expect("ours");
        let asked = (Some(Duration::from_secs(600)), true);
        let done = give_back(&bench.pool, bench.id, ours, asked).await;
        done.expect("given back");
        let newer = "update leadrail.connection set secret_version = 2";
        sqlx::query(newer)
            .execute(&bench.pool)
            .await
            .expect("newer");
        let (ours, again) = bench.claim(2, RefreshToken::OneUse).await.expect("ours");
        assert!(!again);
        assert_eq!(bench.standing().await.retry_in, None);
        let done = give_back(&bench.pool, bench.id, ours, (None, false)).await;
        done.expect("given back");
        let wait = bench.standing().await.retry_in.expect("a wait");
        assert!(wait <= 1.0, "the first failure of these: {wait}");
    }
}
