//! What a CRM says of itself: data, so that consoles, checks and workflows need not know its adapter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::oauth::Provider;

/// One CRM as data.
#[derive(Debug, Serialize)]
pub struct CrmInfo {
    /// The name in payloads and on the command line: `housecall_pro`.
    pub name: &'static str,
    /// The name people know: `Housecall Pro`.
    pub title: &'static str,
    /// Where its API lives, unless a connection says otherwise.
    pub base_url: &'static str,
    /// Where else it lives, the usual place first: production and sandbox, data centres. Empty where there
    /// is one place. The setting [`ENVIRONMENT`] chooses one by name.
    pub environments: &'static [Environment],
    /// The ways in, the usual one first. Never empty.
    pub auth: &'static [AuthMethod],
    /// Headers of every request, such as an API version.
    pub headers: &'static [FixedHeader],
    /// The deadline of one call: connect, headers and body together.
    pub call_timeout: Duration,
    /// The most that is read of an answer's body, in bytes: more than its longest page has.
    pub max_body: usize,
    /// How many requests it takes, before an answer has said so; `None` where the vendor documents none.
    pub rate: Option<RateLimit>,
    /// The lengths we cut texts to.
    pub limits: &'static [FieldLimit],
    /// What a connection may set.
    pub settings: &'static [SettingInfo],
}

impl CrmInfo {
    /// The limit of a field in characters, which must be one of [`limits`](CrmInfo::limits).
    #[must_use]
    pub fn limit(&self, field: &str) -> usize {
        let limit = self.limits.iter().find(|limit| limit.field == field);
        limit.map_or(0, |limit| limit.max_chars)
    }

    /// The place of that name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&'static Environment> {
        self.environments.iter().find(|place| place.name == name)
    }

    /// The way in of that id.
    #[must_use]
    pub fn auth_method(&self, id: &str) -> Option<&'static AuthMethod> {
        self.auth.iter().find(|method| method.id == id)
    }
}

/// The setting by which a connection chooses one of its CRM's places.
pub const ENVIRONMENT: &str = "environment";

/// One place where a CRM lives.
#[derive(Debug, Serialize)]
pub struct Environment {
    /// The name in settings: `production`, `eu`, ...
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// Where its API lives there.
    pub base_url: &'static str,
}

/// A header that every request has.
#[derive(Debug, Serialize)]
pub struct FixedHeader {
    /// Its name, in small letters.
    pub name: &'static str,
    /// Its value, unless a setting has another.
    pub value: &'static str,
    /// The setting that overrides the value, if one does.
    pub setting: Option<&'static str>,
}

/// One way of proving to a CRM who we are.
#[derive(Debug, Serialize)]
pub struct AuthMethod {
    /// `api_key`, `bearer_token`, ...
    pub id: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// Where a contractor finds the secrets.
    pub help: &'static str,
    /// The secrets that a person gives; none where signing in brings them.
    pub secrets: &'static [SecretInfo],
    /// Where secrets stand in a request, those that a provider issues among them.
    pub places: &'static [Place],
    /// Where its secrets come from.
    pub grant: Grant,
}

/// Where the secrets of a way in come from.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person gives all of them.
    Given,
    /// The account's own client, which a person gives, is exchanged for an access token.
    ClientCredentials(&'static Provider),
    /// Somebody of the account signs in with the CRM and lets us in.
    Code(&'static Provider),
}

/// The secret that a provider issues and that stands in requests.
pub const ACCESS_TOKEN: &str = "access_token";

/// The secret that a provider issues to renew the other; it stands in no request to the CRM.
pub const REFRESH_TOKEN: &str = "refresh_token";

impl AuthMethod {
    /// Who issues its tokens, where somebody does.
    #[must_use]
    pub fn provider(&self) -> Option<&'static Provider> {
        match self.grant {
            Grant::Given => None,
            Grant::ClientCredentials(provider) | Grant::Code(provider) => Some(provider),
        }
    }

    /// Whether a person gives this secret, or a provider issues it.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let issued = self.provider().is_some() && matches!(name, ACCESS_TOKEN | REFRESH_TOKEN);
        issued || self.secrets.iter().any(|secret| secret.name == name)
    }

    /// The secrets that stand in requests, by name.
    pub(crate) fn sent(&self) -> Vec<&'static str> {
        let templates = self.places.iter().flat_map(Place::templates);
        let named = templates.flat_map(|template| template.split('{').skip(1));
        named.filter_map(|rest| rest.split('}').next()).collect()
    }
}

