//! Our own clients with the providers: given by the operator, sealed by the vault.

use std::fmt;

use chrono::{DateTime, Utc};
use leadrail_adapters::oauth::{Environment, Flow, Provider, provider};
use leadrail_engine::Access;
use leadrail_lead::is_unshown;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::exchange::ClientPair;
use crate::vault::{Envelope, Place};
use crate::{BaseUrl, ConnectionError, ConnectionResult, Connections, Vault};

/// The longest client id that we take, in characters, and the longest secret in bytes.
const LONGEST_ID: usize = 500;
const LONGEST_SECRET: usize = 16 * 1024;

/// A client of ours as the operator gives it. The same provider and environment again replaces it.
pub struct NewProviderClient {
    /// The CRM's name, such as `jobber`.
    pub provider: String,
    /// Which of its environments; the usual one without.
    pub environment: Option<String>,
    /// Our id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretString,
    /// Takes the place of the provider's own addresses: a simulator, a proxy.
    pub base_url: Option<String>,
}

/// A client of ours, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderClient {
    /// The CRM's name.
    pub provider: String,
    /// Which of its environments.
    pub environment: String,
    /// Our id there.
    pub client_id: String,
    /// Takes the place of the provider's own addresses.
    pub base_url: Option<String>,
    /// When it was last given.
    pub updated_at: DateTime<Utc>,
}

/// A client with its secret, as a renewal or a sign-in needs it.
pub(crate) struct OpenClient {
    pub(crate) pair: ClientPair,
    pub(crate) base_url: Option<BaseUrl>,
}

/// A client of ours, sealed.
pub(crate) struct SealedClient {
    id: Uuid,
    provider: String,
    environment: String,
    client_id: String,
    base_url: Option<String>,
    envelope: Envelope,
}

impl fmt::Debug for NewProviderClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewProviderClient")
            .field("provider", &self.provider)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

impl NewProviderClient {
    fn check(&self) -> ConnectionResult<(&'static Provider, &'static str, Option<BaseUrl>)> {
        let known = code_provider(&self.provider)?;
        let environment = known_environment(known, self.environment.as_deref())?;
        let id = self.client_id.trim();
        if !(1..=LONGEST_ID).contains(&id.chars().count()) || id.contains(is_unshown) {
            let reason = "must have 1 to 500 characters, all of them shown";
            return Err(ConnectionError::refused("client_id", reason));
        }
        let secret = self.client_secret.expose_secret().trim();
        let sendable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if !(1..=LONGEST_SECRET).contains(&secret.len()) || !secret.bytes().all(sendable) {
            let reason = "must have 1 to 16384 plain characters in one line";
            return Err(ConnectionError::refused("client_secret", reason));
        }
        let base_url = self.base_url.as_deref().map(BaseUrl::parse).transpose();
        let base_url = base_url.map_err(|source| ConnectionError::BaseUrl { source })?;
        Ok((known, environment.name, base_url))
    }
}

/// The provider of that name, at which people sign in.
///
/// # Errors
/// [`ConnectionError::Refused`] for a name that is none, or one whose accounts have clients of their own.
pub(crate) fn code_provider(name: &str) -> ConnectionResult<&'static Provider> {
    let known = provider(name).ok_or(ConnectionError::refused(
        "provider",
        "is none that we know; `leadrail provider list` shows them",
    ))?;
    match known.flow {
        Flow::Code => Ok(known),
        Flow::ClientCredentials => Err(ConnectionError::refused(
            "provider",
            "gives each account a client of its own, which is given with the connection",
        )),
    }
}

/// The environment of that name, the usual one without a name.
///
/// # Errors
/// [`ConnectionError::Refused`] for one that the provider has not.
pub(crate) fn known_environment(
    provider: &'static Provider,
    name: Option<&str>,
) -> ConnectionResult<&'static Environment> {
    provider.environment(name).ok_or(ConnectionError::refused(
        "environment",
        "is none that the provider has; `leadrail provider list --json` shows them",
    ))
}

