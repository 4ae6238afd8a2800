//! Where credentials come from and what they open: keys given by hand, and OAuth 2 tokens.
//!
//! One office serves one CRM. It issues access tokens for `client_credentials`,
//! `authorization_code` and `refresh_token` (RFC 6749), each only where the CRM does, forgets them
//! after their life by the stand-in's own clock, and lets a CRM's rule decide what becomes of a
//! refresh token that was used. All tokens that descend from one consent are a family: a reused
//! single-use token or a redeemed code that comes again may end the whole family. A company's
//! tokens open that company and no other.

mod answer;
mod consent;
mod control;
mod counts;
mod issuing;
mod keys;
mod request;

pub(crate) use answer::Refusal;
pub(crate) use control::TokenChange;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::call::Call;
use crate::clock;
use crate::lock;
use crate::reply::Reply;
use counts::Counts;
use keys::Keys;
use request::{Asked, TokenRequest};

/// The client of a CRM whose app has one client for all companies.
const APP: &str = "sim-app";

/// How a CRM's token endpoint works.
#[derive(Clone, Copy)]
pub(crate) struct TokenRules {
    /// What it issues tokens for.
    pub(crate) grants: &'static [Grant],
    /// How long an access token lives.
    pub(crate) life: Duration,
    /// Whether it reads JSON beside form-encoded bodies.
    pub(crate) reads_json: bool,
    /// Whether each company has a client of its own, or the app one for all.
    pub(crate) clients: Clients,
    /// What a refresh token is worth after its use.
    pub(crate) refresh: Refresh,
}

/// What a token is asked for with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grant {
    ClientCredentials,
    AuthorizationCode,
    RefreshToken,
}

/// Whose a client is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    /// A client is one company's own; its id is a key.
    PerCompany,
    /// The app is the only client, [`APP`].
    App,
}

/// What a refresh token is worth after its use.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Refresh {
    /// As much as before; the answer holds the same one.
    Lasting,
    /// The same answer again for so long; then nothing.
    Grace { ms: u64 },
    /// Nothing, and its use again is refused. `reuse_revokes`: it ends the whole family too.
    SingleUse { reuse_revokes: bool },
}

/// The office of one CRM.
pub(crate) struct TokenOffice {
    rules: TokenRules,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Keys,
    life: Option<Duration>,
    secrets: HashMap<String, Vec<String>>,
    refresh_rule: Option<Refresh>,
    families: Vec<Family>,
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, RefreshToken>,
    counts: Counts,
}

/// All tokens that come from one consent, or from one request of a client for itself.
struct Family {
    company: String,
    client: String,
    is_revoked: bool,
}

/// A company's consent, to be redeemed once.
struct Code {
    company: String,
    redirect_uri: Option<String>,
    /// What its verifier must hash to (RFC 7636, S256), where the app sent that.
    challenge: Option<String>,
    expires_at: DateTime<Utc>,
    /// The family it was redeemed for.
    redeemed: Option<usize>,
}

struct Access {
    family: usize,
    expires_at: DateTime<Utc>,
}

struct RefreshToken {
    family: usize,
    /// When it was used, and what was issued for it then.
    spent: Option<(DateTime<Utc>, issuing::Issued)>,
}

impl TokenRules {
    /// No token endpoint at all.
    pub(crate) const NONE: Self = Self {
        grants: &[],
        life: Duration::ZERO,
        reads_json: false,
        clients: Clients::PerCompany,
        refresh: Refresh::Lasting,
    };
}

impl TokenOffice {
    pub(crate) fn new(rules: TokenRules) -> Self {
        let state = Mutex::default();
        Self { rules, state }
    }

    /// The company that a key or an access token opens now.
    pub(crate) fn company_of(&self, credential: &str) -> Option<String> {
        let state = lock(&self.state);
        match state.access.get(credential) {
            Some(access) => state.opened_by(credential, access),
            None => state.keys.company_of(credential),
        }
    }

    /// The company that a token request is about, whether or not it will be granted.
    pub(crate) fn company_asking(&self, call: &Call) -> Option<String> {
        let request = TokenRequest::read(call, self.rules.reads_json).ok()?;
        let state = lock(&self.state);
        match &request.asked {
            Asked::Own => state.keys.company_of(&request.client),
            Asked::Redeem { code, .. } => Some(state.codes.get(code)?.company.clone()),
            Asked::Renew { token } => {
                let family = state.refresh.get(token)?.family;
                Some(state.families[family].company.clone())
            }
            Asked::Other => None,
        }
    }

    /// Answers a request to the token endpoint in RFC 6749's shapes.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        self.grant(call)
            .map_or_else(Refusal::into_reply, |issued| issued.to_reply())
    }

    /// Issues what a request to the token endpoint asks for, for a CRM that words refusals itself.
    pub(crate) fn grant(&self, call: &Call) -> Result<issuing::Issued, Refusal> {
        let company = self.company_asking(call);
        let result = TokenRequest::read(call, self.rules.reads_json)
            .and_then(|request| lock(&self.state).issue(&self.rules, &request));
        let is_renewal = result.as_ref().is_ok_and(|issued| issued.is_renewal);
        lock(&self.state)
            .counts
            .note(company, result.is_ok().then_some(is_renewal));
        result
    }

    /// Takes down a company's consent; the code for it can be redeemed once, with the verifier of the
    /// challenge if there is one.
    fn consent(
        &self,
        company: &str,
        redirect_uri: Option<&str>,
        challenge: Option<&str>,
    ) -> String {
        lock(&self.state).consent(company, redirect_uri, challenge)
    }

    /// Carries a change of the control API out; the JSON is what was issued, if anything.
    pub(crate) fn change(&self, change: TokenChange) -> Option<Value> {
        lock(&self.state).change(&self.rules, change)
    }

    /// How many tokens were issued, refreshed and refused, in all and by company.
    pub(crate) fn counts(&self) -> Value {
        lock(&self.state).counts.show()
    }

    pub(crate) fn clear_counts(&self) {
        lock(&self.state).counts = Counts::default();
    }
}

impl State {
    fn opened_by(&self, token: &str, access: &Access) -> Option<String> {
        let family = &self.families[access.family];
        let is_good = clock::now() < access.expires_at
            && !family.is_revoked
            && !self.keys.is_revoked(token)
            && !self.keys.is_revoked(&family.client);
        is_good.then(|| family.company.clone())
    }

    /// Whether a secret is one of the client's; without a rule it is the id and `-secret`.
    fn has_secret(&self, client: &str, secret: &str) -> bool {
        match self.secrets.get(client) {
            Some(secrets) => secrets.iter().any(|known| known == secret),
            None => secret.strip_suffix("-secret") == Some(client),
        }
    }
}

#[cfg(test)]
mod tests;
