//! Asks a provider for newer tokens.

use std::time::Duration;

use leadrail_adapters::oauth::{Flow, Provider, RefreshToken};
use leadrail_adapters::{CrmInfo, REFRESH_TOKEN, Secrets};
use leadrail_outbound::Outbound;
use secrecy::ExposeSecret as _;
use url::Url;

use super::exchange::{ClientPair, Exchange, TokenFault, of_own_client, placed};
use super::grants;
use super::renewing::{Renewals, Renewing};
use super::tokens::Tokens;
use super::unrenewed::{A_WHILE, QUIET, Unrenewed, failing, own_refused, token_of, unset};
use crate::{BaseUrl, ConnectionError, ConnectionSettings};

/// The longest that a provider may take to answer, whatever a connection says of its calls: an answer that
/// nobody waits for any more may have cost a refresh token.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// How long the provider may take to answer with this token: where it brings the same answer for a while,
/// so short that there is time for another use.
pub(super) fn answers_within(token: RefreshToken) -> Duration {
    match token {
        RefreshToken::Grace(grace) => ANSWERS_WITHIN.min(grace / 2),
        RefreshToken::None | RefreshToken::Lasting | RefreshToken::OneUse => ANSWERS_WITHIN,
    }
}

impl Renewals {
    /// The provider's answer, or why it could not be asked.
    pub(super) async fn ask(
        &self,
        renewing: &Renewing,
    ) -> Result<Result<Tokens, TokenFault>, Unrenewed> {
        let (provider, open) = (renewing.provider, &renewing.open);
        let within = answers_within(token_of(open, provider));
        let around = (self.http(), within);
        if provider.flow == Flow::ClientCredentials {
            let connection = &open.connection;
            let at = (connection.base_url.as_ref(), &connection.settings);
            let crm = self.crm(open);
            let own = crm.and_then(|crm| own_client(provider, crm, at, &open.secrets));
            return ask_own(provider, own, around).await;
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

/// The secrets of a connection that is not stored yet, with a token for the account's own client in them.
pub(crate) async fn with_own_token(
    (provider, crm): (&'static Provider, &CrmInfo),
    at: (Option<&BaseUrl>, &ConnectionSettings),
    secrets: Secrets,
    around: (&Outbound, Duration),
) -> Result<Secrets, Unrenewed> {
    let own = own_client(provider, crm, at, &secrets);
    match ask_own(provider, own, around).await? {
        Ok(tokens) => Ok(tokens.put_into(secrets)),
        Err(TokenFault::Refused(code)) if provider.says_gone(&code) => {
            Err(Unrenewed::Gone(own_refused(provider, &code)))
        }
        Err(TokenFault::Refused(_)) => Err(failing(provider, A_WHILE)),
        Err(TokenFault::Call(fault)) => Err(failing(provider, fault.asks_for().unwrap_or(QUIET))),
    }
}

async fn ask_own(
    provider: &'static Provider,
    own: Option<OwnClient>,
    around: (&Outbound, Duration),
) -> Result<Result<Tokens, TokenFault>, Unrenewed> {
    let own = own.ok_or_else(|| {
        Unrenewed::Setup(format!("{} needs the account's own client", provider.title))
    })?;
    let exchange = Exchange::new(provider, own.url, &own.pair, around);
    Ok(exchange.own(&own.fields).await)
}

/// Where the account's own client asks, who it is, and what it says besides.
struct OwnClient {
    url: Url,
    pair: ClientPair,
    fields: Vec<(&'static str, String)>,
}

fn own_client(
    provider: &'static Provider,
    crm: &CrmInfo,
    (base_url, settings): (Option<&BaseUrl>, &ConnectionSettings),
    secrets: &Secrets,
) -> Option<OwnClient> {
    let secret = |name: &str| secrets.get(name);
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
        url: of_own_client(provider, crm, (base_url, &settings.crm))?,
        pair,
        fields: own.chain(fixed).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use leadrail_adapters::oauth::PROVIDERS;

    use super::*;
    use crate::oauth::renewing::lasts;
    use crate::oauth::unrenewed::counted;

    #[test]
    fn a_claim_on_a_token_with_a_grace_ends_within_that() {
        let with_grace = PROVIDERS
            .iter()
            .filter_map(|one| match counted(one.refresh) {
                token @ RefreshToken::Grace(grace) => Some((token, grace)),
                _ => None,
            });
        let with_grace: Vec<_> = with_grace.collect();
        assert!(!with_grace.is_empty());
        assert!(
            with_grace
                .into_iter()
                .all(|(token, grace)| lasts(token) < grace)
        );
        assert_eq!(answers_within(RefreshToken::OneUse), ANSWERS_WITHIN);
    }
}
