//! The way to the database, and whether it may be trusted with leads.

use crate::config::Config;
use crate::failure::{sentence, told, usage};
use anyhow::Context as _;
use leadrail_connections::Vault;
use leadrail_desk::Desk;
use leadrail_engine::{DatabaseHosts, Engine, Sees, refuses_writes};
use leadrail_outbound::Outbound;
use secrecy::ExposeSecret as _;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A database that does not answer within this is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The longest that a provider takes to renew tokens, and that writing them down takes.
const SETTLED_WITHIN: Duration = Duration::from_secs(45);
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

/// A pool on a database that must be there now, for a person who waits.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<PgPool> {
    let hosts = hosts(config)?.patient();
    try_once(&hosts).await.with_context(|| away(&hosts))?;
    Ok(hosts.durable_pool())
}

/// A desk on a database that has the product's tables, without a vault key.
pub(crate) async fn desk(config: &Config) -> anyhow::Result<Desk> {
    let desk = on(connect(config).await?, config);
    refuse_closed(&desk).await?;
    Ok(desk)
}

/// The same, with the vault key.
pub(crate) async fn desk_with_vault(config: &Config) -> anyhow::Result<Desk> {
    let vault = config.need_vault()?;
    with_vault(desk(config).await?, vault, config)
}

/// A desk on this pool, without a vault key.
pub(crate) fn on(pool: PgPool, config: &Config) -> Desk {
    let desk = Desk::new(Engine::new(pool), config.worker.schedule.clone());
    desk.with_public_url(config.public_url())
        .with_call_timeout(config.call_timeout)
}

/// Waits until no tokens are on their way to this process: they would be lost with it.
pub(crate) async fn settled(desk: &Desk) {
    let Ok(doors) = desk.doors() else { return };
    if timeout(SETTLED_WITHIN, doors.settled()).await.is_err() {
        tracing::error!("The process ends while tokens of a connection are on their way");
    }
}

fn with_vault(desk: Desk, vault: Vault, config: &Config) -> anyhow::Result<Desk> {
    let http = Outbound::new(config.guard.clone()).context("no CRM can be called")?;
    Ok(desk
        .with_vault(vault, http)
        .with_links(config.links.clone()))
}

/// A desk for a service, with the vault key: waits for a database that is away, refuses one that is not migrated or
/// forgets commits, and a vault key that is not its own. `None` when asked to stop before it was there.
pub(crate) async fn desk_for_service(
    config: &Config,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Desk>> {
    // Said before the database is waited for, if it is wrong already.
    config.need_vault()?;
    let hosts = hosts(config)?;
    let mut said = None::<Instant>;
    loop {
        let error = match ready(&hosts, config).await {
            Ok(desk) => return Ok(Some(desk)),
            Err(error) => error,
        };
        if !error.is::<Refuses>() && !error.downcast_ref().is_some_and(passes_by_itself) {
            return Err(error);
        }
        if said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
            said = Some(Instant::now());
            tracing::warn!("{}; waiting for it: {}", away(&hosts), sentence(&error));
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// The database takes no writes, which somebody may set right meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refuses(&'static str);

async fn ready(hosts: &DatabaseHosts, config: &Config) -> anyhow::Result<Desk> {
    let mut connection = try_once(hosts).await?;
    if let Some(why) = refuses_writes(&mut connection).await? {
        return Err(Refuses(why).into());
    }
    let forgets = leadrail_desk::forgetful_setting(&mut connection).await?;
    let _ = connection.close().await;
    if let Some(setting) = forgets {
        anyhow::bail!(
            "the database runs with {setting} = off and may forget leads that were accepted: set \
             {setting} = on in postgresql.conf (or for the database and the user) and reload it"
        );
    }
    let pool = hosts.durable_pool();
    let desk = with_vault(on(pool.clone(), config), config.need_vault()?, config)?;
    match refuse_unfit(&desk.seeing(Sees::All)).await {
        Ok(()) => Ok(desk),
        Err(refused) => {
            pool.close().await;
            Err(refused)
        }
    }
}

async fn refuse_unfit(desk: &Desk) -> anyhow::Result<()> {
    refuse_closed(desk).await?;
    desk.check_vault_key().await.map_err(told)
}

/// A plain session where writes are taken, with the settings that the server gives to anyone.
pub(crate) async fn try_once(hosts: &DatabaseHosts) -> sqlx::Result<PgConnection> {
    let connecting = timeout(CONNECT_WITHIN, async {
        hosts.writable().await?.connect().await
    });
    connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

async fn refuse_closed(desk: &Desk) -> anyhow::Result<()> {
    match desk.closed_because().await.map_err(told)? {
        Some(why) => anyhow::bail!(why),
        None => Ok(()),
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