impl SealedClient {
    fn place<T>(&self, with: impl FnOnce(Place<'_>) -> T) -> T {
        let base_url = self.base_url.as_deref().unwrap_or_default();
        with(Place {
            table: "provider_client",
            account: "",
            row: self.id,
            field: "secret",
            terms: &[&self.provider, &self.environment, &self.client_id, base_url],
        })
    }

    fn fault(&self) -> impl FnOnce(crate::VaultError) -> ConnectionError {
        let provider = self.provider.clone();
        move |source| ConnectionError::ClientVault { provider, source }
    }

    fn open(&self, vault: &Vault) -> ConnectionResult<OpenClient> {
        let secret = self.place(|place| vault.open(place, &self.envelope));
        let base_url = self.base_url.as_deref().map(BaseUrl::parse).transpose();
        Ok(OpenClient {
            pair: ClientPair {
                id: self.client_id.clone(),
                secret: secret.map_err(self.fault())?,
            },
            base_url: base_url.map_err(|source| ConnectionError::BaseUrl { source })?,
        })
    }
}

impl Connections {
    /// Takes a client of ours down, or another in its place.
    ///
    /// # Errors
    /// [`ConnectionError::Refused`] or `BaseUrl` for what was given; `ClientVault`; `Database`.
    pub async fn set_client(&self, new: &NewProviderClient) -> ConnectionResult<ProviderClient> {
        let (provider, environment, base_url) = new.check()?;
        let mut sealed = SealedClient {
            id: Uuid::new_v4(),
            provider: provider.name.to_owned(),
            environment: environment.to_owned(),
            client_id: new.client_id.trim().to_owned(),
            base_url: base_url.map(|url| url.as_str().to_owned()),
            envelope: Envelope {
                vault_key_id: String::new(),
                sealed_data_key: Vec::new(),
                sealed_secret: Vec::new(),
            },
        };
        let secret = new.client_secret.expose_secret().trim();
        let secret = SecretString::from(secret);
        let envelope = sealed.place(|place| self.vault().seal(place, &secret));
        sealed.envelope = envelope.map_err(sealed.fault())?;
        Ok(put(self.access(), &sealed).await?)
    }

    /// Takes a client of ours away; whether there was one. Sign-ins and renewals with it stop.
    ///
    /// # Errors
    /// [`ConnectionError::Refused`] for a provider that is none; `Database`.
    pub async fn remove_client(&self, name: &str, environment: &str) -> ConnectionResult<bool> {
        code_provider(name)?;
        let done = sqlx::query!(
            "delete from leadrail.provider_client where provider = $1 and environment = $2",
            name,
            environment
        );
        Ok(done.execute(self.access()).await?.rows_affected() == 1)
    }

