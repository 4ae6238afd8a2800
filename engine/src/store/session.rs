//! What every session of ours is set to, so that nothing depends on a role, a database or a server.
//!
//! A name without a schema is looked for in PostgreSQL's own only: whoever may create functions
//! somewhere else cannot put them in our way. Texts of dates, intervals and bytes, and what a
//! transaction sees, are as our SQL expects. Nothing waits without end: not for a lock, not for an
//! answer, and no open transaction is left behind by a process that hangs.

use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, Row as _};
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
/// for. Asked without a prepared statement, which a pooler may have handed to somebody else.
pub(crate) async fn must_be_pinned(session: &mut PgConnection) -> sqlx::Result<()> {
    let row = sqlx::raw_sql(ASK).fetch_one(session).await?;
    let (path, isolation): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    match path == PATH && isolation == ISOLATION {
        true => Ok(()),
        false => Err(behind_a_pooler("it drops the settings of a session")),
    }
}

const ASK: &str = "select pg_catalog.current_setting('search_path'),
    pg_catalog.current_setting('default_transaction_isolation')";

/// What a pooler says to a session that asks for settings, and a server that has no TLS, in words that
/// help. Everything else stays as it is.
pub(crate) fn explained(error: sqlx::Error) -> sqlx::Error {
    if let sqlx::Error::Tls(said) = &error {
        return sqlx::Error::Configuration(format!("{said}; {NO_TLS}").into());
    }
    let refused = error.as_database_error();
    let pooler = refused.filter(|it| it.code().is_some_and(|code| code == PROTOCOL_VIOLATION));
    match pooler {
        Some(said) => behind_a_pooler(said.message()),
        None => error,
    }
}

const NO_TLS: &str = "beyond this machine TLS is asked for unless DATABASE_URL says otherwise: give the \
    server a certificate, or say sslmode=disable where the network between is your own";

/// SQLSTATE of PgBouncer's answer to a session with settings. PostgreSQL gives it to nobody who opens one.
const PROTOCOL_VIOLATION: &str = "08P01";

fn behind_a_pooler(said: &str) -> sqlx::Error {
    let why = format!(
        "a connection pooler stands between us and PostgreSQL ({said}); it hands a session of \
         PostgreSQL's from one client to another, and by the end of a session we know that a worker \
         has died: give DATABASE_URL the address of PostgreSQL itself"
    );
    sqlx::Error::Configuration(why.into())
}
