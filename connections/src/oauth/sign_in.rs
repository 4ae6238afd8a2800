//! Signing in: a person of the account lets us in at the provider (RFC 6749, 4.1, with RFC 7636 and 9207).
//!
//! Three steps. [`Doors::begin_sign_in`] gives a link, which may be forwarded to whoever administers the
//! account. Opening it ([`Doors::depart`]) makes a state that is good once, for ten minutes, in that
//! browser, and leads to the provider. Who comes back ([`Doors::arrive`]) has the tokens exchanged, shown
//! to the CRM, compared with the company that the connection is for, and only then kept.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use leadrail_adapters::oauth::{Centre, Environment, Provider};
use leadrail_adapters::{AccountInfo, AdapterError, Grant, Secrets};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::authorize::{authorize_url, centre, is_from, verifier};
use super::clients::{OpenClient, code_provider, known_environment};
use super::exchange::{Exchange, placed};
use super::sign_in_error::{SignInError, not_set_up, said_no, unredeemed};
use super::sign_in_rows::{self as rows, Arrival, Kept};
use super::tokens::Tokens;
use crate::vault::random_bytes;
use crate::{
    BaseUrl, Connection, ConnectionError, ConnectionResult, Doors, NewConnection, VaultError,
};

/// How long a link may be used.
const LINK_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long somebody may be at the provider.
const STATE_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long the provider may take to redeem a code.
const REDEEMED_WITHIN: Duration = Duration::from_secs(15);

/// A sign-in to be begun.
pub struct WantedSignIn {
    /// What the connection is to be. Its way in is one by which somebody signs in; its address is the
    /// environment's.
    pub connection: NewConnection,
    /// Of what stands in its place and its settings were made from; 0 where there is nothing.
    pub revision: i32,
    /// Which of the provider's environments; the usual one without.
    pub environment: Option<String>,
    /// Who begins it, as the audit log names them.
    pub by: String,
}

/// A sign-in that was begun.
pub struct BegunSignIn {
    /// The connection: `pending` if it is new, else as it was until somebody has signed in.
    pub connection: Connection,
    /// The provider's name, as it stands in our paths.
    pub provider: &'static str,
    /// What the link ends with. Whoever has it may sign in for the connection, and nothing else.
    pub ticket: SecretString,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// On the way to the provider.
pub struct Departure {
    /// Where the browser goes.
    pub url: Url,
    /// What it must bring back in a cookie.
    pub browser: SecretString,
    /// How long the cookie is good for.
    pub within: Duration,
}

/// What a browser came back with.
#[derive(Default)]
pub struct Return {
    /// The state it left with.
    pub state: Option<SecretString>,
    /// The code, if the provider gave one.
    pub code: Option<SecretString>,
    /// Why it gave none.
    pub error: Option<String>,
    /// Who says so (RFC 9207).
    pub iss: Option<String>,
    /// The data centre's sign-in, where there are several.
    pub accounts: Option<String>,
    /// The cookie.
    pub browser: Option<SecretString>,
}

/// Somebody has signed in.
pub struct SignedIn {
    /// The connection as it was.
    pub before: Connection,
    /// As it is now: active, or paused still.
    pub connection: Connection,
    /// What the CRM calls the account.
    pub name: String,
}

impl Doors {
    /// Begins a sign-in: the link may be opened for a day, until somebody has signed in. A new
    /// connection is `pending`; one that is there stays as it is, with the settings that are given. `None`
    /// where somebody has changed it since it had that revision; then nothing is begun.
    ///
    /// # Errors
    /// [`ConnectionError`] for what was given, or when our client with the provider is missing; `Database`.
    pub async fn begin_sign_in(
        &self,
        wanted: WantedSignIn,
    ) -> ConnectionResult<Option<BegunSignIn>> {
        let connections = self.connections();
        let new = wanted.connection;
        let checked = new.clone().check_without_secrets(connections.adapters())?;
        let method = checked.adapter.crm().auth_method(&checked.auth_method);
        let Some(Grant::Code(provider)) = method.map(|method| method.grant) else {
            let reason = "is none by which somebody signs in";
            return Err(ConnectionError::refused("auth_method", reason));
        };
        let environment = known_environment(provider, wanted.environment.as_deref())?;
        let client = connections.client(provider.name, environment.name).await?;
        client.ok_or(ConnectionError::refused(
            "crm",
            "has no client of ours yet: `leadrail provider set` gives it",
        ))?;
        let Some(id) = connections.reserve(new, wanted.revision).await? else {
            return Ok(None);
        };
        let ticket = random()?;
        let link = rows::NewLink {
            hash: hash(&ticket),
            connection: id,
            provider: provider.name,
            environment: environment.name,
            by: &wanted.by,
            lasts: LINK_LIFE,
        };
        let expires_at = rows::put_link(connections.access(), &link).await?;
        Ok(Some(BegunSignIn {
            connection: connections.get(id).await?,
            provider: provider.name,
            ticket,
            expires_at,
        }))
    }

