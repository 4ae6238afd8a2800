//! The store: adds, finds, opens and retires connections.

mod put;
mod states;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use leadrail_adapters::Adapters;
use leadrail_engine::{Access, Sees};
use sqlx::PgExecutor;

use crate::{
    Connection, ConnectionError, ConnectionId, ConnectionResult, ConnectionState, Lookup,
    OpenConnection, ProbeDue, Vault, VaultError,
    cache::{Cache, CacheKey},
    lookup::{Choice, choose},
    new_connection::is_id_text,
    oauth,
    rows::{self, ConnectionCount, Sealing, StoredConnection},
    sealed,
};

/// Which connections to list; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// Of this account only.
    pub account: Option<String>,
    /// Of this CRM only.
    pub crm: Option<String>,
    /// In this state only.
    pub state: Option<ConnectionState>,
}

/// The connections of all accounts, or of the one that they are seen by. Cheap to clone; clones share
/// their cache.
#[derive(Clone)]
pub struct Connections(Arc<Inner>, Access);

struct Inner {
    vault: Vault,
    adapters: Adapters,
    cache: Cache,
}

impl Connections {
    /// The connections in this database, sealed under `vault`.
    pub fn new(database: impl Into<Access>, vault: impl Into<Vault>) -> Self {
        let inner = Inner {
            vault: vault.into(),
            adapters: Adapters::all(),
            cache: Cache::default(),
        };
        Self(Arc::new(inner), database.into())
    }

    /// The same, as far as these see them.
    #[must_use]
    pub fn seeing(&self, sees: Sees) -> Self {
        Self(Arc::clone(&self.0), self.1.seeing(sees))
    }

    /// The CRMs that an account can be connected to.
    pub fn adapters(&self) -> &Adapters {
        &self.0.adapters
    }

    /// Connections that leads go through, or would, and whose CRM is to be asked by now whether it accepts
    /// the secrets; the longest due first, at most `limit`. None whose lane is stopped.
    ///
    /// # Errors
    /// [`ConnectionError::Database`].
    pub async fn due_for_probe(&self, limit: u32) -> ConnectionResult<Vec<ProbeDue>> {
        Ok(rows::due_for_probe(&self.1, limit).await?)
    }

    /// Notes that these will have been asked, and that each is asked again in about `every`, spread over
    /// time.
    ///
    /// # Errors
    /// [`ConnectionError::Database`].
    pub async fn put_off_probes(&self, due: &[ProbeDue], every: Duration) -> ConnectionResult<()> {
        Ok(rows::put_off_probes(&self.1, due, every).await?)
    }

    /// The connections that pass `filter`, as [`list`] gives them.
    ///
    /// # Errors
    /// As [`list`].
    pub async fn list(&self, filter: &ConnectionFilter) -> ConnectionResult<Vec<Connection>> {
        list(&self.1, filter).await
    }

    /// The connection with this id, as it is now.
    ///
    /// # Errors
    /// As [`get`].
    pub async fn get(&self, id: ConnectionId) -> ConnectionResult<Connection> {
        get(&self.1, id).await
    }

    /// The connection that a lead of `account` for `crm` goes through.
    ///
    /// A lead that names a CRM account gets exactly that one. A lead that names none gets the
    /// connection made without one, or else the account's only one for that CRM; disabled ones
    /// count only when there is nothing else. The answer may be up to 1.5 s old.
    ///
    /// # Errors
    /// [`ConnectionError::Damaged`] or `Database`.
    pub async fn find(
        &self,
        account: &str,
        crm: &str,
        crm_account_id: Option<&str>,
    ) -> ConnectionResult<Lookup> {
        let wanted = crm_account_id.filter(|id| !id.is_empty());
        let key = CacheKey::Lead {
            account: account.to_owned(),
            crm: crm.to_owned(),
            crm_account_id: wanted.map(str::to_owned),
        };
        let start = match self.0.cache.get(&key, Instant::now()) {
            // Of another account only if it was asked for across the wall.
            Ok(stored) if self.1.admits(account) => return Ok(found(&stored)),
            Ok(_) => return Ok(Lookup::None),
            Err(start) => start,
        };
        Ok(match chosen(&self.1, account, crm, wanted).await? {
            Choice::Found(stored) => {
                self.0
                    .cache
                    .put(start, CacheKey::Id(stored.connection.id), &stored);
                self.0.cache.put(start, key, &stored);
                found(&stored)
            }
            // Not remembered: whoever connects an account now wants its leads to go out now.
            Choice::Ambiguous => Lookup::Ambiguous,
            Choice::None => Lookup::None,
        })
    }

    /// The connection with its credential, in whatever state it is: whether to use it is the
    /// caller's decision. The answer may be up to 1.5 s old.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`], `Vault` (wrong key, changed row), `Damaged` or `Database`.
    pub async fn open(&self, id: ConnectionId) -> ConnectionResult<OpenConnection> {
        let stored = match self.0.cache.get(&CacheKey::Id(id), Instant::now()) {
            Ok(stored) if self.1.admits(&stored.connection.account) => stored,
            Ok(_) => return Err(ConnectionError::NotFound { id }),
            Err(start) => {
                let stored = rows::by_id(&self.1, id).await?;
                let stored = Arc::new(stored.ok_or(ConnectionError::NotFound { id })?);
                self.0.cache.put(start, CacheKey::Id(id), &stored);
                stored
            }
        };
        self.unseal(&stored)
    }

