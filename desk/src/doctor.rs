//! Is everything as it must be?

use crate::desk::Desk;
use crate::error::{DeskResult, sentence};
use crate::migrate::newer_than_us;
use chrono::{DateTime, Utc};
use leadrail_connections::{ConnectionFilter, ConnectionState, Connections, Vault};
use leadrail_engine::{Check, DatabaseHosts, Privacy, Workflow as _, refuses_writes};
use leadrail_workflows::PushLead;
use sqlx::PgConnection;
use std::error::Error;
use std::time::{Duration, SystemTime};

/// The oldest PostgreSQL that we run on.
const OLDEST_MAJOR: i32 = 14;
/// Clocks further apart than this make logs and histories hard to read together.
const MAX_SKEW: Duration = Duration::from_secs(5);
/// How many of the newest leads are checked for their rows.
const LEADS_CHECKED: i64 = 10_000;

/// What a check found: a good word, or what is wrong and what to do.
type Finding = Result<String, String>;

/// The only check that can be made where no session could be opened.
#[must_use]
pub fn unreachable(place: &str, error: &sqlx::Error) -> Check {
    let said = sentence(error);
    let detail = format!("{place} cannot be used ({said}); start it, or correct DATABASE_URL");
    check("database", Err(detail))
}

/// Checks the server at `place` through a plain session: its version, whether it takes writes and keeps
/// what it commits, and its clock against ours.
pub async fn check_server(session: &mut PgConnection, place: &str) -> Vec<Check> {
    vec![
        check("database", version(session, place).await),
        check("writable", writable(session).await),
        check("durability", durability(session).await),
        check("clock_skew", clock_skew(session).await),
    ]
}

/// Who can read what is sent to the database. What somebody has written into the URL is not at fault.
#[must_use]
pub fn check_privacy(hosts: &DatabaseHosts) -> Check {
    let says = match hosts.privacy() {
        Privacy::ThisMachine => "the database is on this machine",
        Privacy::Checked => "encrypted, and the server's certificate is checked",
        Privacy::Unchecked => {
            "encrypted, but nobody checks that it is the right server; sslmode=verify-full in \
             DATABASE_URL does"
        }
        Privacy::Open => {
            "DATABASE_URL lets the way to the database be plain: whoever is on it can read leads; \
             sslmode=verify-full encrypts it"
        }
    };
    check("privacy", Ok(says.to_owned()))
}

/// The setting that lets the server forget a commit, as this session got it: `synchronous_commit` or
/// `fsync`. None where commits are kept.
///
/// # Errors
/// When the database cannot be read.
pub async fn forgetful_setting(session: &mut PgConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"
        select name as "name!" from pg_settings
        where name in ('synchronous_commit', 'fsync') and setting = 'off'
        order by name
        limit 1
        "#
    )
    .fetch_optional(session)
    .await
}

impl Desk {
    /// Checks the migrations and, where they are all applied, whether `key` opens every connection, and
    /// the invariants of every run. `key` may be none, or the reason why it cannot be read. Changes
    /// nothing and may run beside live workers.
    ///
    /// # Errors
    /// When the invariants cannot be read. What is found is not an error but the result.
    pub async fn doctor(&self, key: Result<Option<Vault>, String>) -> DeskResult<Vec<Check>> {
        let migrations = self.migrations().await;
        let ready = migrations.is_ok();
        let mut checks = vec![check("migrations", migrations)];
        if ready {
            checks.push(check("vault_key", self.vault_key(key).await));
            checks.push(check("connections", self.refused_connections().await));
            checks.extend(self.engine().check_invariants().await?);
            checks.push(check("old_transactions", self.old_transactions().await));
            checks.push(check("lead_rows", self.lead_rows().await));
            checks.push(check("wall", self.wall().await));
        }
        Ok(checks)
    }

    async fn migrations(&self) -> Finding {
        let pending = self.pending_migrations().await.map_err(unread)?;
        let newer = self.newer_migrations().await.map_err(unread)?;
        match pending.first() {
            None => Ok(newer_than_us(&newer).unwrap_or("all are applied".to_owned())),
            Some(first) => Err(format!(
                "{} are missing, the first is `{first}`; run `leadrail migrate`",
                pending.len()
            )),
        }
    }

    /// Which connections wait for somebody. That is said and no fault of the installation: a contractor
    /// who takes a key back must not stop a deploy.
    async fn refused_connections(&self) -> Finding {
        let refused = ConnectionFilter {
            state: Some(ConnectionState::NeedsReauth),
            ..ConnectionFilter::default()
        };
        let refused = self.list_connections(&refused).await.map_err(unread)?;
        let Some(first) = refused.first() else {
            return Ok("none waits to be connected again".to_owned());
        };
        let (count, id, crm) = (refused.len(), first.id, &first.crm);
        Ok(format!(
            "{count} must be connected again, the first is {id} ({crm}); their leads wait: \
             `leadrail connection list --state needs_reauth` shows them"
        ))
    }

