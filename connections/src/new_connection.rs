//! What a person gives to connect an account, checked before anything is sealed or stored.

use std::collections::BTreeMap;

use leadrail_adapters::{Adapters, CrmAdapter, Grant, Secrets, SetupError};
use leadrail_lead::{CrmName, is_unshown};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{BaseUrl, ConnectionError, ConnectionResult, ConnectionSettings};

/// An account id longer than this is a mistake.
const MAX_ID_CHARS: usize = 200;

/// CRM and method names are ours, and short.
const MAX_NAME_CHARS: usize = 50;

/// The largest credential we know (a service account file) has about 3 KiB.
const MAX_SECRET_BYTES: usize = 16 * 1024;

/// Everything that makes a connection. The same account, CRM and CRM account again replaces the
/// secret and the settings of the connection that is there.
#[derive(Clone)]
pub struct NewConnection {
    /// Whose it is: the payload's `callsetter_account_id`.
    pub account: String,
    /// The CRM's name as in the payload's `routing.destination_crm`, such as `housecall_pro`.
    pub crm: String,
    /// The account on the CRM's side, where leads name one.
    pub crm_account_id: Option<String>,
    /// Overrides the CRM's own address; see [`BaseUrl`] for the rules.
    pub base_url: Option<String>,
    /// How the secrets authenticate, in the adapter's vocabulary, such as `api_key`.
    pub auth_method: String,
    /// The secrets that this way in needs, by name. Line breaks at their ends, which shells and
    /// editors add, are dropped.
    pub secrets: BTreeMap<String, SecretString>,
    /// The settings as a JSON object; see [`ConnectionSettings`] for the keys.
    pub settings: Value,
}

/// The same, checked and normalized.
pub(crate) struct CheckedConnection {
    pub(crate) adapter: &'static dyn CrmAdapter,
    pub(crate) account: String,
    pub(crate) crm: String,
    pub(crate) crm_account_id: Option<String>,
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) auth_method: String,
    pub(crate) secrets: Secrets,
    pub(crate) settings: ConnectionSettings,
}

impl NewConnection {
    /// Checks a connection that is to work at once.
    pub(crate) fn check(self, adapters: &Adapters) -> ConnectionResult<CheckedConnection> {
        let checked = self.check_all_but_secrets(adapters)?;
        let sound = checked.secrets.check(checked.adapter.crm());
        sound.map_err(|source| ConnectionError::Setup { source })?;
        let method = checked.adapter.crm().auth_method(&checked.auth_method);
        match method.map(|method| method.grant) {
            Some(Grant::Code(_)) => Err(ConnectionError::refused(
                "auth_method",
                "is a sign-in, which is begun by `leadrail connection sign-in` or POST /v1/sign-ins",
            )),
            _ => Ok(checked),
        }
    }

    /// For a connection that nobody has signed in to: it has none.
    pub(crate) fn check_without_secrets(
        self,
        adapters: &Adapters,
    ) -> ConnectionResult<CheckedConnection> {
        if !self.secrets.is_empty() {
            let reason = "must not be given yet: nobody has signed in";
            return Err(ConnectionError::refused("secrets", reason));
        }
        let checked = self.check_all_but_secrets(adapters)?;
        let crm = checked.adapter.crm();
        match crm.auth_method(&checked.auth_method) {
            Some(_) => Ok(checked),
            None => Err(ConnectionError::Setup {
                source: SetupError::unknown_method(crm),
            }),
        }
    }

    fn check_all_but_secrets(self, adapters: &Adapters) -> ConnectionResult<CheckedConnection> {
        let base_url = self.base_url.as_deref().map(BaseUrl::parse).transpose();
        let account = id_text("account", self.account)?;
        let adapter = adapter(adapters, &self.crm)?;
        let auth_method = name("auth_method", self.auth_method)?;
        let secrets = secrets(&auth_method, self.secrets)?;
        let settings = ConnectionSettings::parse(adapter.crm(), &self.settings);
        Ok(CheckedConnection {
            adapter,
            account,
            crm: self.crm,
            crm_account_id: crm_account_id(self.crm_account_id)?,
            base_url: base_url.map_err(|source| ConnectionError::BaseUrl { source })?,
            auth_method,
            secrets,
            settings: settings.map_err(|source| ConnectionError::Settings { source })?,
        })
    }
}

fn adapter(adapters: &Adapters, crm: &str) -> ConnectionResult<&'static dyn CrmAdapter> {
    let known = CrmName::new(name("crm", crm.to_owned())?).ok();
    known
        .and_then(|crm| adapters.get(&crm))
        .ok_or(ConnectionError::refused(
            "crm",
            "is none that we can file leads in",
        ))
}

fn secrets(method: &str, given: BTreeMap<String, SecretString>) -> ConnectionResult<Secrets> {
    let mut secrets = Secrets::new(method);
    for (name, value) in given {
        let value = secret(&value)?;
        secrets = secrets.with(name, value);
    }
    Ok(secrets)
}

/// Whether a text can be the account, CRM account or CRM of any connection at all.
pub(crate) fn is_id_text(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.chars().take(MAX_ID_CHARS + 1).count())
        && !text.contains(is_unshown)
        && text.trim() == text
}

/// What a connection may have as the account on the CRM's side.
///
/// # Errors
/// [`ConnectionError::Refused`].
pub fn crm_account_id(given: Option<String>) -> ConnectionResult<Option<String>> {
    given.map(|id| id_text("crm_account_id", id)).transpose()
}

