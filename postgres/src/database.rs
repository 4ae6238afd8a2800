//! What we ask of any server, private, in a container or given: databases by name.

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

/// A quoted identifier: any name stays a name.
pub(crate) fn identifier(name: &str) -> String {
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
