//! `leadrail doctor`: is everything as it must be?

use crate::config::Config;
use crate::database;
use crate::failure::{Said, sentence};
use crate::output;
use chrono::{DateTime, Utc};
use leadrail_connections::{ConnectionFilter, Connections};
use leadrail_engine::{Check, Engine};
use sqlx::{PgConnection, PgPool};
use std::time::{Duration, SystemTime};

/// The oldest PostgreSQL that we run on.
const OLDEST_MAJOR: i32 = 14;
/// Clocks further apart than this make logs and histories hard to read together.
const MAX_SKEW: Duration = Duration::from_secs(5);

/// Checks database, migrations, durability, clocks, vault key and the invariants of every run.
///
/// One line each; exit code 1 if any fails. Changes nothing and may run beside live workers.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail doctor || echo 'look above'")]
pub(crate) struct DoctorArgs {
    /// Prints a JSON array of `{name, ok, detail}`.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &DoctorArgs, config: &Config) -> anyhow::Result<()> {
    let checks = all(config).await?;
    if args.json {
        output::json(&checks)?;
    } else {
        for check in &checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            output::line(format!("{mark}  {:<20}  {}", check.name, check.detail))?;
        }
    }
    match checks.iter().all(|check| check.ok) {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

/// Later checks need what earlier ones found: without a database, or without tables, it ends there.
async fn all(config: &Config) -> anyhow::Result<Vec<Check>> {
    let hosts = database::hosts(config)?;
    let place = hosts.place();
    let mut session = match database::try_once(&hosts).await {
        Ok(session) => session,
        Err(error) => {
            let said = sentence(&error.into());
            let detail =
                format!("{place} cannot be used ({said}); start it, or correct DATABASE_URL");
            return Ok(vec![check("database", Err(detail))]);
        }
    };
    let mut checks = vec![
        check("database", version(&mut session, &place).await),
        check("durability", durability(&mut session).await),
        check("clock_skew", clock_skew(&mut session).await),
    ];
    let pool = database::connect(config).await?;
    let migrations = migrations(&pool).await;
    let ready = migrations.is_ok();
    checks.push(check("migrations", migrations));
    if ready {
        checks.push(check("vault_key", vault_key(config, &pool).await));
        checks.extend(Engine::new(pool).check_invariants().await?);
    }
    Ok(checks)
}

/// What a check found: a good word, or what is wrong and what to do.
type Finding = Result<String, String>;

fn check(name: &'static str, finding: Finding) -> Check {
    let ok = finding.is_ok();
    let (Ok(detail) | Err(detail)) = finding;
    Check { name, ok, detail }
}

fn unread(error: impl std::error::Error + Send + Sync + 'static) -> String {
    format!("it could not be checked: {}", sentence(&error.into()))
}

async fn version(session: &mut PgConnection, place: &str) -> Finding {
    let number = sqlx::query_scalar!(
        r#"select current_setting('server_version_num')::integer as "number!""#
    )
    .fetch_one(session)
    .await
    .map_err(unread)?;
    let major = number / 10_000;
    match major >= OLDEST_MAJOR {
        true => Ok(format!("PostgreSQL {major} at {place}")),
        false => Err(format!(
            "PostgreSQL {major} is too old; use {OLDEST_MAJOR} or newer"
        )),
    }
}

async fn durability(session: &mut PgConnection) -> Finding {
    match database::forgetful_setting(session).await.map_err(unread)? {
        None => Ok("synchronous_commit and fsync are on".to_owned()),
        Some(setting) => Err(format!(
            "{setting} is off, so accepted leads may be forgotten; set it on in postgresql.conf and reload"
        )),
    }
}

/// The database's clock against ours, half of the round trip allowed for.
async fn clock_skew(session: &mut PgConnection) -> Finding {
    let before = own_clock();
    let theirs = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
        .fetch_one(session)
        .await
        .map_err(unread)?;
    let ours = before + (own_clock() - before) / 2;
    let skew = (theirs - ours).abs().to_std().unwrap_or_default();
    let text = format!(
        "this machine and the database are {:.3} s apart",
        skew.as_secs_f64()
    );
    match skew <= MAX_SKEW {
        true => Ok(text),
        false => Err(format!("{text}; set both clocks by NTP")),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that compares this machine's clock with the database's"
)]
fn own_clock() -> DateTime<Utc> {
    SystemTime::now().into()
}

async fn migrations(pool: &PgPool) -> Finding {
    let pending = leadrail_connections::pending(pool).await.map_err(unread)?;
    match pending.first() {
        None => Ok("all are applied".to_owned()),
        Some(first) => Err(format!(
            "{} are missing, the first is `{first}`; run `leadrail migrate`",
            pending.len()
        )),
    }
}

/// Opens every stored connection, for a key may match and a row be damaged all the same.
async fn vault_key(config: &Config, pool: &PgPool) -> Finding {
    let stored = sqlx::query_scalar!(r#"select count(*) as "count!" from leadrail.connection"#)
        .fetch_one(pool)
        .await
        .map_err(unread)?;
    let key = config.vault_key().map_err(|error| sentence(&error))?;
    let key = match (key, stored) {
        (Some(key), _) => key,
        (None, 0) => {
            return Ok("no connection is stored, and no vault key is configured yet".to_owned());
        }
        (None, stored) => {
            return Err(format!(
                "{stored} connections are stored and no vault key is configured; set LEADRAIL_VAULT_KEY or LEADRAIL_VAULT_KEY_FILE"
            ));
        }
    };
    let name = key.id();
    let connections = Connections::new(pool.clone(), key);
    for connection in connections
        .list(&ConnectionFilter::default())
        .await
        .map_err(unread)?
    {
        let opened = connections.open(connection.id).await;
        opened.map_err(|error| {
            format!(
                "{}; start with the key it was sealed with, or add it again",
                sentence(&error.into())
            )
        })?;
    }
    Ok(format!("{name} opens all {stored} connections"))
}
