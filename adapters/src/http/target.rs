//! Where the requests of one connection go, and what the connection sets.

use std::time::Duration;

use leadrail_outbound::BaseUrl;
use url::Url;

use super::error::SetupError;
use super::settings::Settings;
use crate::info::{CrmInfo, ENVIRONMENT};

/// Where and how the requests of one connection go.
#[derive(Debug, Clone)]
pub struct Target {
    crm: &'static CrmInfo,
    base_url: Url,
    call_timeout: Duration,
    settings: Settings,
}

impl Target {
    /// The CRM as it is documented: its own base URL, no settings.
    pub fn new(crm: &'static CrmInfo) -> Result<Self, SetupError> {
        Ok(Target {
            crm,
            base_url: base_url(crm.base_url)?,
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

    /// Another deadline for each call.
    pub fn with_call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// What the connection sets. An environment that it chooses has an address of its own; one that is
    /// given by itself comes after that.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        let chosen = settings.text(ENVIRONMENT);
        let place = chosen.and_then(|name| self.crm.environment(name));
        if let Some(url) = place.and_then(|place| base_url(place.base_url).ok()) {
            self.base_url = url;
        }
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

    /// Where its API lives.
    pub(crate) fn base_url(&self) -> &Url {
        &self.base_url
    }
}

/// The rules are those of every URL that people give us.
fn base_url(text: &str) -> Result<Url, SetupError> {
    Ok(BaseUrl::parse(text.trim())?.into())
}

#[cfg(test)]
mod tests {
    use leadrail_outbound::UrlError;

    use super::*;
    use crate::CrmRequest;
    use crate::http::wire::{MASK, Wire};
    use crate::scripted_crm::EXAMPLE;

    fn target(base: &str) -> Result<Target, SetupError> {
        Target::new(&EXAMPLE)?.with_base_url(base)
    }

    fn request() -> CrmRequest {
        CrmRequest::get("/customers")
    }

    fn url(target: &Target, request: &CrmRequest) -> Url {
        Wire::of(request, target, &EXAMPLE.auth[0], |_| MASK.to_owned()).url()
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
            assert_eq!(url(&target(base).unwrap(), &request()).as_str(), expected);
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
    fn an_environment_has_an_address_of_its_own_unless_one_is_given() {
        let st = &crate::crms::servicetitan::SERVICETITAN;
        let host = |target: &Target| target.base_url().host_str().unwrap().to_owned();
        let target = |name: &str| {
            let settings = Settings::default().with(ENVIRONMENT, name);
            Target::new(st).unwrap().with_settings(settings)
        };
        assert_eq!(host(&target("production")), "api.servicetitan.io");
        let sandbox = target("integration");
        assert_eq!(host(&sandbox), "api-integration.servicetitan.io");
        let own = sandbox.with_base_url("https://crm.example").unwrap();
        assert_eq!(host(&own), "crm.example");
        assert_eq!(host(&target("from_tomorrow")), "api.servicetitan.io");
    }

    #[test]
    fn an_id_from_a_crm_cannot_leave_its_path_segment() {
        let request = request().segment("../../admin?x=1#y").segment("..");
        let url = url(&target("https://crm.example/v2").unwrap(), &request);
        assert!(url.path().starts_with("/v2/customers/"), "{url}");
        assert_eq!((url.query(), url.fragment()), (None, None));
    }
}