/// One secret of a way in.
#[derive(Debug, Serialize)]
pub struct SecretInfo {
    /// The name in templates and in what is stored: `api_key`.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
}

/// A place in a request where secrets stand. Templates name them in braces: `Token {api_key}`.
/// Wherever a secret stands it is masked in previews and kept out of evidence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A header: its name in small letters, and the template of its value.
    Header(&'static str, &'static str),
    /// HTTP Basic: the templates of user and password.
    Basic(&'static str, &'static str),
    /// A path segment before all others: its template.
    Path(&'static str),
    /// A query parameter: its name, and the template of its value.
    Query(&'static str, &'static str),
    /// A field of the JSON or form body of requests that have one.
    BodyField(&'static str, &'static str),
}

impl Place {
    /// The templates in which it names secrets.
    pub(crate) fn templates(&self) -> Vec<&'static str> {
        match *self {
            Self::Header(_, value) | Self::Query(_, value) | Self::BodyField(_, value) => {
                vec![value]
            }
            Self::Path(segment) => vec![segment],
            Self::Basic(user, password) => vec![user, password],
        }
    }
}

/// How surely a create whose answer was lost can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReconcileClass {
    /// Upsert or a unique key: repeating is harmless.
    A,
    /// An exact look-up of a field of our own.
    B,
    /// The parent's children are listed and the marker is matched.
    C,
    /// Nothing can be known.
    D,
}

/// How many requests a CRM takes of one account, as its vendor documents it. Of several numbers for several
/// plans or ways in it is the least, for nobody tells which one an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// So many requests at most; above zero.
    pub requests: u32,
    /// In any so many seconds; above zero.
    pub seconds: u32,
    /// Who says so.
    pub source: &'static str,
}

/// The length we cut a text to.
#[derive(Debug, Serialize)]
pub struct FieldLimit {
    /// The field in the CRM's request, such as `lead.note`.
    pub field: &'static str,
    /// The longest text, in Unicode scalar values.
    pub max_chars: usize,
    /// Who says so.
    pub source: &'static str,
}

impl FieldLimit {
    /// A limit of ours where the vendor documents none: it keeps a runaway text from being refused.
    pub(crate) const fn ours(field: &'static str, max_chars: usize) -> Self {
        Self {
            field,
            max_chars,
            source: "ours; the vendor documents none",
        }
    }
}

/// Something a connection may set.
#[derive(Debug, Serialize)]
pub struct SettingInfo {
    /// The key in [`Settings`](crate::Settings).
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// What may stand there.
    pub kind: SettingKind,
    /// When leads cannot be filed without it.
    pub required: Required,
    /// What it does, and what happens without it.
    pub help: &'static str,
}

/// When leads cannot be filed without a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Required {
    /// In every mode.
    Always,
    /// It has a default, or does without.
    Never,
    /// Where a setting of kind [`Choice`](SettingKind::Choice), by its name, has this value; unset, it
    /// has its first.
    When(&'static str, &'static str),
    /// Where it has another value.
    Unless(&'static str, &'static str),
}

/// What may stand in a setting.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// One line of text of at most so many characters.
    Text(usize),
    /// One of these, the first without a choice.
    Choice(&'static [&'static str]),
    /// On or off; off without a choice.
    Switch,
    /// An id of the CRM's own: text or a whole number.
    Id {
        /// Whether [`CrmAdapter::options`](crate::CrmAdapter::options) lists what there is.
        options: bool,
    },
    /// An id of the CRM's own that is always a whole number above zero, below 10^18.
    Number {
        /// Whether [`CrmAdapter::options`](crate::CrmAdapter::options) lists what there is.
        options: bool,
    },
}
