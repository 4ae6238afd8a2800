//! What every session of ours is set to, so that nothing depends on a role, a database or a server.
//!
//! A name without a schema is looked for in PostgreSQL's own only: whoever may create functions
//! somewhere else cannot put them in our way. Texts of dates, intervals and bytes, and what a
//! transaction sees, are as our SQL expects. Nothing waits without end: not for a lock, not for an
//! answer, and no open transaction is left behind by a process that hangs.

use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

/// The driver itself sets `DateStyle`, `TimeZone`, `client_encoding` and `extra_float_digits`.
const SETTINGS: [(&str, &str); 10] = [
    ("search_path", PATH),
    ("default_transaction_isolation", ISOLATION),
    ("IntervalStyle", "postgres"),
    ("standard_conforming_strings", "on"),
    ("bytea_output", "hex"),
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("lock_timeout", "5s"),
    ("statement_timeout", "60s"),
    ("idle_in_transaction_session_timeout", "60s"),
];
const PATH: &str = "pg_catalog,pg_temp";
const ISOLATION: &str = "read committed";

/// The same server with our settings; they win over those that the URL asks for.
pub(crate) fn pinned(options: PgConnectOptions) -> PgConnectOptions {
    options.options(SETTINGS)
}

/// Settings for what a person waits for at a terminal, or may take long: a statement may take a quarter
/// of an hour.
pub(crate) fn patient(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("statement_timeout", "15min")])
}

/// Settings for a worker's own sessions. Whoever meets a lock tries again and lets others go first; what
/// takes as long as its lease is not worth ending in order.
pub(crate) fn hasty(options: PgConnectOptions, lease: Duration) -> PgConnectOptions {
    let lock = (lease / 60).max(Duration::from_millis(100));
    let statement = lease.max(Duration::from_secs(5));
    options.options([
        ("lock_timeout", format!("{}ms", lock.as_millis())),
        ("statement_timeout", format!("{}ms", statement.as_millis())),
    ])
}

/// Refuses a session that did not get our settings, as through a pooler that drops what a session asks
/// for: it would also hand one session's listening and prepared statements to another.
pub(crate) async fn must_be_pinned(session: &mut PgConnection) -> sqlx::Result<()> {
    let pinned = sqlx::query_scalar!(
        r#"
        select pg_catalog.current_setting('search_path') = $1
               and pg_catalog.current_setting('default_transaction_isolation') = $2 as "pinned!"
        "#,
        PATH,
        ISOLATION
    )
    .fetch_one(session)
    .await?;
    match pinned {
        true => Ok(()),
        false => Err(sqlx::Error::Configuration(DROPPED.into())),
    }
}

const DROPPED: &str = "something between us and PostgreSQL drops the settings of a session, as a \
    transaction pooler does; give DATABASE_URL the address of PostgreSQL itself";
