//! Several hosts of one database: which of them takes writes, and a pool that follows it.
//!
//! `postgres://user@h1:5432,h2:5433/name` names a primary and its standbys in any order. All are
//! asked at once; the one that is no standby is used, and of two that both claim to be primary the
//! one with the newer timeline, which is the one that was promoted.
//! Beyond this machine TLS is asked for, unless the URL says otherwise.

mod follow;
mod parse;
mod privacy;

pub use parse::InvalidHosts;
pub use privacy::Privacy;

use crate::store::connect::is_transient;
use crate::store::session;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;

/// A host that does not answer within this is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Once one host takes writes, the others have so long to say that they do too.
const OBJECT_WITHIN: Duration = Duration::from_millis(200);

/// Whether a server takes writes, and on which timeline.
const ROLE: &str = "select case when pg_is_in_recovery() then null
    else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer end";

/// Where a database is: one host, or a primary with its standbys.
#[derive(Clone, Debug)]
pub struct DatabaseHosts {
    all: Arc<[PgConnectOptions]>,
}

/// A host that takes writes.
#[derive(Clone)]
struct Primary {
    options: PgConnectOptions,
    timeline: i32,
}

impl From<PgConnectOptions> for DatabaseHosts {
    fn from(only: PgConnectOptions) -> Self {
        Self::new(vec![only])
    }
}

impl DatabaseHosts {
    /// In this order, with the settings that every session of ours has.
    fn new(all: Vec<PgConnectOptions>) -> Self {
        Self {
            all: all.into_iter().map(session::pinned).collect(),
        }
    }

    /// The same hosts for what a person waits for at a terminal: a statement may take a quarter of an
    /// hour, where otherwise it is ended after a minute.
    #[must_use]
    pub fn patient(&self) -> Self {
        self.with(session::patient)
    }

    /// The same hosts with other settings.
    #[must_use]
    pub fn with(&self, change: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        Self {
            all: self.all.iter().cloned().map(change).collect(),
        }
    }

    /// The first of the list.
    #[must_use]
    pub fn first(&self) -> &PgConnectOptions {
        &self.all[0]
    }

    /// Hosts, ports and the database's name, for people: no user, no password.
    #[must_use]
    pub fn place(&self) -> String {
        let hosts: Vec<_> = self.all.iter().map(address).collect();
        let name = self.first().get_database().unwrap_or("postgres");
        format!("{}/{name}", hosts.join(","))
    }

    /// The host that takes writes now.
    ///
    /// # Errors
    /// None does. A fault that does not pass, such as a wrong password, is answered as it is;
    /// otherwise an I/O error says of each host why not.
    pub async fn writable(&self) -> sqlx::Result<PgConnectOptions> {
        self.primary().await.map(|primary| primary.options)
    }

    /// Opens a pool on the host that takes writes now.
    ///
    /// # Errors
    /// As [`writable`](Self::writable).
    pub async fn connect(&self, options: PgPoolOptions) -> sqlx::Result<PgPool> {
        let primary = self.primary().await?;
        Ok(self.pool_at(options, &primary))
    }

    /// A pool that connects when it is used. One host is taken as it is; of a list it takes the
    /// first until the one that takes writes is known. Needs a tokio runtime.
    #[must_use]
    pub fn pool(&self, options: PgPoolOptions) -> PgPool {
        let first = self.first().clone();
        self.pool_at(
            options,
            &Primary {
                options: first,
                timeline: 0,
            },
        )
    }

    /// A [`pool`](Self::pool) of 16 sessions at most, each of which is durable even if somebody relaxes
    /// the server later. Whoever gets none within five seconds is told so.
    #[must_use]
    pub fn durable_pool(&self) -> PgPool {
        let durable = self.with(|options| options.options([("synchronous_commit", "on")]));
        let options = PgPoolOptions::new().max_connections(16);
        durable.pool(options.acquire_timeout(Duration::from_secs(5)))
    }

    fn pool_at(&self, options: PgPoolOptions, primary: &Primary) -> PgPool {
        match self.all.len() {
            1 => options.connect_lazy_with(primary.options.clone()),
            _ => follow::pool(self, options, primary),
        }
    }

    async fn primary(&self) -> sqlx::Result<Primary> {
        let mut asked: FuturesUnordered<_> = self.all.iter().map(ask).collect();
        let mut best: Option<Primary> = None;
        let mut faults = Vec::new();
        loop {
            let answer = match &best {
                None => asked.next().await,
                Some(_) => tokio::time::timeout(OBJECT_WITHIN, asked.next())
                    .await
                    .unwrap_or_default(),
            };
            match answer {
                Some(Ok(primary)) => {
                    best = best
                        .filter(|best| best.timeline >= primary.timeline)
                        .or(Some(primary));
                }
                Some(Err(fault)) => faults.push(fault),
                None => return best.ok_or_else(|| nobody(faults)),
            }
        }
    }
}

/// Why a host cannot be used.
struct Fault {
    host: String,
    /// None: it is a standby.
    error: Option<sqlx::Error>,
}

async fn ask(options: &PgConnectOptions) -> Result<Primary, Fault> {
    let answer = tokio::time::timeout(ANSWER_WITHIN, async {
        let connected = options.connect().await;
        let mut session = connected.map_err(session::explained)?;
        session::must_be_pinned(&mut session).await?;
        let timeline = timeline(&mut session).await?;
        let _ = session.close().await;
        Ok(timeline)
    });
    let fault = |error| Fault {
        host: address(options),
        error,
    };
    match answer.await {
        Ok(Ok(Some(timeline))) => Ok(Primary {
            options: options.clone(),
            timeline,
        }),
        Ok(Ok(None)) => Err(fault(None)),
        Ok(Err(error)) => Err(fault(Some(error))),
        Err(_) => Err(fault(Some(sqlx::Error::PoolTimedOut))),
    }
}

/// The timeline that this session's server writes; `None` when it is a standby.
pub(crate) async fn timeline(session: &mut PgConnection) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar(ROLE).fetch_one(session).await
}

fn nobody(faults: Vec<Fault>) -> sqlx::Error {
    let (mut words, mut lasting) = (Vec::new(), None);
    for Fault { host, error } in faults {
        match error {
            None => words.push(format!("{host} is a standby")),
            Some(error) => {
                words.push(format!("{host}: {error}"));
                if lasts(&error) {
                    lasting.get_or_insert(error);
                }
            }
        }
    }
    let words = || format!("no host takes writes ({})", words.join("; "));
    lasting.unwrap_or_else(|| sqlx::Error::Io(std::io::Error::other(words())))
}

/// Whether waiting is in vain: a wrong password, a database that does not exist.
fn lasts(error: &sqlx::Error) -> bool {
    if matches!(error, sqlx::Error::Configuration(_) | sqlx::Error::Tls(_)) {
        return true;
    }
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| !is_transient(&code) && code != "55000")
}

fn address(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}
