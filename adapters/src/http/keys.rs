//! Secrets, checked for their way in, and what takes them out of any text.

use super::error::SetupError;
use super::evidence::Scrubber;
use super::request::CrmRequest;
use super::secrets::{SecretVersion, Secrets};
use super::target::Target;
use super::wire::{MASK, Wire};
use crate::info::{AuthMethod, CrmInfo};

/// Secrets that fit a way in.
pub(crate) struct Keys {
    auth: &'static AuthMethod,
    secrets: Secrets,
    pub(crate) scrubber: Scrubber,
}

impl Keys {
    /// Checks the secrets, or says what a person has to mend.
    pub(crate) fn new(crm: &'static CrmInfo, secrets: Secrets) -> Result<Self, SetupError> {
        let auth = crm
            .auth_method(secrets.method())
            .ok_or_else(|| SetupError::unknown_method(crm))?;
        if !secrets.iter().all(|(name, _)| auth.knows(name)) {
            return Err(SetupError::unknown_secret(crm, auth));
        }
        // What never stands in a request has no business here: a refresh token, a client's secret.
        let sent = auth.sent();
        let secrets = secrets.only(&sent);
        for name in sent {
            check(crm, name, secrets.expose(name))?;
        }
        let names: Vec<&str> = secrets.iter().map(|(name, _)| name).collect();
        let mut texts: Vec<String> = names
            .iter()
            .map(|name| secrets.expose(name).into())
            .collect();
        texts.extend(encoded(crm, auth, &secrets));
        let scrubber = Scrubber::new(texts.iter().map(String::as_str));
        Ok(Self {
            auth,
            secrets,
            scrubber,
        })
    }

    /// Whether these are the secrets that a person gives for their way in, and can be sent.
    pub(super) fn check_given(crm: &'static CrmInfo, secrets: &Secrets) -> Result<(), SetupError> {
        let auth = crm
            .auth_method(secrets.method())
            .ok_or_else(|| SetupError::unknown_method(crm))?;
        let given = |name: &str| auth.secrets.iter().any(|secret| secret.name == name);
        if !secrets.iter().all(|(name, _)| given(name)) {
            return Err(SetupError::unknown_secret(crm, auth));
        }
        let mut needed = auth.secrets.iter();
        needed.try_for_each(|secret| check(crm, secret.name, secrets.expose(secret.name)))
    }

    pub(crate) fn version(&self) -> SecretVersion {
        self.secrets.version()
    }

    /// A request with these secrets in it.
    pub(crate) fn wire(&self, request: &CrmRequest, target: &Target) -> Wire {
        let secret = |name: &str| self.secrets.expose(name).to_owned();
        Wire::of(request, target, self.auth, secret)
    }

    /// The same request with masks in the places of the secrets.
    pub(crate) fn masked(&self, request: &CrmRequest, target: &Target) -> Wire {
        Wire::of(request, target, self.auth, |_| MASK.to_owned())
    }
}

fn check(crm: &CrmInfo, name: &'static str, secret: &str) -> Result<(), SetupError> {
    if secret.is_empty() {
        return Err(SetupError::MissingSecret {
            crm: crm.title,
            name,
        });
    }
    // No CRM gives out others; a pasted one has caught something on the way.
    let sendable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    match secret.bytes().all(sendable) {
        true => Ok(()),
        false => Err(SetupError::MalformedSecret { name }),
    }
}

/// What the secrets look like where they are encoded together, as in HTTP Basic.
fn encoded(crm: &'static CrmInfo, auth: &AuthMethod, secrets: &Secrets) -> Vec<String> {
    let Ok(target) = Target::new(crm) else {
        return Vec::new();
    };
    let secret = |name: &str| secrets.expose(name).to_owned();
    let wire = Wire::of(&CrmRequest::get("/"), &target, auth, secret);
    let values = wire.headers.iter().filter(|header| header.sensitive);
    values
        .filter_map(|header| header.value.strip_prefix("Basic "))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::scripted_crm::EXAMPLE;

    fn open(method: &str, name: &str, secret: &str) -> Result<Keys, SetupError> {
        let secrets = Secrets::new(method).with(name, SecretString::from(secret));
        Keys::new(&EXAMPLE, secrets)
    }

    fn authorization(keys: &Keys) -> String {
        let target = Target::new(&EXAMPLE).unwrap();
        let wire = keys.wire(&CrmRequest::get("/company"), &target);
        let found = wire.headers.into_iter().find(|header| header.sensitive);
        found.unwrap().value
    }

    #[test]
    fn each_way_in_makes_its_own_header() {
        let key = open("api_key", "api_key", "k-1234").unwrap();
        assert_eq!(authorization(&key), "Token k-1234");
        let token = open("bearer_token", "access_token", "t-1234").unwrap();
        assert_eq!(authorization(&token), "Bearer t-1234");
    }

    #[test]
    fn a_key_pasted_with_its_line_break_still_works() {
        let keys = open("api_key", "api_key", " k-1234\r\n").unwrap();
        assert_eq!(authorization(&keys), "Token k-1234");
    }

    #[test]
    fn unusable_secrets_open_nothing() {
        let fault = |method, name, secret| open(method, name, secret).err().unwrap();
        let missing = SetupError::MissingSecret {
            crm: "Example CRM",
            name: "api_key",
        };
        assert_eq!(fault("api_key", "api_key", " \n"), missing);
        let unknown = fault("api_key", "other", "k-1234").to_string();
        assert!(unknown.ends_with("it has: api_key"), "{unknown}");
        for secret in ["k\r\nx-evil: 1", "k\0", "kéy"] {
            let malformed = SetupError::MalformedSecret { name: "api_key" };
            assert_eq!(fault("api_key", "api_key", secret), malformed);
        }
        let unknown = fault("basic", "api_key", "k").to_string();
        assert!(unknown.contains("api_key, bearer_token"), "{unknown}");
    }
}