    async fn old_transactions(&self) -> Finding {
        self.transaction_age().await.map_err(unread)?.judge()
    }

    /// The newest leads have a run and a row each, and the catch-all holds none that should have a
    /// partition of its own. One statement, so it sees one moment.
    async fn lead_rows(&self) -> Finding {
        let row = sqlx::query!(
            r#"
            with edge as (
                select leadrail.uuid_v7_floor(greatest(dropped_until, timestamptz 'epoch')) as id
                from leadrail.retention
            )
            select (
                       select min(r.id::text)
                       from (
                           select id, workflow from leadrail.workflow_run order by id desc limit $1
                       ) r
                       where r.workflow = $2
                         and not exists (select from leadrail.lead l where l.run_id = r.id)
                   ) as rowless,
                   (
                       select min(l.run_id::text)
                       from (select run_id from leadrail.lead order by run_id desc limit $1) l, edge
                       where l.run_id >= edge.id
                         and not exists (select from leadrail.run r where r.id = l.run_id)
                   ) as runless,
                   exists (
                       select from leadrail.lead_default l, edge where l.run_id >= edge.id
                   ) as "overflow!"
            "#,
            LEADS_CHECKED,
            PushLead::NAME
        )
        .fetch_one(self.engine().pool())
        .await
        .map_err(unread)?;
        match (row.rowless, row.runless, row.overflow) {
            (Some(run), _, _) => Err(format!(
                "run {run} files a lead and has no row in leadrail.lead, so no list shows it; \
                 enqueue leads through the API or leadrail.enqueue_lead only"
            )),
            (None, Some(run), _) => Err(format!(
                "leadrail.lead has a row for run {run}, which is not there; restore what deleted it"
            )),
            (None, None, true) => Err(
                "leadrail.lead_default holds rows, whose partitions were not there in time; \
                 move them into partitions of their own"
                    .to_owned(),
            ),
            (None, None, false) => Ok(format!(
                "the newest {LEADS_CHECKED} leads have a run and a row each"
            )),
        }
    }

    /// Opens every connection that is not switched off, for a key may match and a row be damaged all
    /// the same.
    async fn vault_key(&self, key: Result<Option<Vault>, String>) -> Finding {
        let pool = self.engine().pool();
        let stored = sqlx::query_scalar!(
            r#"select count(*) as "count!" from leadrail.connection where state <> 'disabled'"#
        )
        .fetch_one(pool)
        .await
        .map_err(unread)?;
        let Some(key) = key? else {
            return unneeded(stored);
        };
        let name = key.id();
        let connections = Connections::new(pool.clone(), key);
        let every = ConnectionFilter::default();
        let listed = connections.list(&every).await.map_err(unread)?;
        let in_use = |state| state != ConnectionState::Disabled;
        for connection in listed.iter().filter(|listed| in_use(listed.state)) {
            let opened = connections.open(connection.id).await;
            opened.map_err(|error| {
                let said = sentence(&error);
                format!("{said}; start with the key it was sealed with, keep that as vault_old_key, or add it again")
            })?;
        }
        let ours = connections.check_vault_key().await;
        ours.map_err(|error| {
            format!(
                "{}; `leadrail provider set` gives it anew",
                sentence(&error)
            )
        })?;
        Ok(format!("{name} opens all {stored} connections"))
    }
}

/// Without a key all is well as long as nothing is sealed.
fn unneeded(stored: i64) -> Finding {
    match stored {
        0 => Ok("no connection is stored, and no vault key is configured yet".to_owned()),
        stored => Err(format!(
            "{stored} connections are stored and no vault key is configured; set LEADRAIL_VAULT_KEY or LEADRAIL_VAULT_KEY_FILE"
        )),
    }
}

fn check(name: &'static str, finding: Finding) -> Check {
    let ok = finding.is_ok();
    let (Ok(detail) | Err(detail)) = finding;
    Check { name, ok, detail }
}

fn unread(error: impl Error + 'static) -> String {
    format!("it could not be checked: {}", sentence(&error))
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

async fn writable(session: &mut PgConnection) -> Finding {
    match refuses_writes(session).await.map_err(unread)? {
        None => Ok("the database takes writes".to_owned()),
        Some(why) => Err(why.to_owned()),
    }
}

async fn durability(session: &mut PgConnection) -> Finding {
    match forgetful_setting(session).await.map_err(unread)? {
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
