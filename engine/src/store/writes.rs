//! Whether a database takes writes, and why not.

use sqlx::PgExecutor;

const STANDBY: &str = "it is a standby, which takes no writes: name its primary in DATABASE_URL, alone \
    or beside it";

const READ_ONLY: &str = "default_transaction_read_only is on, so nothing can be written: set it off for \
    the server, the database and our role";

/// Why nothing can be written in this session, as a sentence; `None` where it can.
///
/// # Errors
/// When the database cannot be read.
pub async fn refuses_writes(db: impl PgExecutor<'_>) -> sqlx::Result<Option<&'static str>> {
    let is = sqlx::query!(
        r#"
        select pg_is_in_recovery() as "standby!",
               current_setting('transaction_read_only') = 'on' as "read_only!"
        "#
    )
    .fetch_one(db)
    .await?;
    Ok(match (is.standby, is.read_only) {
        (true, _) => Some(STANDBY),
        (false, true) => Some(READ_ONLY),
        (false, false) => None,
    })
}
