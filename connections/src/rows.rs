//! The SQL of `leadrail.connection`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    BaseUrl, Connection, ConnectionError, ConnectionFilter, ConnectionId, ConnectionResult,
    ConnectionSettings, ConnectionState,
    vault::{Envelope, Place},
};

/// A connection with its credential still sealed.
pub(crate) struct StoredConnection {
    pub(crate) connection: Connection,
    pub(crate) envelope: Envelope,
}

/// What a connection's secret is sealed for: the row, where it is sent, how, and which of the
/// row's secrets it is.
pub(crate) struct Sealing<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) account: &'a str,
    pub(crate) crm: &'a str,
    pub(crate) base_url: Option<&'a BaseUrl>,
    pub(crate) auth_method: &'a str,
    pub(crate) secret_version: i32,
}

impl<'a> Sealing<'a> {
    /// As the row says today.
    pub(crate) fn of(connection: &'a Connection) -> Self {
        Self {
            id: connection.id,
            account: &connection.account,
            crm: &connection.crm,
            base_url: connection.base_url.as_ref(),
            auth_method: &connection.auth_method,
            secret_version: connection.secret_version,
        }
    }

    /// Hands the place to whoever seals or opens. Without an address of its own the secret goes to
    /// the CRM's, so the CRM is one of the terms.
    pub(crate) fn place<T>(&self, with: impl FnOnce(Place<'_>) -> T) -> T {
        let version = self.secret_version.to_string();
        let address = self.base_url.map_or("", BaseUrl::as_str);
        with(Place {
            table: "connection",
            account: self.account,
            row: self.id.0,
            field: "secret",
            terms: &[self.crm, address, self.auth_method, &version],
        })
    }
}

struct Row {
    id: Uuid,
    account: String,
    crm: String,
    crm_account_id: Option<String>,
    base_url: Option<String>,
    auth_method: String,
    vault_key_id: String,
    sealed_data_key: Vec<u8>,
    sealed_secret: Vec<u8>,
    secret_version: i32,
    settings: Value,
    state: ConnectionState,
    state_reason: Option<String>,
    state_changed_at: DateTime<Utc>,
    last_verified_at: Option<DateTime<Utc>>,
    verified_name: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    revision: i32,
}

/// Selects whole rows; the rest of the statement and its arguments follow.
macro_rules! select_rows {
    ($rest:literal, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"
            select
                id, account, crm, crm_account_id, base_url, auth_method,
                vault_key_id, sealed_data_key, sealed_secret, secret_version,
                settings, state as "state: ConnectionState", state_reason, state_changed_at,
                last_verified_at, verified_name, created_at, updated_at, revision
            from leadrail.connection
            "# + $rest,
            $($argument),*
        )
    };
}

// Below the macro, which it uses.
mod probes;
mod put;
mod sealed;
mod states;

pub use probes::ProbeDue;
pub(crate) use probes::{due_for_probe, first_probe, put_off_probes};
pub(crate) use put::{Present, change, insert_pending, present, upsert};
pub(crate) use sealed::{reseal, sealed_otherwise, sealed_under, sealed_with};
pub(crate) use states::{Transition, close, lift, mark_needs_reauth, mark_verified};

impl TryFrom<Row> for StoredConnection {
    type Error = ConnectionError;

    fn try_from(row: Row) -> ConnectionResult<Self> {
        let id = ConnectionId(row.id);
        let damaged = |column| ConnectionError::Damaged { id, column };
        let base_url = row.base_url.as_deref().map(BaseUrl::parse).transpose();
        let settings = serde_json::from_value::<ConnectionSettings>(row.settings);
        let connection = Connection {
            id,
            account: row.account,
            crm: row.crm,
            crm_account_id: row.crm_account_id,
            // Judged again: a row edited by hand must not send the credential elsewhere.
            base_url: base_url.map_err(|_| damaged("base_url"))?,
            auth_method: row.auth_method,
            secret_version: row.secret_version,
            settings: settings.map_err(|_| damaged("settings"))?,
            state: row.state,
            state_reason: row.state_reason,
            state_changed_at: row.state_changed_at,
            last_verified_at: row.last_verified_at,
            verified_name: row.verified_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            revision: row.revision,
        };
        let envelope = Envelope {
            vault_key_id: row.vault_key_id,
            sealed_data_key: row.sealed_data_key,
            sealed_secret: row.sealed_secret,
        };
        Ok(Self {
            connection,
            envelope,
        })
    }
}