    /// The connection with its secrets as they are now, whatever was read a moment ago.
    ///
    /// # Errors
    /// As [`Connections::open`].
    pub async fn open_now(&self, id: ConnectionId) -> ConnectionResult<OpenConnection> {
        self.0.cache.forget();
        self.open(id).await
    }

    /// The same, and nothing is forgotten that others remember: for whoever looks often.
    pub(crate) async fn open_uncached(&self, id: ConnectionId) -> ConnectionResult<OpenConnection> {
        let stored = rows::by_id(&self.1, id).await?;
        self.unseal(&stored.ok_or(ConnectionError::NotFound { id })?)
    }

    /// Checks that every connection that is not disabled, and every client of ours with a provider, is
    /// sealed under one of our vault keys: who cannot open them must not start, nor add another under a
    /// key of its own.
    ///
    /// # Errors
    /// [`ConnectionError::Vault`] or `ClientVault` naming the first that is not; `Database`.
    pub async fn check_vault_key(&self) -> ConnectionResult<()> {
        let (ids, have) = (self.0.vault.ids(), self.0.vault.id());
        if let Some((id, sealed)) = rows::sealed_otherwise(&self.1, &ids).await? {
            let source = VaultError::KeyMismatch { sealed, have };
            return Err(ConnectionError::Vault { id, source });
        }
        match oauth::sealed_otherwise(&self.1, &ids).await? {
            None => Ok(()),
            Some((provider, sealed)) => {
                let source = VaultError::KeyMismatch { sealed, have };
                Err(ConnectionError::ClientVault { provider, source })
            }
        }
    }

    /// Takes a connection away, with its credential.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`]; `Database`.
    pub async fn delete(&self, id: ConnectionId) -> ConnectionResult<()> {
        let deleted = rows::delete(&self.1, id).await?;
        self.0.cache.forget();
        match deleted {
            true => Ok(()),
            false => Err(ConnectionError::NotFound { id }),
        }
    }

    /// The ids of the vault keys that open, the sealing one first.
    #[must_use]
    pub fn vault_keys(&self) -> Vec<String> {
        self.0.vault.ids()
    }

    pub(crate) fn access(&self) -> &Access {
        &self.1
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Reads anew whatever was remembered.
    pub(crate) fn forget(&self) {
        self.0.cache.forget();
    }

    fn unseal(&self, stored: &StoredConnection) -> ConnectionResult<OpenConnection> {
        let connection = stored.connection.clone();
        let sealing = Sealing::of(&connection);
        let secrets = sealing.place(|place| self.0.vault.open(place, &stored.envelope));
        let secrets = secrets.map_err(ConnectionError::vault(connection.id))?;
        let damaged = ConnectionError::Damaged {
            id: connection.id,
            column: "sealed_secret",
        };
        let secrets = sealed::read(&connection.auth_method, &secrets).ok_or(damaged)?;
        Ok(OpenConnection {
            secrets: secrets.of_version(connection.secret_version),
            connection,
        })
    }
}

/// The connections that pass `filter`, ordered by account, CRM and CRM account. Needs no vault key.
///
/// # Errors
/// [`ConnectionError::Database`]; `Damaged` if a row was edited into nonsense.
pub async fn list(
    db: impl PgExecutor<'_>,
    filter: &ConnectionFilter,
) -> ConnectionResult<Vec<Connection>> {
    let possible = |text: &Option<String>| text.as_deref().is_none_or(is_id_text);
    if !possible(&filter.account) || !possible(&filter.crm) {
        return Ok(vec![]);
    }
    rows::list(db, filter).await
}

/// The connection with this id, as it is now. Needs no vault key.
///
/// # Errors
/// [`ConnectionError::NotFound`], `Damaged` or `Database`.
pub async fn get(db: impl PgExecutor<'_>, id: ConnectionId) -> ConnectionResult<Connection> {
    let stored = rows::by_id(db, id).await?;
    stored
        .map(|stored| stored.connection)
        .ok_or(ConnectionError::NotFound { id })
}

/// The connection that a lead of `account` for `crm` goes through, as [`Connections::find`] chooses it, as
/// it is now. Needs no vault key.
///
/// # Errors
/// [`ConnectionError::Damaged`] or `Database`.
pub async fn find(
    db: impl PgExecutor<'_>,
    account: &str,
    crm: &str,
    crm_account_id: Option<&str>,
) -> ConnectionResult<Lookup> {
    let wanted = crm_account_id.filter(|id| !id.is_empty());
    Ok(match chosen(db, account, crm, wanted).await? {
        Choice::Found(stored) => found(&stored),
        Choice::Ambiguous => Lookup::Ambiguous,
        Choice::None => Lookup::None,
    })
}

/// The connection that a lead goes through, of those there are now.
async fn chosen(
    db: impl PgExecutor<'_>,
    account: &str,
    crm: &str,
    wanted: Option<&str>,
) -> ConnectionResult<Choice> {
    // No connection has such a name, and the database would fail on some of them.
    if ![account, crm].into_iter().chain(wanted).all(is_id_text) {
        return Ok(Choice::None);
    }
    let rows = rows::for_lead(db, account, crm, wanted).await?;
    Ok(choose(rows, wanted))
}

/// How many connections each CRM has in each state that some are in. Needs no vault key.
///
/// # Errors
/// [`ConnectionError::Database`].
pub async fn counts(db: impl PgExecutor<'_>) -> ConnectionResult<Vec<ConnectionCount>> {
    Ok(rows::counts(db).await?)
}

fn found(stored: &StoredConnection) -> Lookup {
    Lookup::Found(Box::new(stored.connection.clone()))
}
