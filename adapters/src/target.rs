//! Where the requests of one connection go, and what they look like on the wire, minus secrets.
//!
//! The live call and the preview both ask a [`Target`] for URL and headers, so they cannot differ.

use std::time::Duration;

use leadrail_outbound::{BaseUrl, UrlError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::contract::{AuthMethod, CrmInfo};
use crate::request::CrmRequest;

/// How we introduce ourselves to a CRM.
pub(crate) const USER_AGENT: &str = concat!("leadrail/", env!("CARGO_PKG_VERSION"));

/// What stands in a preview where a secret stands in the request.
pub(crate) const MASK: &str = "********";

/// Why a connection cannot be used as it is configured. A person has to change it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The base URL breaks a rule for URLs that people give us.
    #[error("the base URL is not usable: {0}")]
    BaseUrl(#[from] UrlError),
    /// The CRM has no such way of authentication.
    #[error("{crm} has no authentication method named like that; it has: {known}")]
    AuthMethod {
        /// The CRM's title.
        crm: &'static str,
        /// The methods it has.
        known: String,
    },
    /// A secret is missing or blank.
    #[error("{crm} needs the secret \"{name}\"")]
    MissingSecret {
        /// The CRM's title.
        crm: &'static str,
        /// The secret's name.
        name: &'static str,
    },
    /// A secret cannot stand in an HTTP header.
    #[error("the secret \"{name}\" has characters that cannot be sent in an HTTP header")]
    MalformedSecret {
        /// The secret's name.
        name: &'static str,
    },
}

/// What a connection adds to its requests besides secrets, such as the lead source's name.
/// The keys are those of [`CrmInfo::settings`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Sets one value.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A text that is set and not blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// A switch, off unless it is set to `true`.
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }
}

/// Where and how the requests of one connection go.
#[derive(Debug, Clone)]
pub struct Target {
    crm: &'static CrmInfo,
    base_url: Url,
    auth: &'static AuthMethod,
    call_timeout: Duration,
    settings: Settings,
}

impl Target {
    /// The CRM as it is documented: its own base URL, its usual authentication, no settings.
    pub fn new(crm: &'static CrmInfo) -> Result<Self, SetupError> {
        Ok(Target {
            crm,
            base_url: base_url(crm.base_url)?,
            auth: crm.auth.first().ok_or_else(|| unknown_method(crm))?,
            call_timeout: crm.call_timeout,
            settings: Settings::default(),
        })
    }

    /// Another base URL: a sandbox, a data centre, a simulator. A path prefix and a trailing slash
    /// are fine.
    pub fn with_base_url(mut self, url: &str) -> Result<Self, SetupError> {
        self.base_url = base_url(url)?;
        Ok(self)
    }

    /// Another way of authentication, by its [`AuthMethod::id`].
    pub fn with_auth(mut self, method: &str) -> Result<Self, SetupError> {
        let found = self.crm.auth.iter().find(|known| known.id == method);
        self.auth = found.ok_or_else(|| unknown_method(self.crm))?;
        Ok(self)
    }

    /// Another deadline for each call.
    pub fn with_call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// What the connection sets.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The CRM behind it.
    pub fn crm(&self) -> &'static CrmInfo {
        self.crm
    }

    /// What the connection sets.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The deadline of each call.
    pub fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    pub(crate) fn auth(&self) -> &'static AuthMethod {
        self.auth
    }

    /// The full URL of a request.
    pub(crate) fn url(&self, request: &CrmRequest) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(request.segments());
        }
        if !request.query_pairs().is_empty() {
            let pairs = request.query_pairs().iter();
            url.query_pairs_mut()
                .extend_pairs(pairs.map(|pair| (pair.name, &pair.value)));
        }
        url
    }

    /// The headers of a request in the order they are sent. `secret` is asked for the value of
    /// each secret. `Host` and `Content-Length` are HTTP's own business.
    pub(crate) fn headers(
        &self,
        request: &CrmRequest,
        secret: impl Fn(&'static str) -> String,
    ) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("user-agent", USER_AGENT.to_owned()),
        ];
        for &(name, template) in self.auth.headers {
            let mut value = template.to_owned();
            for &field in self.auth.secrets {
                value = value.replace(&format!("{{{field}}}"), &secret(field));
            }
            headers.push((name, value));
        }
        if request.body().is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers
    }
}

fn unknown_method(crm: &'static CrmInfo) -> SetupError {
    let known: Vec<&str> = crm.auth.iter().map(|method| method.id).collect();
    let known = known.join(", ");
    SetupError::AuthMethod {
        crm: crm.title,
        known,
    }
}

/// The rules are those of every URL that people give us.
fn base_url(text: &str) -> Result<Url, SetupError> {
    Ok(BaseUrl::parse(text.trim())?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Effect;
    use crate::housecall_pro::HOUSECALL_PRO;
    use http::Method;

    fn target(base: &str) -> Result<Target, SetupError> {
        Target::new(&HOUSECALL_PRO)?.with_base_url(base)
    }

    fn request() -> CrmRequest {
        CrmRequest::new("test", Effect::Read, Method::GET, "/customers")
    }

    #[test]
    fn a_base_url_may_have_a_path_and_a_trailing_slash() {
        let rows = [
            ("https://crm.example", "https://crm.example/customers"),
            ("https://crm.example/", "https://crm.example/customers"),
            ("http://127.0.0.1:9/hcp", "http://127.0.0.1:9/hcp/customers"),
            (
                " http://127.0.0.1:9/a/b/ ",
                "http://127.0.0.1:9/a/b/customers",
            ),
        ];
        for (base, expected) in rows {
            assert_eq!(target(base).unwrap().url(&request()).as_str(), expected);
        }
    }

    #[test]
    fn a_base_url_that_could_leak_or_lead_elsewhere_is_refused() {
        let bad = [
            ("", UrlError::NotAUrl),
            ("crm.example", UrlError::NotAUrl),
            ("/customers", UrlError::NotAUrl),
            ("https://", UrlError::NotAUrl),
            ("ftp://crm.example", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("javascript:alert(1)", UrlError::Scheme),
            ("http://crm.example", UrlError::PlainHttp),
            ("https://user@crm.example", UrlError::UserInfo),
            ("https://user:pw@crm.example", UrlError::UserInfo),
            ("https://crm.example?k=v", UrlError::Tail),
            ("https://crm.example#x", UrlError::Tail),
            ("https://169.254.169.254", UrlError::ForbiddenHost),
        ];
        for (base, rule) in bad {
            assert_eq!(target(base).err(), Some(rule.into()), "{base}");
        }
    }

    #[test]
    fn an_id_from_a_crm_cannot_leave_its_path_segment() {
        let request = request().segment("../../admin?x=1#y").segment("..");
        let url = target("https://crm.example/v2").unwrap().url(&request);
        assert!(url.path().starts_with("/v2/customers/"), "{url}");
        assert_eq!((url.query(), url.fragment()), (None, None));
    }

    #[test]
    fn an_unknown_authentication_method_names_the_known_ones() {
        let error = Target::new(&HOUSECALL_PRO)
            .unwrap()
            .with_auth("password")
            .unwrap_err();
        assert!(
            error.to_string().contains("api_key, bearer_token"),
            "{error}"
        );
    }

    #[test]
    fn a_blank_setting_counts_as_not_set() {
        let settings = Settings::default()
            .with("a", "  ")
            .with("b", true)
            .with("c", "yes");
        assert_eq!(
            (settings.text("a"), settings.text("c")),
            (None, Some("yes"))
        );
        assert!(settings.is_on("b") && !settings.is_on("c") && !settings.is_on("d"));
    }
}
