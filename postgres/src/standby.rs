//! A second server that follows the first one and can take its place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::server::{PrivateServer, blocking, start_on_a_port};
use crate::supervisor::{Command, Supervisor};

/// How long a standby may take to replay what it has not got yet.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl PrivateServer {
    /// Copies this server, and starts the copy as a standby that streams from it: it answers
    /// questions, takes no writes, and loses what it has not received when it is promoted. A server of
    /// its own in every other way, with settings of its own; the password is the same.
    ///
    /// # Errors
    /// [`Error::Init`] if it cannot be copied, and as [`start`](Self::start).
    pub async fn standby(&self, settings: &[(String, String)]) -> Result<Self> {
        let options = Options {
            settings: settings.to_vec(),
            ..Options::default()
        };
        options.check()?;
        let (original, programs) = (Arc::clone(&self.cluster), self.programs.clone());
        let (port, major) = (self.port, self.major);
        blocking(move || {
            let cluster = Cluster::temporary_like(&original)?;
            let lock = cluster.lock()?;
            let supervisor = Supervisor::spawn(
                &cluster.account,
                &programs,
                &cluster.folder,
                cluster.keep,
                lock,
            )?;
            cluster.write("primary", &port.to_string())?;
            if !supervisor.tell(Command::Copy)? {
                return Err(Error::Init {
                    log: cluster.log_end("supervisor.log"),
                });
            }
            let own_port = start_on_a_port(&options, &cluster, &supervisor)?;
            Ok(Self {
                supervisor,
                cluster: Arc::new(cluster),
                programs,
                port: own_port,
                major,
            })
        })
        .await
    }

    /// Waits until this standby has replayed all that `primary` has committed by now; false if it
    /// takes too long.
    ///
    /// # Errors
    /// [`Error::Database`] if either does not answer.
    pub async fn is_in_step_with(&self, primary: &Self) -> Result<bool> {
        let mut primary = PgConnection::connect(&primary.url("postgres")).await?;
        let mut standby = PgConnection::connect(&self.url("postgres")).await?;
        let at: String = sqlx::query_scalar("select pg_current_wal_lsn()::text")
            .fetch_one(&mut primary)
            .await?;
        let patience = Instant::now() + CATCHES_UP_WITHIN;
        while Instant::now() < patience {
            let there = "select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)";
            let there: bool = sqlx::query_scalar(there)
                .bind(&at)
                .fetch_one(&mut standby)
                .await?;
            if there {
                return Ok(true);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }

    /// From now on this standby receives nothing any more.
    ///
    /// # Errors
    /// [`Error::Database`] if it does not answer.
    pub async fn cut_off(&self) -> Result<()> {
        let mut standby = PgConnection::connect(&self.url("postgres")).await?;
        for order in [
            "alter system set primary_conninfo = ''",
            "select pg_reload_conf()",
        ] {
            sqlx::query(order).execute(&mut standby).await?;
        }
        let receives = "select exists (select from pg_stat_wal_receiver)";
        while sqlx::query_scalar(receives).fetch_one(&mut standby).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Makes this standby take writes.
    ///
    /// # Errors
    /// [`Error::Supervisor`] if the supervisor is gone or the standby cannot be promoted.
    pub async fn promote(&self) -> Result<()> {
        let supervisor = self.supervisor.clone();
        blocking(move || match supervisor.tell(Command::Promote)? {
            true => Ok(()),
            false => Err(Error::Supervisor { command: "promote" }),
        })
        .await
    }
}
