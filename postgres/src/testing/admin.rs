//! What tests ask of a server: which databases there are, to drop one, a sign of life.

use crate::database::identifier;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::time::{Duration, Instant};

/// Drops the database `name` with all connections to it; without it, does nothing.
pub(crate) async fn drop_database(admin_url: &str, name: &str) -> sqlx::Result<()> {
    let mut server = PgConnection::connect(admin_url).await?;
    let dropped = server
        .execute(AssertSqlSafe(format!(
            "drop database if exists {} with (force)",
            identifier(name)
        )))
        .await;
    let _ = server.close().await;
    dropped.map(drop)
}

/// The names of all databases that begin with `prefix`.
pub(crate) async fn names(admin_url: &str, prefix: &str) -> sqlx::Result<Vec<String>> {
    let mut server = PgConnection::connect(admin_url).await?;
    let found = sqlx::query_scalar(
        "select datname::text from pg_database where starts_with(datname::text, $1)",
    )
    .bind(prefix)
    .fetch_all(&mut server)
    .await;
    let _ = server.close().await;
    found
}

/// Waits until the server takes a connection and answers, or `patience` has run out.
pub(crate) async fn wait_until_ready(url: &str, patience: Duration) -> sqlx::Result<()> {
    let end = Instant::now() + patience;
    loop {
        match answers(url).await {
            Ok(()) => return Ok(()),
            Err(refused) if Instant::now() > end => return Err(refused),
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}

async fn answers(url: &str) -> sqlx::Result<()> {
    let mut server = PgConnection::connect(url).await?;
    server.ping().await?;
    server.close().await
}