fn id_text(field: &'static str, text: String) -> ConnectionResult<String> {
    if is_id_text(&text) {
        return Ok(text);
    }
    let reason = "must have 1 to 200 characters, all of them shown, and no space at either end";
    Err(ConnectionError::refused(field, reason))
}

fn name(field: &'static str, text: String) -> ConnectionResult<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    if starts_well && text.len() <= MAX_NAME_CHARS && text.bytes().all(plain) {
        return Ok(text);
    }
    let reason = "must be a name of at most 50 small letters, digits and underscores, \
                  such as housecall_pro or api_key";
    Err(ConnectionError::refused(field, reason))
}

fn secret(given: &SecretString) -> ConnectionResult<SecretString> {
    let text = given.expose_secret().trim_end_matches(['\r', '\n']);
    if text.len() > MAX_SECRET_BYTES {
        return Err(ConnectionError::refused(
            "secret",
            "must have at most 16 KiB",
        ));
    }
    if text.trim().is_empty() {
        return Err(ConnectionError::refused("secret", "must not be empty"));
    }
    if text.contains('\0') {
        return Err(ConnectionError::refused(
            "secret",
            "must be text without zero bytes",
        ));
    }
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use leadrail_adapters::Adapters;
    use secrecy::{ExposeSecret, SecretString};
    use serde_json::json;

    use super::{CheckedConnection, NewConnection};
    use crate::{ConnectionError, ConnectionResult};

    fn api_key(secret: &str) -> BTreeMap<String, SecretString> {
        BTreeMap::from([("api_key".to_owned(), SecretString::from(secret))])
    }

    fn check(new: NewConnection) -> ConnectionResult<CheckedConnection> {
        new.check(&Adapters::all())
    }

    fn valid() -> NewConnection {
        NewConnection {
            account: "acct_1".into(),
            crm: "housecall_pro".into(),
            crm_account_id: Some("hcp_tenant_4829".into()),
            base_url: Some("https://api.example.com/".into()),
            auth_method: "api_key".into(),
            secrets: api_key("canary"),
            settings: json!({}),
        }
    }

    fn refusal(change: impl FnOnce(&mut NewConnection)) -> Option<String> {
        let mut new = valid();
        change(&mut new);
        check(new).err().map(|error| match error {
            ConnectionError::Refused { field, .. } => field.to_owned(),
            other => other.to_string(),
        })
    }

    #[test]
    fn a_pasted_secret_loses_its_last_line_break_and_nothing_else() {
        let mut new = valid();
        new.secrets = api_key(" key with spaces \r\n");
        let Ok(checked) = check(new) else {
            panic!("a line break at the end is no fault");
        };
        let kept: Vec<&str> = checked
            .secrets
            .iter()
            .map(|(_, secret)| secret.expose_secret())
            .collect();
        assert_eq!(kept, [" key with spaces "]);
    }

    #[test]
    fn wrong_and_hostile_input_is_refused_by_field() {
        for bad in ["", " a", "a ", "a\nb", "a\0b", &"x".repeat(201)] {
            assert_eq!(
                refusal(|new| new.account = bad.into()).as_deref(),
                Some("account")
            );
            let refused = refusal(|new| new.crm_account_id = Some(bad.into()));
            assert_eq!(refused.as_deref(), Some("crm_account_id"));
        }
        for bad in [
            "",
            "Housecall",
            "house-call",
            "1crm",
            "no_such_crm",
            "a b",
            "é",
            &"x".repeat(51),
        ] {
            assert_eq!(refusal(|new| new.crm = bad.into()).as_deref(), Some("crm"));
        }
        for bad in ["", "API", "api-key", "1key", "é", &"x".repeat(51)] {
            assert_eq!(
                refusal(|new| new.auth_method = bad.into()).as_deref(),
                Some("auth_method")
            );
        }
        for bad in ["", "\n", "  ", "a\0b", &"x".repeat(16 * 1024 + 1)] {
            assert_eq!(
                refusal(|new| new.secrets = api_key(bad)).as_deref(),
                Some("secret")
            );
        }
        let missing = refusal(|new| new.secrets.clear()).expect("refused");
        assert_eq!(missing, "Housecall Pro needs the secret \"api_key\"");
        let unknown = |new: &mut NewConnection| {
            new.secrets.insert("app_key".into(), "canary".into());
        };
        let unknown = refusal(unknown).expect("refused");
        assert!(
            unknown.contains("has no secret named like that; it has: api_key"),
            "{unknown}"
        );
        let method = refusal(|new| new.auth_method = "carrier_pigeon".into());
        assert!(
            method
                .expect("refused")
                .contains("api_key, oauth, bearer_token")
        );
        let base_url = refusal(|new| new.base_url = Some("http://169.254.169.254".into()));
        assert_eq!(base_url.as_deref(), Some("the base URL is not usable"));
        let settings = refusal(|new| new.settings = json!({"colour": "red"}));
        assert_eq!(settings.as_deref(), Some("the settings are not usable"));
    }

    #[test]
    fn any_script_may_name_an_account() {
        assert_eq!(
            refusal(|new| new.account = "Müller & Söhne 水".into()),
            None
        );
        assert_eq!(refusal(|new| new.account = "水".repeat(200)), None);
    }
}
