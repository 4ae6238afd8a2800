//! The secrets of one connection.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::error::SetupError;
use super::keys::Keys;
use crate::info::CrmInfo;

/// Counts the replacements of a connection's secrets, so that a late refusal of old ones does not
/// condemn the new.
pub type SecretVersion = i32;

/// The secrets of one connection, by name, and the way in that they belong to.
#[derive(Debug, Clone)]
pub struct Secrets {
    method: String,
    version: SecretVersion,
    values: BTreeMap<String, SecretString>,
}

impl Secrets {
    /// Secrets for an [`AuthMethod`](crate::AuthMethod), by its id. None yet, of version 1.
    pub fn new(method: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            version: 1,
            values: BTreeMap::new(),
        }
    }

    /// Adds a secret. White space around it, as pasting leaves it, is dropped when it is used.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, secret: SecretString) -> Self {
        self.values.insert(name.into(), secret);
        self
    }

    /// The same secrets as a later version.
    #[must_use]
    pub fn of_version(mut self, version: SecretVersion) -> Self {
        self.version = version;
        self
    }

    /// The id of the way in.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Which replacement they are.
    #[must_use]
    pub fn version(&self) -> SecretVersion {
        self.version
    }

    /// Whether these are the secrets that a person must give for their way into the CRM, and can be
    /// sent. Those that a provider issues are not looked for.
    ///
    /// # Errors
    /// What a person has to mend.
    pub fn check(&self, crm: &'static CrmInfo) -> Result<(), SetupError> {
        Keys::check_given(crm, self)
    }

    /// Those with these names, and no others.
    pub(crate) fn only(mut self, names: &[&str]) -> Self {
        self.values.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.values
            .iter()
            .map(|(name, secret)| (name.as_str(), secret))
    }

    /// The secret of that name, as it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.values.get(name)
    }

    /// A secret as it is sent; empty where there is none of that name.
    pub(crate) fn expose(&self, name: &str) -> &str {
        let secret = self.values.get(name);
        secret.map_or("", |secret| secret.expose_secret().trim())
    }
}
