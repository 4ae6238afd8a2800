//! What we ask of any server, private, in a container or given: databases and signs of life.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// SQLSTATE `duplicate_database` (PostgreSQL documentation, appendix A).
const DUPLICATE_DATABASE: &str = "42P04";

/// Creates the database `name` unless it is there.
pub(crate) async fn create(admin_url: &str, name: &str) -> sqlx::Result<()> {
    let mut server = PgConnection::connect(admin_url).await?;
    let created = server
        .execute(AssertSqlSafe(format!(
            "create database {}",
            identifier(name)
        )))
        .await;
    let _ = server.close().await;
    match created {
        Err(sqlx::Error::Database(refused))
            if refused.code().as_deref() == Some(DUPLICATE_DATABASE) =>
        {
            Ok(())
        }
        other => other.map(drop),
    }
}

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

/// A quoted identifier: any name stays a name.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as one path segment of a URL.
pub(crate) fn url_segment(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_a_name() {
        assert_eq!(
            identifier(r#"x"; drop database "y"#),
            r#""x""; drop database ""y""#
        );
        assert_eq!(url_segment("a/b?c d"), "a%2Fb%3Fc%20d");
        assert_eq!(url_segment("leadrail_1"), "leadrail_1");
    }
}
