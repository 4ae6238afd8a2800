//! The way to a provider's page and back: what is asked there, and what the answer must be.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use leadrail_adapters::oauth::{Centre, Environment, Provider};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::clients::OpenClient;
use super::exchange::placed;
use super::sign_in::Return;

/// The page, with everything that it must be asked.
pub(super) fn authorize_url(
    provider: &Provider,
    (page, callback): (Url, &Url),
    client: &OpenClient,
    (state, browser): (&SecretString, &SecretString),
) -> Url {
    let client = BasicClient::new(ClientId::new(client.pair.id.clone()))
        .set_auth_uri(AuthUrl::from_url(page))
        .set_redirect_uri(RedirectUrl::from_url(callback.clone()));
    let token = CsrfToken::new(state.expose_secret().to_owned());
    let mut request = client.authorize_url(|| token);
    if !provider.scopes.is_empty() {
        let separator = provider.scope_separator.to_string();
        request = request.add_scope(Scope::new(provider.scopes.join(&separator)));
    }
    for (name, value) in provider.authorize_parameters {
        request = request.add_extra_param(*name, *value);
    }
    if provider.pkce {
        let verifier = derived(state, browser);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        request = request.set_pkce_challenge(challenge);
    }
    request.url().0
}

/// The code verifier hangs on what only the browser has, so it need not be kept anywhere.
fn derived(state: &SecretString, browser: &SecretString) -> PkceCodeVerifier {
    let mut hash = Sha256::new();
    for part in [
        "leadrail pkce",
        browser.expose_secret(),
        state.expose_secret(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    PkceCodeVerifier::new(BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()))
}

/// The verifier of who comes back, where the provider was sent a challenge.
pub(super) fn verifier(provider: &Provider, back: &Return) -> Option<PkceCodeVerifier> {
    let (state, browser) = (back.state.as_ref()?, back.browser.as_ref()?);
    provider.pkce.then(|| derived(state, browser))
}

/// Whether the answer names nobody or its provider.
pub(super) fn is_from(
    provider: &Provider,
    environment: &Environment,
    client: &OpenClient,
    back: &Return,
) -> bool {
    let Some(iss) = back.iss.as_deref() else {
        return true;
    };
    let page = placed(environment.authorize_url, None, client.base_url.as_ref());
    let page = page.map(|page| page.origin().ascii_serialization());
    let expected = provider.issuer.or(page.as_deref());
    expected.is_some_and(|expected| expected == iss.trim_end_matches('/'))
}

/// The data centre: `None` if it should be one and is none of the list.
pub(super) fn centre(environment: &Environment, back: &Return) -> Option<Option<&'static Centre>> {
    match (environment.centres.is_empty(), back.accounts.as_deref()) {
        (true, _) => Some(None),
        (false, Some(accounts)) => environment.centre(accounts).map(Some),
        (false, None) => None,
    }
}
