//! What the control API can change: keys, secrets, lives, and whose tokens end.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refresh, State, TokenRules};
use crate::clock;

/// One change of keys or tokens, the body of `POST /_sim/{crm}/tokens`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum TokenChange {
    /// The key opens the company.
    Allow { key: String, company: String },
    /// A key, a token, or all that a company was issued is refused from now on.
    Revoke(Revoked),
    /// Access tokens issued so far have expired.
    Expire(Whose),
    /// Access tokens issued from now on live so many milliseconds.
    LifeMs(u64),
    /// What a used refresh token is worth from now on, whatever this CRM does.
    Refresh(Refresh),
    /// The client's only secrets from now on.
    Secrets {
        client: String,
        secrets: Vec<String>,
    },
    /// A company consents: a code is issued.
    Code {
        company: String,
        redirect_uri: Option<String>,
    },
    /// A company has consented: its first tokens are issued.
    Grant { company: String },
}

/// What is refused from now on.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", untagged)]
pub(crate) enum Revoked {
    /// A key, a client id, an access token or a refresh token.
    Key { key: String },
    /// Every token issued to the company so far, and its codes; its keys stay.
    Company { company: String },
}

/// One company, or all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    company: Option<String>,
}

impl State {
    /// Carries a change out; the JSON is what was issued, if anything.
    pub(super) fn change(&mut self, rules: &TokenRules, change: TokenChange) -> Option<Value> {
        match change {
            TokenChange::Allow { key, company } => self.keys.allow(key, company),
            TokenChange::Revoke(Revoked::Key { key }) => self.keys.revoke(key),
            TokenChange::Revoke(Revoked::Company { company }) => self.disconnect(&company),
            TokenChange::Expire(Whose { company }) => self.expire(company.as_deref()),
            TokenChange::LifeMs(ms) => self.life = Some(Duration::from_millis(ms)),
            TokenChange::Refresh(rule) => self.refresh_rule = Some(rule),
            TokenChange::Secrets { client, secrets } => {
                self.secrets.insert(client, secrets);
            }
            TokenChange::Code {
                company,
                redirect_uri,
            } => {
                return Some(
                    json!({"code": self.consent(&company, redirect_uri.as_deref(), None)}),
                );
            }
            TokenChange::Grant { company } => return Some(self.grant(rules, &company).to_json()),
        }
        None
    }

    fn disconnect(&mut self, company: &str) {
        let theirs = self.families.iter_mut();
        theirs
            .filter(|family| family.company == company)
            .for_each(|family| family.is_revoked = true);
        self.codes.retain(|_, code| code.company != company);
    }

    fn expire(&mut self, company: Option<&str>) {
        let now = clock::now();
        for access in self.access.values_mut() {
            let theirs = &self.families[access.family].company;
            if company.is_none_or(|company| company == theirs) {
                access.expires_at = access.expires_at.min(now);
            }
        }
    }
}
