//! Issuing tokens: the three grants, rotation, and what ends a family.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::answer::Refusal;
use super::request::{Asked, TokenRequest};
use super::{APP, Access, Clients, Code, Family, Grant, Refresh, RefreshToken, State, TokenRules};
use crate::clock;

/// How long a code waits to be redeemed.
const CODE_LIFE: Duration = Duration::from_secs(600);

/// Tokens that were issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    /// None for a client's own tokens, which need no renewal.
    pub(crate) refresh_token: Option<String>,
    pub(crate) life: Duration,
    /// It was asked for with a refresh token.
    pub(super) is_renewal: bool,
}

impl State {
    /// Checks the client, then what it brings; nothing changes unless all of it is right, but for
    /// a family that ends because its code or refresh token came twice.
    pub(super) fn issue(
        &mut self,
        rules: &TokenRules,
        request: &TokenRequest,
    ) -> Result<Issued, Refusal> {
        self.check_client(rules, request)?;
        match &request.asked {
            Asked::Own if rules.grants.contains(&Grant::ClientCredentials) => {
                let company = self.keys.company_of(&request.client);
                let company = company.ok_or(Refusal::InvalidGrant)?;
                let family = self.found(company, request.client.clone());
                Ok(self.issued(rules, family, None))
            }
            Asked::Redeem { code, redirect_uri }
                if rules.grants.contains(&Grant::AuthorizationCode) =>
            {
                self.check_verifier(code, request.verifier.as_deref())?;
                self.redeem(rules, (code, redirect_uri.as_deref()), &request.client)
            }
            Asked::Renew { token } if rules.grants.contains(&Grant::RefreshToken) => {
                self.renew(rules, token, &request.client)
            }
            _ => Err(Refusal::UnsupportedGrantType),
        }
    }

    /// A family with its first tokens, as if a code had been redeemed.
    pub(super) fn grant(&mut self, rules: &TokenRules, company: &str) -> Issued {
        let client = match rules.clients {
            Clients::App => APP.to_owned(),
            Clients::PerCompany => format!("sim-{company}"),
        };
        let family = self.found(company.to_owned(), client);
        let renewable = rules.grants.contains(&Grant::RefreshToken);
        let token = renewable.then(|| self.refresh_token(family));
        self.issued(rules, family, token)
    }

    pub(super) fn consent(
        &mut self,
        company: &str,
        redirect_uri: Option<&str>,
        challenge: Option<&str>,
    ) -> String {
        let code = random("code");
        let consent = Code {
            company: company.to_owned(),
            redirect_uri: redirect_uri.map(str::to_owned),
            challenge: challenge.map(str::to_owned),
            expires_at: clock::now() + CODE_LIFE,
            redeemed: None,
        };
        self.codes.insert(code.clone(), consent);
        code
    }

    fn check_client(&self, rules: &TokenRules, request: &TokenRequest) -> Result<(), Refusal> {
        let is_known = match rules.clients {
            Clients::App => request.client == APP && !self.keys.is_revoked(APP),
            Clients::PerCompany => self.keys.company_of(&request.client).is_some(),
        };
        if is_known && self.has_secret(&request.client, &request.secret) {
            return Ok(());
        }
        let is_basic = request.is_basic;
        Err(Refusal::InvalidClient { is_basic })
    }

    fn redeem(
        &mut self,
        rules: &TokenRules,
        (code, redirect_uri): (&str, Option<&str>),
        client: &str,
    ) -> Result<Issued, Refusal> {
        let consent = self.codes.get(code).ok_or(Refusal::InvalidGrant)?;
        if let Some(family) = consent.redeemed {
            self.families[family].is_revoked = true;
            return Err(Refusal::InvalidGrant);
        }
        let asked = consent.redirect_uri.as_deref();
        let is_elsewhere = asked.is_some() && asked != redirect_uri;
        if is_elsewhere || consent.expires_at <= clock::now() {
            return Err(Refusal::InvalidGrant);
        }
        let family = self.found(consent.company.clone(), client.to_owned());
        if let Some(consent) = self.codes.get_mut(code) {
            consent.redeemed = Some(family);
        }
        let token = self.refresh_token(family);
        Ok(self.issued(rules, family, Some(token)))
    }

    fn renew(&mut self, rules: &TokenRules, token: &str, client: &str) -> Result<Issued, Refusal> {
        let known = self.refresh.get_mut(token).ok_or(Refusal::InvalidGrant)?;
        let family = &mut self.families[known.family];
        if family.is_revoked || family.client != client || self.keys.is_revoked(token) {
            return Err(Refusal::InvalidGrant);
        }
        let rule = self.refresh_rule.unwrap_or(rules.refresh);
        let number = known.family;
        if let Some((at, issued)) = &known.spent {
            match rule {
                Refresh::Grace { ms }
                    if clock::now() - *at < TimeDelta::milliseconds(ms as i64) =>
                {
                    return Ok(issued.clone());
                }
                Refresh::SingleUse { reuse_revokes } => family.is_revoked = reuse_revokes,
                Refresh::Grace { .. } | Refresh::Lasting => {}
            }
            let (company, is_revoked) = (family.company.clone(), family.is_revoked);
            self.counts.note_reuse(company, is_revoked);
            return Err(Refusal::InvalidGrant);
        }
        let next = match rule {
            Refresh::Lasting => token.to_owned(),
            Refresh::SingleUse { .. } | Refresh::Grace { .. } => self.refresh_token(number),
        };
        let issued = Issued {
            is_renewal: true,
            ..self.issued(rules, number, Some(next))
        };
        if rule != Refresh::Lasting
            && let Some(known) = self.refresh.get_mut(token)
        {
            known.spent = Some((clock::now(), issued.clone()));
        }
        Ok(issued)
    }

    /// Whether who redeems a code is who asked for it (RFC 7636, 4.6).
    fn check_verifier(&self, code: &str, verifier: Option<&str>) -> Result<(), Refusal> {
        let asked = self.codes.get(code);
        let Some(challenge) = asked.and_then(|code| code.challenge.as_deref()) else {
            return Ok(());
        };
        let hashed =
            verifier.map(|verifier| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        match hashed.as_deref() == Some(challenge) {
            true => Ok(()),
            false => Err(Refusal::InvalidGrant),
        }
    }

    fn found(&mut self, company: String, client: String) -> usize {
        self.families.push(Family {
            company,
            client,
            is_revoked: false,
        });
        self.families.len() - 1
    }

    fn issued(&mut self, rules: &TokenRules, family: usize, refresh: Option<String>) -> Issued {
        let life = self.life.unwrap_or(rules.life);
        let access_token = random("at");
        let expires_at = clock::now() + life;
        let access = Access { family, expires_at };
        self.access.insert(access_token.clone(), access);
        Issued {
            access_token,
            refresh_token: refresh,
            life,
            is_renewal: false,
        }
    }

    fn refresh_token(&mut self, family: usize) -> String {
        let token = random("rt");
        let fresh = RefreshToken {
            family,
            spent: None,
        };
        self.refresh.insert(token.clone(), fresh);
        token
    }
}

fn random(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}