    /// Our client with a provider, opened; `None` where the operator gave none.
    pub(crate) async fn client(
        &self,
        provider: &str,
        environment: &str,
    ) -> ConnectionResult<Option<OpenClient>> {
        let found = by_place(self.access(), provider, environment).await?;
        found.map(|sealed| sealed.open(self.vault())).transpose()
    }
}

/// Our clients with the providers, without their secrets. Needs no vault key.
///
/// # Errors
/// [`ConnectionError::Database`].
pub async fn provider_clients(db: impl PgExecutor<'_>) -> ConnectionResult<Vec<ProviderClient>> {
    let clients = sqlx::query_as!(
        ProviderClient,
        "
        select provider, environment, client_id, base_url, updated_at
        from leadrail.provider_client
        order by provider, environment
        "
    );
    Ok(clients.fetch_all(db).await?)
}

async fn put(db: impl PgExecutor<'_>, sealed: &SealedClient) -> sqlx::Result<ProviderClient> {
    sqlx::query_as!(
        ProviderClient,
        "
        insert into leadrail.provider_client
            (id, provider, environment, client_id, base_url, vault_key_id, sealed_data_key, sealed_secret)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (provider, environment) do update
        set id = excluded.id, client_id = excluded.client_id, base_url = excluded.base_url,
            vault_key_id = excluded.vault_key_id, sealed_data_key = excluded.sealed_data_key,
            sealed_secret = excluded.sealed_secret, updated_at = leadrail.now()
        returning provider, environment, client_id, base_url, updated_at
        ",
        sealed.id,
        sealed.provider,
        sealed.environment,
        sealed.client_id,
        sealed.base_url,
        sealed.envelope.vault_key_id,
        sealed.envelope.sealed_data_key,
        sealed.envelope.sealed_secret,
    )
    .fetch_one(db)
    .await
}

struct Row {
    id: Uuid,
    provider: String,
    environment: String,
    client_id: String,
    base_url: Option<String>,
    vault_key_id: String,
    sealed_data_key: Vec<u8>,
    sealed_secret: Vec<u8>,
}

impl From<Row> for SealedClient {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            provider: row.provider,
            environment: row.environment,
            client_id: row.client_id,
            base_url: row.base_url,
            envelope: Envelope {
                vault_key_id: row.vault_key_id,
                sealed_data_key: row.sealed_data_key,
                sealed_secret: row.sealed_secret,
            },
        }
    }
}

async fn by_place(
    db: impl PgExecutor<'_>,
    provider: &str,
    environment: &str,
) -> sqlx::Result<Option<SealedClient>> {
    let row = sqlx::query_as!(
        Row,
        "
        select id, provider, environment, client_id, base_url, vault_key_id, sealed_data_key, sealed_secret
        from leadrail.provider_client
        where provider = $1 and environment = $2
        ",
        provider,
        environment
    );
    Ok(row.fetch_optional(db).await?.map(SealedClient::from))
}

/// How many clients each vault key seals.
pub(crate) async fn sealed_clients(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(String, i64)>> {
    let counted = sqlx::query!(
        r#"
        select vault_key_id, count(*) as "clients!"
        from leadrail.provider_client
        group by vault_key_id
        order by vault_key_id
        "#
    );
    let counted = counted.fetch_all(db).await?.into_iter();
    Ok(counted.map(|row| (row.vault_key_id, row.clients)).collect())
}

/// The vault key of a client that is sealed under another than these, with its provider.
pub(crate) async fn sealed_otherwise(
    db: impl PgExecutor<'_>,
    vault_key_ids: &[String],
) -> sqlx::Result<Option<(String, String)>> {
    let other = sqlx::query!(
        "
        select provider, vault_key_id from leadrail.provider_client
        where vault_key_id <> all ($1) order by provider limit 1
        ",
        vault_key_ids
    );
    let other = other.fetch_optional(db).await?;
    Ok(other.map(|row| (row.provider, row.vault_key_id)))
}

/// Seals the data keys of all clients that these older vault keys seal with the current one; how many.
/// There are few, so one after the other.
pub(crate) async fn move_clients(
    db: &Access,
    vault: &Vault,
    older: &[String],
) -> ConnectionResult<u64> {
    let rows = sqlx::query_as!(
        Row,
        "
        select id, provider, environment, client_id, base_url, vault_key_id, sealed_data_key, sealed_secret
        from leadrail.provider_client
        where vault_key_id = any ($1)
        ",
        older
    );
    let mut moved = 0;
    for sealed in rows
        .fetch_all(db)
        .await?
        .into_iter()
        .map(SealedClient::from)
    {
        let next = sealed.place(|place| vault.rewrap(place, &sealed.envelope));
        let next = next.map_err(sealed.fault())?;
        let done = sqlx::query!(
            "
            update leadrail.provider_client
            set vault_key_id = $3, sealed_data_key = $4
            where id = $1 and sealed_data_key = $2
            ",
            sealed.id,
            sealed.envelope.sealed_data_key,
            next.vault_key_id,
            next.sealed_data_key
        );
        moved += done.execute(db).await?.rows_affected();
    }
    Ok(moved)
}
