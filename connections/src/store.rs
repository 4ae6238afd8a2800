//! The store: adds, finds, opens and retires connections.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use leadrail_adapters::{Adapters, SecretVersion};
use leadrail_engine::{Access, Sees};
use sqlx::PgExecutor;

use crate::{
    Connection, ConnectionError, ConnectionId, ConnectionResult, ConnectionSettings,
    ConnectionState, Lookup, NewConnection, OpenConnection, ProbeDue, Vault, VaultError,
    cache::{Cache, CacheKey},
    lookup::{Choice, choose},
    new_connection::{CheckedConnection, is_id_text},
    rows::{self, ConnectionCount, Present, Sealing, StoredConnection, Transition},
    sealed,
};

/// Reasons and names are for people to read, not to store documents in.
const MAX_NOTE_CHARS: usize = 500;

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

    /// Connects an account, or connects it again: the same account, CRM and CRM account keeps its
    /// id, gets the new secrets, address and settings, and is active; one that a person has paused
    /// stays so.
    ///
    /// # Errors
    /// [`ConnectionError::Refused`], `BaseUrl`, `Setup` or `Settings` for bad input; `Vault`;
    /// `Database`.
    pub async fn add(&self, new: NewConnection) -> ConnectionResult<Connection> {
        let new = new.check(&self.0.adapters)?;
        // A second round is only needed if someone else connected the same place in between; then
        // the secret must be sealed anew, for the id and version that stand there.
        loop {
            let present = rows::present(&self.1, &new).await?;
            if let Some(id) = self.put(&new, present).await? {
                return self.get(id).await;
            }
        }
    }

    /// The same if what stands in its place has this revision, 0 for nothing; `None` otherwise.
    ///
    /// # Errors
    /// As [`Connections::add`].
    pub async fn add_over(
        &self,
        new: NewConnection,
        revision: i32,
    ) -> ConnectionResult<Option<Connection>> {
        let new = new.check(&self.0.adapters)?;
        let present = rows::present(&self.1, &new).await?;
        if present.as_ref().map_or(0, |present| present.revision) != revision {
            return Ok(None);
        }
        match self.put(&new, present).await? {
            Some(id) => self.get(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Puts the connection in the place of what was read there; `None` if that was changed since.
    async fn put(
        &self,
        new: &CheckedConnection,
        present: Option<Present>,
    ) -> ConnectionResult<Option<ConnectionId>> {
        let secrets = sealed::written(&new.secrets);
        let sealing = sealing(new, present.as_ref());
        let sealed = sealing.place(|place| self.0.vault.seal(place, &secrets));
        let envelope = sealed.map_err(ConnectionError::vault(sealing.id))?;
        let revision = present.as_ref().map_or(0, |present| present.revision);
        let put = rows::upsert(&self.1, &sealing, new, &envelope, revision).await?;
        self.0.cache.forget();
        Ok(put.then_some(sealing.id))
    }

    /// Changes what is set for a connection, if it still has this revision; `None` otherwise. The settings
    /// are such as [`ConnectionSettings::parse`] reads, the CRM account such as [`crm_account_id`] does.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`]; [`ConnectionError::Exists`] where another connection has that CRM
    /// account; `Database`.
    pub async fn change(
        &self,
        id: ConnectionId,
        revision: i32,
        settings: &ConnectionSettings,
        crm_account_id: Option<&str>,
    ) -> ConnectionResult<Option<Connection>> {
        let done = rows::change(&self.1, id, revision, settings, crm_account_id).await?;
        self.0.cache.forget();
        let now = self.get(id).await?;
        Ok(done.then_some(now))
    }

    /// Connections that leads go through, or would, and whose CRM is to be asked by now whether it accepts
    /// the secrets; the longest due first, at most `limit`.
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

    /// Makes a connection that nobody has signed in to yet, from everything but the secrets: its leads
    /// wait until [`Connections::add`] brings those for the same account, CRM and CRM account.
    ///
    /// # Errors
    /// As [`Connections::add`]; [`ConnectionError::Exists`] where there is one already.
    pub async fn prepare(&self, new: NewConnection) -> ConnectionResult<Connection> {
        let new = new.check_without_secrets(&self.0.adapters)?;
        let sealing = Sealing {
            secret_version: 0,
            ..sealing(&new, None)
        };
        let nothing = sealed::written(&new.secrets);
        let sealed = sealing.place(|place| self.0.vault.seal(place, &nothing));
        let envelope = sealed.map_err(ConnectionError::vault(sealing.id))?;
        // A second round is only needed if what stood there was deleted in between.
        loop {
            if let Some(Present { id, .. }) = rows::present(&self.1, &new).await? {
                return Err(ConnectionError::Exists { id });
            }
            if rows::insert_pending(&self.1, &sealing, &new, &envelope).await? {
                self.0.cache.forget();
                return self.get(sealing.id).await;
            }
        }
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

    /// Notes that the CRM accepted this version of the secrets just now and what it calls the account;
    /// returns whether it is still the present one.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn mark_verified(
        &self,
        id: ConnectionId,
        version: SecretVersion,
        name: Option<&str>,
    ) -> ConnectionResult<bool> {
        let name = name.map(note);
        let marked = rows::mark_verified(&self.1, id, version, name.as_deref()).await?;
        self.changed(id, &marked)
    }

    /// Notes that the CRM refused this version of the secrets; returns whether that is news.
    ///
    /// It is not if the connection is closed for that already, or if it was connected again meanwhile:
    /// the refusal was of the old secrets then and says nothing of the new ones. A paused connection
    /// stays paused, and needs to be connected again once it goes on. `reason` is shown to people and
    /// must not hold a secret.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn mark_needs_reauth(
        &self,
        id: ConnectionId,
        version: SecretVersion,
        reason: &str,
    ) -> ConnectionResult<bool> {
        let transition = rows::mark_needs_reauth(&self.1, id, version, &note(reason)).await?;
        self.changed(id, &transition)
    }

    /// Switches a connection on again; returns whether it was off. It is active then, unless nobody has
    /// signed in yet or the CRM refused the secrets that it has.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn enable(&self, id: ConnectionId) -> ConnectionResult<bool> {
        self.lift(id, ConnectionState::Disabled, false).await
    }

    /// Holds the leads of an active connection back; returns whether it was active. `why` is shown to
    /// people.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn pause(&self, id: ConnectionId, why: &str) -> ConnectionResult<bool> {
        self.close(id, ConnectionState::Paused, why).await
    }

    /// Ends a pause; returns whether there was one. The connection is active then, unless the CRM has
    /// refused its secrets meanwhile.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn resume(&self, id: ConnectionId) -> ConnectionResult<bool> {
        self.lift(id, ConnectionState::Paused, false).await
    }

    /// Lets leads through again whose connection had to be connected again, because the CRM accepts it
    /// now; whether it does so for that. What a person switched off stays off.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn reactivate(&self, id: ConnectionId) -> ConnectionResult<bool> {
        self.lift(id, ConnectionState::NeedsReauth, true).await
    }

    /// Switches a connection off; returns whether it was on. `why` is shown to people.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn disable(&self, id: ConnectionId, why: &str) -> ConnectionResult<bool> {
        self.close(id, ConnectionState::Disabled, why).await
    }

    /// Checks that every connection that is not disabled is sealed under one of our vault keys: who
    /// cannot open them must not start, nor add another under a key of its own.
    ///
    /// # Errors
    /// [`ConnectionError::Vault`] naming the first that is not; `Database`.
    pub async fn check_vault_key(&self) -> ConnectionResult<()> {
        match rows::sealed_otherwise(&self.1, &self.0.vault.ids()).await? {
            None => Ok(()),
            Some((id, sealed)) => {
                let have = self.0.vault.id();
                let source = VaultError::KeyMismatch { sealed, have };
                Err(ConnectionError::Vault { id, source })
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

    async fn close(
        &self,
        id: ConnectionId,
        to: ConnectionState,
        why: &str,
    ) -> ConnectionResult<bool> {
        let transition = rows::close(&self.1, id, to, &note(why)).await?;
        self.changed(id, &transition)
    }

    async fn lift(
        &self,
        id: ConnectionId,
        from: ConnectionState,
        accepted: bool,
    ) -> ConnectionResult<bool> {
        let transition = rows::lift(&self.1, id, from, accepted).await?;
        self.changed(id, &transition)
    }

    fn changed(&self, id: ConnectionId, transition: &Transition) -> ConnectionResult<bool> {
        self.0.cache.forget();
        if !transition.known {
            return Err(ConnectionError::NotFound { id });
        }
        Ok(transition.changed)
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

/// What the secrets of `new` are sealed for: the next version of what stands there, or the first.
fn sealing<'a>(new: &'a CheckedConnection, present: Option<&Present>) -> Sealing<'a> {
    Sealing {
        id: present.map_or_else(ConnectionId::random, |present| present.id),
        account: &new.account,
        crm: &new.crm,
        base_url: new.base_url.as_ref(),
        auth_method: &new.auth_method,
        secret_version: present.map_or(1, |present| present.secret_version + 1),
    }
}

fn found(stored: &StoredConnection) -> Lookup {
    Lookup::Found(Box::new(stored.connection.clone()))
}

/// One short line without control characters, whatever a CRM or a person wrote.
fn note(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable
        .take(MAX_NOTE_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}
