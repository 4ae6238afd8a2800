//! Asks a provider for newer tokens.

use std::time::Duration;

use leadrail_adapters::REFRESH_TOKEN;
use leadrail_adapters::oauth::{Flow, Provider};
use secrecy::ExposeSecret as _;
use url::Url;

use super::exchange::{ClientPair, Exchange, TokenFault, of_own_client, placed};
use super::grants;
use super::renewing::{Renewals, Renewing};
use super::tokens::Tokens;
use super::unrenewed::{Unrenewed, unset};
use crate::{ConnectionError, OpenConnection};

/// The longest that a provider may take to answer, whatever a connection says of its calls: an answer that
/// nobody waits for any more may have cost a refresh token.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

impl Renewals {
    /// The provider's answer, or why it could not be asked.
    pub(super) async fn ask(
        &self,
        renewing: &Renewing,
    ) -> Result<Result<Tokens, TokenFault>, Unrenewed> {
        let (provider, open) = (renewing.provider, &renewing.open);
        let around = (self.http(), ANSWERS_WITHIN);
        if provider.flow == Flow::ClientCredentials {
            let own = own_client(provider, open).ok_or_else(|| {
                Unrenewed::Setup(format!("{} needs the account's own client", provider.title))
            })?;
            let exchange = Exchange::new(provider, own.url, &own.pair, around);
            return Ok(exchange.own(&own.fields).await);
        }
        let Some(token) = open.secrets.get(REFRESH_TOKEN) else {
            // Nothing to renew with: the access token was all there was.
            return Ok(Err(TokenFault::Refused("invalid_grant".to_owned())));
        };
        let connections = self.connections();
        let issuer = grants::issuer(connections.access(), open.connection.id).await;
        let issuer = issuer.map_err(ConnectionError::from)?;
        let named = issuer.as_ref().and_then(|of| of.environment.as_deref());
        let environment = provider.environment(named).ok_or_else(|| unset(provider))?;
        let client = connections.client(provider.name, environment.name).await?;
        let client = client.ok_or_else(|| unset(provider))?;
        let centre = issuer.and_then(|of| of.centre);
        let centre = centre.and_then(|name| {
            let mut all = environment.centres.iter();
            all.find(|centre| centre.name == name)
        });
        let url = placed(environment.token_url, centre, client.base_url.as_ref());
        let url = url.ok_or_else(|| unset(provider))?;
        let exchange = Exchange::new(provider, url, &client.pair, around);
        Ok(exchange.renew(token).await)
    }
}

/// Where the account's own client asks, who it is, and what it says besides.
struct OwnClient {
    url: Url,
    pair: ClientPair,
    fields: Vec<(&'static str, String)>,
}

fn own_client(provider: &'static Provider, open: &OpenConnection) -> Option<OwnClient> {
    let secret = |name: &str| open.secrets.get(name);
    let pair = ClientPair {
        id: secret("client_id")?.expose_secret().trim().to_owned(),
        secret: secret("client_secret")?.clone(),
    };
    let own = provider.own_fields.iter().map(|(field, name)| {
        let value = secret(name)?.expose_secret().trim().to_owned();
        Some((*field, value))
    });
    let fixed = provider.token_fields.iter();
    let fixed = fixed.map(|(field, value)| Some((*field, (*value).to_owned())));
    Some(OwnClient {
        url: of_own_client(provider, open.connection.base_url.as_ref())?,
        pair,
        fields: own.chain(fixed).collect::<Option<_>>()?,
    })
}
