//! Connections of the engine's own: made patiently, durable by force.

use backon::{BackoffBuilder, ExponentialBuilder};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Makes connections that stay outside every pool.
#[derive(Clone)]
pub(crate) struct Connector {
    options: PgConnectOptions,
}

impl Connector {
    /// From the pool's own options. `synchronous_commit` is forced on: the engine acts outside on
    /// the strength of its commits.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        let options = options
            .application_name("leadrail-engine")
            .options([("synchronous_commit", "on")])
            .disable_statement_logging();
        Self { options }
    }

    /// One try.
    pub(crate) async fn connect(&self) -> sqlx::Result<PgConnection> {
        let connecting = PgConnection::connect_with(&self.options);
        let mut connection = tokio::time::timeout(Duration::from_secs(5), connecting)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        // A standby answers, but takes no writes.
        let standby = sqlx::query_scalar!(r#"select pg_is_in_recovery() as "standby!""#)
            .fetch_one(&mut connection)
            .await?;
        if standby {
            return Err(sqlx::Error::PoolClosed);
        }
        Ok(connection)
    }

    /// Tries until it works or `given_up` is cancelled.
    pub(crate) async fn connect_patiently(
        &self,
        given_up: &CancellationToken,
    ) -> Option<PgConnection> {
        let mut waits = backoff();
        loop {
            let error = tokio::select! {
                biased;
                () = given_up.cancelled() => return None,
                connected = self.connect() => match connected {
                    Ok(connection) => return Some(connection),
                    Err(error) => error,
                },
            };
            let wait = waits.next().unwrap_or(Duration::from_secs(1));
            tracing::debug!(error = %error, "PostgreSQL is not there, trying again");
            tokio::select! {
                () = given_up.cancelled() => return None,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

/// 50 ms, doubling up to a second, jittered, without end.
pub(crate) fn backoff() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .build()
}

/// SQLSTATEs after which the same statement may work: connection trouble, shutdown, serialization,
/// deadlock, no resources, a standby.
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(&code[..2.min(code.len())], "08" | "40" | "53" | "57" | "58")
        || matches!(code, "55P03" | "25006")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trouble_that_passes_is_tried_again() {
        for code in [
            "08006", "40001", "40P01", "53100", "57P01", "57P03", "25006",
        ] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["22021", "23505", "42883", "LR002", "LR003", ""] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
