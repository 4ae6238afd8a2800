//! How CRMs let us in by OAuth 2.0, as data: what a provider of tokens says of itself.
//!
//! The rows are in `oauth/providers.rs`; nothing here calls anybody. `connections` reads them to sign in, to
//! renew and to keep tokens.

mod providers;

use std::time::Duration;

use serde::Serialize;

pub(crate) use self::providers::{
    GOHIGHLEVEL, HOUSECALL_PRO, HUBSPOT, JOBBER, PIPEDRIVE, SERVICETITAN,
};
pub use self::providers::{PROVIDERS, provider};

/// Who issues the tokens of one CRM.
#[derive(Debug, Serialize)]
pub struct Provider {
    /// The CRM's name, which also stands in our callback's path: `jobber`.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// How its tokens are had.
    pub flow: Flow,
    /// The installations it has, the usual one first. Never empty.
    pub environments: &'static [Environment],
    /// What we ask to be allowed; empty where that is fixed with the app.
    pub scopes: &'static [&'static str],
    /// What stands between two scopes.
    pub scope_separator: char,
    /// Whether the authorization request carries a PKCE challenge (S256, RFC 7636).
    pub pkce: bool,
    /// Where a token request says who we are.
    pub client_auth: ClientAuth,
    /// How a token request's body is written.
    pub body: BodyStyle,
    /// More parameters of the page where somebody lets us in.
    pub authorize_parameters: &'static [(&'static str, &'static str)],
    /// More fields of token requests.
    pub token_fields: &'static [(&'static str, &'static str)],
    /// Fields of token requests that are secrets of the connection, by the secret's name.
    pub own_fields: &'static [(&'static str, &'static str)],
    /// What a refresh token is worth once it was used.
    pub refresh: RefreshToken,
    /// How long an access token lives.
    pub life: Life,
    /// The `iss` of its answers (RFC 9207), where it is known; without it that of the page is expected.
    pub issuer: Option<&'static str>,
    /// Which account was let in.
    pub identity: Identity,
    /// Where the account's API is.
    pub api: ApiAddress,
    /// The error codes by which it says that a grant is gone, besides `invalid_grant`.
    pub gone: &'static [&'static str],
}

/// How tokens are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// A person lets our app in (RFC 6749, 4.1); we have a client of our own.
    Code,
    /// The account has a client of its own (RFC 6749, 4.4).
    ClientCredentials,
}

/// One installation of a provider.
#[derive(Debug, Serialize)]
pub struct Environment {
    /// `production`, `sandbox`, ...
    pub name: &'static str,
    /// Where a person lets us in; empty where nobody does.
    pub authorize_url: &'static str,
    /// Where tokens are asked for.
    pub token_url: &'static str,
    /// The API's address, where it is not the CRM's usual one.
    pub api: Option<&'static str>,
    /// Its data centres. Where there are any, the answer of the sign-in names one.
    pub centres: &'static [Centre],
}

/// A data centre: an account lives in one, and is known in no other.
#[derive(Debug, Serialize)]
pub struct Centre {
    /// What the provider calls it: `eu`.
    pub name: &'static str,
    /// The origin of its sign-in, which takes the place of the usual one's.
    pub accounts: &'static str,
    /// The API's address.
    pub api: &'static str,
}

/// Where a token request says who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `client_id` and `client_secret` in the body.
    Body,
    /// HTTP Basic.
    Basic,
}

/// How a token request's body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyStyle {
    /// `application/x-www-form-urlencoded`, as RFC 6749 says.
    Form,
    /// A JSON object of texts.
    Json,
}

/// What a refresh token is worth once it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshToken {
    /// There is none: tokens are asked for again with the client's own secret.
    None,
    /// As much as before.
    Lasting,
    /// Nothing. Used a second time, it may cost the account its whole grant, so it never is while we
    /// do not know what became of the first.
    OneUse,
    /// For so long the same answer again; then nothing.
    Grace(Duration),
}

impl RefreshToken {
    /// Whether it may be used again so long after a use of which no answer came.
    #[must_use]
    pub fn may_be_used_again(self, after: Duration) -> bool {
        match self {
            Self::None | Self::Lasting => true,
            Self::OneUse => false,
            Self::Grace(grace) => after < grace,
        }
    }
}

/// How long an access token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// As `expires_in` says; so long where it says nothing.
    Told(Duration),
    /// Until the `exp` of the token itself, a JWT that we read and do not check; so long where it has
    /// none.
    InToken(Duration),
}

impl Life {
    /// So long where nothing says how long.
    #[must_use]
    pub fn usual(self) -> Duration {
        match self {
            Self::Told(usual) | Self::InToken(usual) => usual,
        }
    }
}

/// Which account was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The id that the CRM's live check tells ([`CrmAdapter::check`](crate::CrmAdapter::check)).
    Check,
    /// The first of these fields that the answer with the tokens has.
    Told(&'static [&'static str]),
}

/// Where the account's API is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiAddress {
    /// The same for all accounts of an environment.
    Fixed,
    /// In a field of the answer with the tokens. Only a host that is one of these, or below one, is
    /// believed: calls with the account's tokens go there.
    Told {
        /// The field.
        field: &'static str,
        /// The domains.
        below: &'static [&'static str],
    },
}

/// Whether an error code speaks of the client that asked, and not of what it asked with (RFC 6749, 5.2).
#[must_use]
pub fn is_of_client(code: &str) -> bool {
    matches!(code, "invalid_client" | "unauthorized_client")
}

impl Provider {
    /// The environment of that name; the usual one without a name.
    #[must_use]
    pub fn environment(&self, name: Option<&str>) -> Option<&'static Environment> {
        match name {
            None => self.environments.first(),
            Some(name) => self
                .environments
                .iter()
                .find(|environment| environment.name == name),
        }
    }

    /// Whether an error code says that the grant is gone, which only a person can mend.
    #[must_use]
    pub fn says_gone(&self, code: &str) -> bool {
        code == "invalid_grant"
            || self.gone.contains(&code)
            // A client of the account's own is its grant.
            || (self.flow == Flow::ClientCredentials && is_of_client(code))
    }
}

impl Environment {
    /// The data centre whose sign-in this is, by its origin as the provider writes it.
    #[must_use]
    pub fn centre(&self, accounts: &str) -> Option<&'static Centre> {
        let accounts = accounts.trim_end_matches('/');
        self.centres
            .iter()
            .find(|centre| centre.accounts == accounts)
    }
}
