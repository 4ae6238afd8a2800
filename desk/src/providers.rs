//! The providers of tokens, and our own clients with them.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_adapters::oauth::{Flow, PROVIDERS, Provider};
use leadrail_connections::{BaseUrl, NewProviderClient, ProviderClient, provider_clients};
use serde::Serialize;

/// A provider, and what it knows us as.
#[derive(Clone, Debug, Serialize)]
pub struct ListedProvider {
    /// The CRM's name.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// How its tokens are had: with a client of ours, or with the account's own.
    pub flow: Flow,
    /// Its environments, the usual one first.
    pub environments: Vec<&'static str>,
    /// What we ask to be allowed; none where that is fixed with the app.
    pub scopes: &'static [&'static str],
    /// What is to be registered there as the address to come back to; none without a `public_url`, or
    /// where nobody signs in.
    pub redirect_uri: Option<String>,
    /// Our clients there, one an environment.
    pub clients: Vec<ProviderClient>,
}

impl Desk {
    /// The providers there are, with our clients. Needs no vault key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn providers(&self) -> DeskResult<Vec<ListedProvider>> {
        let clients = provider_clients(self.engine().access()).await?;
        let listed = PROVIDERS.iter().map(|provider| {
            let theirs = clients.iter();
            let theirs = theirs.filter(|client| client.provider == provider.name);
            self.listed(provider, theirs.cloned().collect())
        });
        Ok(listed.collect())
    }

    fn listed(&self, provider: &'static Provider, clients: Vec<ProviderClient>) -> ListedProvider {
        let callback = self.callback(provider.name).ok();
        let environments = provider.environments.iter();
        ListedProvider {
            name: provider.name,
            title: provider.title,
            flow: provider.flow,
            environments: environments.map(|environment| environment.name).collect(),
            scopes: provider.scopes,
            redirect_uri: callback
                .filter(|_| provider.flow == Flow::Code)
                .map(|url| url.to_string()),
            clients,
        }
    }

    /// Takes our client with a provider down, sealed, or another in its place. Tokens that were issued to
    /// the one before are renewed with this one.
    ///
    /// # Errors
    /// [`DeskError`], with `is_wrong_use` for what was given; or when the database cannot be written.
    pub async fn set_provider(
        &self,
        who: &Actor,
        new: NewProviderClient,
    ) -> DeskResult<ProviderClient> {
        if let Some(base_url) = &new.base_url {
            let url = BaseUrl::parse(base_url).map_err(|source| {
                DeskError::refused("base_url", format!("the base URL is not usable: {source}"))
            })?;
            self.doors()?.may_call(&url)?;
        }
        self.check_vault_key().await?;
        let set = self.connections()?.set_client(&new).await?;
        self.note(who, Action::ProviderSet, &set.provider, &set.environment)
            .await;
        Ok(set)
    }

    /// Takes our client with a provider away; whether there was one. Nobody can sign in with it any more,
    /// and tokens that were issued to it are renewed no more.
    ///
    /// # Errors
    /// [`DeskError`], with `is_wrong_use` for a provider that is none; or when the database cannot be
    /// written.
    pub async fn remove_provider(
        &self,
        who: &Actor,
        provider: &str,
        environment: Option<&str>,
    ) -> DeskResult<bool> {
        let known = leadrail_adapters::oauth::provider(provider);
        let usual = known.and_then(|known| known.environment(environment));
        let environment = usual.map_or(environment.unwrap_or_default(), |known| known.name);
        let removed = self.connections()?.remove_client(provider, environment);
        let removed = removed.await?;
        let outcome = if removed {
            environment
        } else {
            "there was none"
        };
        self.note(who, Action::ProviderRemove, &provider, &outcome)
            .await;
        Ok(removed)
    }
}