    /// Sends a browser that opened a link to the provider. `callback` is where it is to come back to.
    ///
    /// # Errors
    /// [`SignInError::NoLink`], `NotSetUp` or `Connection`.
    pub async fn depart(
        &self,
        provider: &str,
        ticket: &SecretString,
        callback: &Url,
    ) -> Result<Departure, SignInError> {
        let provider = code_provider(provider).map_err(|_| SignInError::NoLink)?;
        let connections = self.connections();
        let link = rows::link(connections.access(), provider.name, hash(ticket)).await;
        let link = link
            .map_err(ConnectionError::from)?
            .ok_or(SignInError::NoLink)?;
        let (environment, client) = self.client_of(provider, &link.environment).await?;
        let (state, browser) = (random()?, random()?);
        let going = rows::Going {
            state: hash(&state),
            browser: hash(&browser),
            link: &link,
            provider: provider.name,
            lasts: STATE_LIFE,
        };
        let noted = rows::put_sign_in(connections.access(), &going).await;
        noted.map_err(ConnectionError::from)?;
        let page = placed(environment.authorize_url, None, client.base_url.as_ref());
        let page = page.ok_or_else(|| not_set_up(provider))?;
        Ok(Departure {
            url: authorize_url(provider, (page, callback), &client, (&state, &browser)),
            browser,
            within: STATE_LIFE,
        })
    }

    /// Takes in who came back from the provider. The state is used up, whatever comes of it.
    ///
    /// # Errors
    /// All of [`SignInError`] but `NoLink`.
    pub async fn arrive(
        &self,
        provider: &str,
        back: &Return,
        callback: &Url,
    ) -> Result<SignedIn, SignInError> {
        let provider = code_provider(provider).map_err(|_| SignInError::Again)?;
        let title = provider.title;
        let arrival = self.arrival(provider, back).await?;
        let (environment, client) = self.client_of(provider, &arrival.environment).await?;
        if !is_from(provider, environment, &client, back) {
            return Err(SignInError::Stranger { title });
        }
        if let Some(error) = &back.error {
            return Err(said_no(title, error));
        }
        let code = back.code.as_ref().ok_or(SignInError::Again)?;
        // Before the client's secret goes anywhere.
        let centre = centre(environment, back).ok_or(SignInError::Stranger { title })?;
        let url = placed(environment.token_url, centre, client.base_url.as_ref());
        let url = url.ok_or_else(|| not_set_up(provider))?;
        let around = (self.http(), REDEEMED_WITHIN);
        let exchange = Exchange::new(provider, url, &client.pair, around);
        let verifier = verifier(provider, back);
        let tokens = exchange.redeem(code, callback, verifier).await;
        let tokens = tokens.map_err(|fault| unredeemed(provider, fault))?;
        let api = match client.base_url {
            // A simulator or a proxy: it takes the place of all addresses, also of those that are told.
            Some(given) => Some(given),
            None => tokens
                .api(provider)
                .map_err(|_| SignInError::Stranger { title })?
                .or_else(|| of_text(centre.map(|centre| centre.api)))
                .or_else(|| of_text(environment.api)),
        };
        self.take_in(provider, &arrival, &tokens, (api, centre))
            .await
    }

    /// The sign-in that a browser comes back from.
    async fn arrival(&self, provider: &Provider, back: &Return) -> Result<Arrival, SignInError> {
        let state = back.state.as_ref().ok_or(SignInError::Again)?;
        let taken = rows::take_sign_in(self.connections().access(), hash(state)).await;
        let arrival = taken
            .map_err(ConnectionError::from)?
            .ok_or(SignInError::Again)?;
        let browser = back.browser.as_ref().map(hash);
        let is_same = browser.is_some_and(|browser| browser[..] == arrival.browser_hash[..]);
        match is_same && arrival.live && arrival.provider == provider.name {
            true => Ok(arrival),
            false => Err(SignInError::Again),
        }
    }

