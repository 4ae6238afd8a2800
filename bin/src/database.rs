//! The way to the database, and whether it may be trusted with leads.

use crate::config::Config;
use crate::failure::usage;
use anyhow::Context as _;
use leadrail_connections::MigrateError;
use leadrail_engine::DatabaseHosts;
use secrecy::ExposeSecret as _;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A database that does not answer within this is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The pause between two looks for a database that is away, and between two words about it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Where the database is, as configured: one host, or a list of which one takes writes.
pub(crate) fn hosts(config: &Config) -> anyhow::Result<DatabaseHosts> {
    let url = config.database_url.as_ref().ok_or_else(|| {
        usage("no database is configured: set DATABASE_URL, such as postgres://leadrail@localhost/leadrail")
    })?;
    let hosts = url.expose_secret().parse::<DatabaseHosts>();
    let hosts = hosts.map_err(|fault| usage(format!("the database URL is not valid: {fault}")))?;
    Ok(hosts.with(|options| options.application_name("leadrail")))
}

/// A pool on a database that must be there now.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<PgPool> {
    let hosts = hosts(config)?;
    try_once(&hosts).await.with_context(|| away(&hosts))?;
    Ok(hosts.durable_pool())
}

/// A pool on a database that has the product's tables.
pub(crate) async fn connect_migrated(config: &Config) -> anyhow::Result<PgPool> {
    let pool = connect(config).await?;
    refuse_pending(&pool).await?;
    Ok(pool)
}

/// A pool for a service: waits for a database that is away, refuses one that is not migrated or
/// forgets commits. `None` when asked to stop before it was there.
pub(crate) async fn connect_for_service(
    config: &Config,
    stop: &CancellationToken,
) -> anyhow::Result<Option<PgPool>> {
    let hosts = hosts(config)?;
    let mut said = None::<Instant>;
    loop {
        let error = match ready(&hosts).await {
            Ok(()) => return Ok(Some(hosts.durable_pool())),
            Err(error) => error,
        };
        if !error.downcast_ref().is_some_and(passes_by_itself) {
            return Err(error);
        }
        if said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
            said = Some(Instant::now());
            tracing::warn!("{}; waiting for it", away(&hosts));
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn ready(hosts: &DatabaseHosts) -> anyhow::Result<()> {
    let mut connection = try_once(hosts).await?;
    let forgets = forgetful_setting(&mut connection).await?;
    let _ = connection.close().await;
    if let Some(setting) = forgets {
        anyhow::bail!(
            "the database runs with {setting} = off and may forget leads that were accepted: set \
             {setting} = on in postgresql.conf (or for the database and the user) and reload it"
        );
    }
    let pool = hosts.durable_pool();
    let refused = refuse_pending(&pool).await;
    pool.close().await;
    refused
}

/// The setting that lets the server forget a commit, as a session of our user gets it.
pub(crate) async fn forgetful_setting(
    connection: &mut PgConnection,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"
        select name as "name!" from pg_settings
        where name in ('synchronous_commit', 'fsync') and setting = 'off'
        order by name
        limit 1
        "#
    )
    .fetch_optional(connection)
    .await
}

/// A plain session where writes are taken, with the settings that the server gives to anyone.
pub(crate) async fn try_once(hosts: &DatabaseHosts) -> sqlx::Result<PgConnection> {
    let connecting = tokio::time::timeout(CONNECT_WITHIN, async {
        hosts.writable().await?.connect().await
    });
    connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

async fn refuse_pending(pool: &PgPool) -> anyhow::Result<()> {
    let pending = leadrail_connections::pending(pool).await;
    let pending = pending.map_err(unwrap_migration)?;
    let Some(first) = pending.first() else {
        return Ok(());
    };
    anyhow::bail!(
        "the database lacks {} of our migrations, the first is `{first}`: run `leadrail migrate`",
        pending.len()
    )
}

/// A database error in the shape of itself, so that it is known whether it passes.
pub(crate) fn unwrap_migration(error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::Database(error) => error.into(),
        other => anyhow::Error::new(other).context(
            "the database was migrated by another release; run the release that did, or a newer one",
        ),
    }
}

/// Whether waiting helps: not against a wrong password or a database that does not exist.
fn passes_by_itself(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(refused) => refused.code().is_some_and(|code| {
            matches!(code.get(..2), Some("08" | "53" | "57" | "58")) || code == "55000"
        }),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

fn away(hosts: &DatabaseHosts) -> String {
    format!(
        "the database at {} cannot be used; start it, or correct DATABASE_URL",
        hosts.place()
    )
}
