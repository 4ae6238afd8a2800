//! Keys given by hand: which opens which company.

use std::collections::HashMap;

/// Keys that start so are valid without being set up, for the company named after it.
const OPEN_PREFIX: &str = "sim-";

/// The key table of one CRM: `sim-acme` opens `acme` unless a rule says otherwise.
#[derive(Default)]
pub(super) struct Keys {
    /// `None` means revoked.
    rules: HashMap<String, Option<String>>,
}

impl Keys {
    pub(super) fn company_of(&self, key: &str) -> Option<String> {
        match self.rules.get(key) {
            Some(company) => company.clone(),
            None => key
                .strip_prefix(OPEN_PREFIX)
                .filter(|company| !company.is_empty())
                .map(str::to_owned),
        }
    }

    pub(super) fn is_revoked(&self, key: &str) -> bool {
        self.rules.get(key).is_some_and(Option::is_none)
    }

    pub(super) fn allow(&mut self, key: String, company: String) {
        self.rules.insert(key, Some(company));
    }

    pub(super) fn revoke(&mut self, key: String) {
        self.rules.insert(key, None);
    }
}