    /// Shows the tokens to the CRM, compares the company, and keeps them.
    async fn take_in(
        &self,
        provider: &'static Provider,
        arrival: &Arrival,
        tokens: &Tokens,
        (api, centre): (Option<BaseUrl>, Option<&'static Centre>),
    ) -> Result<SignedIn, SignInError> {
        let connections = self.connections();
        let present = connections.get(arrival.connection).await;
        let present = present.map_err(|error| match error {
            ConnectionError::NotFound { .. } => SignInError::Again,
            other => other.into(),
        })?;
        let method = sign_in_method(self, &present, provider)?;
        let secrets = tokens.put_into(Secrets::new(method));
        let who = self
            .whose(&present, api.as_ref(), &secrets, provider)
            .await?;
        let identity = tokens.identity(provider).or(who.id);
        if !tokens.has_refresh_token() {
            tracing::warn!(connection.id = %present.id, "{} gave no refresh token: the connection ends with its access token", provider.title);
        }
        let signed = rows::Signed {
            method,
            api: api.as_ref(),
            environment: &arrival.environment,
            centre: centre.map(|centre| centre.name),
            identity: identity.as_deref(),
            name: &who.name,
            life: tokens.life,
        };
        let kept = connections.keep_sign_in(present, &secrets, &signed).await?;
        match kept {
            Kept::Yes { before, now } => Ok(SignedIn {
                before: *before,
                connection: *now,
                name: who.name,
            }),
            Kept::OtherCompany { old } => Err(SignInError::OtherCompany {
                old: old.unwrap_or_else(|| "another company".to_owned()),
                new: who.name,
            }),
            Kept::Elsewhere => Err(SignInError::Elsewhere { new: who.name }),
            Kept::Gone => Err(SignInError::Again),
        }
    }

    /// Whose tokens these are, as the CRM says.
    async fn whose(
        &self,
        present: &Connection,
        api: Option<&BaseUrl>,
        secrets: &Secrets,
        provider: &'static Provider,
    ) -> Result<AccountInfo, SignInError> {
        let title = provider.title;
        let known = self.adapter(&present.crm);
        let adapter = known.map_err(|_| not_set_up(provider))?;
        let session = self.session(adapter, api, &present.settings, secrets.clone());
        let session = session.map_err(|_| not_set_up(provider))?;
        let checked = adapter.check(&session).await;
        checked.map_err(|error| match error {
            AdapterError::Auth(_) => SignInError::Refused {
                title,
                code: error.reason().to_owned(),
            },
            AdapterError::Forbidden(_) | AdapterError::Setup(_) | AdapterError::Rejected(_) => {
                SignInError::NotAllowed {
                    title,
                    detail: error.detail().to_owned(),
                }
            }
            _ => SignInError::Away { title },
        })
    }

    async fn client_of(
        &self,
        provider: &'static Provider,
        environment: &str,
    ) -> Result<(&'static Environment, OpenClient), SignInError> {
        let environment = provider.environment(Some(environment));
        let environment = environment.ok_or_else(|| not_set_up(provider))?;
        let found = self.connections().client(provider.name, environment.name);
        let client = found.await?.ok_or_else(|| not_set_up(provider))?;
        Ok((environment, client))
    }
}

/// The way into the CRM that this provider's tokens are for.
fn sign_in_method(
    doors: &Doors,
    connection: &Connection,
    provider: &'static Provider,
) -> Result<&'static str, SignInError> {
    let known = doors.adapter(&connection.crm);
    let adapter = known.map_err(|_| not_set_up(provider))?;
    let is_ours = |grant: Grant| matches!(grant, Grant::Code(of) if of.name == provider.name);
    let mut methods = adapter.crm().auth.iter();
    let method = methods.find(|method| is_ours(method.grant));
    Ok(method.ok_or_else(|| not_set_up(provider))?.id)
}

fn of_text(url: Option<&str>) -> Option<BaseUrl> {
    url.and_then(|url| BaseUrl::parse(url).ok())
}

/// 256 random bits in 43 letters that may stand in a URL and a cookie.
fn random() -> ConnectionResult<SecretString> {
    let bytes = random_bytes::<32>().map_err(|_: VaultError| ConnectionError::NoRandomness)?;
    Ok(SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

fn hash(secret: &SecretString) -> [u8; 32] {
    Sha256::digest(secret.expose_secret()).into()
}