/// The connection with this id.
pub(crate) async fn by_id(
    db: impl PgExecutor<'_>,
    id: ConnectionId,
) -> ConnectionResult<Option<StoredConnection>> {
    let row = select_rows!("where id = $1", id.0)
        .fetch_optional(db)
        .await?;
    row.map(StoredConnection::try_from).transpose()
}

/// Whether there was one to delete.
pub(crate) async fn delete(db: impl PgExecutor<'_>, id: ConnectionId) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from leadrail.connection where id = $1", id.0);
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// The connections a lead may mean: at most two, the better first, which is enough to choose.
pub(crate) async fn for_lead(
    db: impl PgExecutor<'_>,
    account: &str,
    crm: &str,
    crm_account_id: Option<&str>,
) -> ConnectionResult<Vec<StoredConnection>> {
    let rows = select_rows!(
        r#"
        where account = $1 and crm = $2
        order by crm_account_id is distinct from $3,
                 case state when 'disabled' then 2 when 'pending' then 1 else 0 end,
                 crm_account_id is not null, id
        limit 3
        "#,
        account,
        crm,
        crm_account_id,
    );
    let rows = rows.fetch_all(db).await?;
    rows.into_iter().map(StoredConnection::try_from).collect()
}

/// The connections that pass the filter, by account, CRM and CRM account.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    filter: &ConnectionFilter,
) -> ConnectionResult<Vec<Connection>> {
    let rows = select_rows!(
        r#"
        where ($1::text is null or account = $1)
            and ($2::text is null or crm = $2)
            and ($3::leadrail.connection_state is null or state = $3)
        order by account, crm, coalesce(crm_account_id, ''), id
        "#,
        filter.account.as_deref(),
        filter.crm.as_deref(),
        filter.state as Option<ConnectionState>,
    );
    let rows = rows.fetch_all(db).await?;
    let stored = rows.into_iter().map(StoredConnection::try_from);
    stored.map(|stored| Ok(stored?.connection)).collect()
}

/// How many connections of a CRM are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionCount {
    /// The CRM.
    pub crm: String,
    /// The state.
    pub state: ConnectionState,
    /// How many.
    pub count: i64,
}

/// How many connections each CRM has in each state that some are in.
pub(crate) async fn counts(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<ConnectionCount>> {
    sqlx::query_as!(
        ConnectionCount,
        r#"
        select crm, state as "state: ConnectionState", count(*) as "count!"
        from leadrail.connection
        group by crm, state
        order by crm, state
        "#
    )
    .fetch_all(db)
    .await
}

#[cfg(test)]
impl StoredConnection {
    /// A connection for tests that are about something else.
    pub(crate) fn example() -> Self {
        let connection = Connection {
            id: ConnectionId::random(),
            account: "acct_1".into(),
            crm: "housecall_pro".into(),
            crm_account_id: None,
            base_url: None,
            auth_method: "api_key".into(),
            secret_version: 1,
            settings: ConnectionSettings::default(),
            state: ConnectionState::Active,
            state_reason: None,
            state_changed_at: DateTime::UNIX_EPOCH,
            last_verified_at: None,
            verified_name: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            revision: 1,
        };
        let envelope = Envelope {
            vault_key_id: String::new(),
            sealed_data_key: vec![],
            sealed_secret: vec![],
        };
        Self {
            connection,
            envelope,
        }
    }
}
