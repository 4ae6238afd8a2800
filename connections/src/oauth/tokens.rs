//! Tokens as a provider issued them, and what its answer says besides.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use leadrail_adapters::oauth::{ApiAddress, Identity, Life, Provider};
use leadrail_adapters::{ACCESS_TOKEN, REFRESH_TOKEN, Secrets};
use oauth2::basic::BasicTokenType;
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse as _};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::BaseUrl;

/// A life beyond this says more about the provider than about the token.
const LONGEST_LIFE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The longest id of an account that is believed, in bytes.
const LONGEST_IDENTITY: usize = 500;

/// What an answer says besides what the standard knows.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Told(Map<String, Value>);

impl ExtraTokenFields for Told {}

/// Some providers have tokens of other kinds among these.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told(..)")
    }
}

/// The answer of a token endpoint.
pub(crate) type Answer = StandardTokenResponse<Told, BasicTokenType>;

/// Tokens that were issued.
pub(crate) struct Tokens {
    access: SecretString,
    /// None where the one that there is stays good.
    refresh: Option<SecretString>,
    /// From when the answer came.
    pub(crate) life: Duration,
    told: Map<String, Value>,
}

impl Tokens {
    pub(crate) fn of(provider: &Provider, answer: &Answer) -> Self {
        let access = answer.access_token().secret();
        Self {
            access: SecretString::from(access.clone()),
            refresh: answer
                .refresh_token()
                .map(|token| SecretString::from(token.secret().clone())),
            life: life(provider.life, answer.expires_in(), access).min(LONGEST_LIFE),
            told: answer.extra_fields().0.clone(),
        }
    }

    /// Those secrets with these tokens in them. An answer without a refresh token leaves the old one.
    pub(crate) fn put_into(&self, secrets: Secrets) -> Secrets {
        let secrets = secrets.with(ACCESS_TOKEN, self.access.clone());
        match &self.refresh {
            Some(token) => secrets.with(REFRESH_TOKEN, token.clone()),
            None => secrets,
        }
    }

    /// Whether the answer brought what they can be renewed with.
    pub(crate) fn has_refresh_token(&self) -> bool {
        self.refresh.is_some()
    }

    /// The account that they are for, where the answer says so.
    pub(crate) fn identity(&self, provider: &Provider) -> Option<String> {
        let Identity::Told(fields) = provider.identity else {
            return None;
        };
        let text = |name: &&str| match self.told.get(*name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let fits = |id: &String| {
            (1..=LONGEST_IDENTITY).contains(&id.len()) && !id.contains(char::is_control)
        };
        fields.iter().filter_map(text).find(fits)
    }

    /// Where the account's API is, where the answer says so: `Err` if that is nowhere we would go.
    pub(crate) fn api(&self, provider: &Provider) -> Result<Option<BaseUrl>, ForeignApi> {
        let ApiAddress::Told { field, below } = provider.api else {
            return Ok(None);
        };
        let told = self.told.get(field).and_then(Value::as_str);
        let url = BaseUrl::parse(told.ok_or(ForeignApi)?).map_err(|_| ForeignApi)?;
        let host = url::Url::from(url.clone());
        let host = host.host_str().unwrap_or_default().to_ascii_lowercase();
        let is_theirs = |domain: &&str| {
            host == **domain
                || host
                    .strip_suffix(*domain)
                    .is_some_and(|rest| rest.ends_with('.'))
        };
        match host_is_https(&url) && below.iter().any(is_theirs) {
            true => Ok(Some(url)),
            false => Err(ForeignApi),
        }
    }
}

/// The answer sends the account's calls to somebody else's host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ForeignApi;

fn host_is_https(url: &BaseUrl) -> bool {
    url.as_str().starts_with("https://")
}

fn life(rule: Life, told: Option<Duration>, access: &str) -> Duration {
    let read = match rule {
        Life::Told(_) => told,
        Life::InToken(_) => in_token(access).or(told),
    };
    read.unwrap_or(rule.usual())
}

/// From the `iat` of a JWT to its `exp`, so that no clock is asked. It is not checked: it is only ours to
/// keep.
fn in_token(token: &str) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    let seconds = |name: &str| claims.get(name)?.as_u64();
    let life = seconds("exp")?.checked_sub(seconds("iat")?)?;
    (life > 0).then(|| Duration::from_secs(life))
}

#[cfg(test)]
mod tests {
    use leadrail_adapters::oauth::provider;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use super::*;

    fn tokens(name: &str, body: Value) -> Tokens {
        let answer = serde_json::from_value(body).expect("an answer");
        Tokens::of(provider(name).expect("a provider"), &answer)
    }

    fn answer(mut more: Value) -> Value {
        more["access_token"] = json!("a");
        more["token_type"] = json!("bearer");
        more
    }

    #[test]
    fn an_answer_without_a_refresh_token_leaves_the_one_there_is() {
        let old = Secrets::new("oauth").with(REFRESH_TOKEN, "old".into());
        let kept = tokens("hubspot", answer(json!({}))).put_into(old.clone());
        let shown = |secrets: &Secrets| {
            let token = secrets.get(REFRESH_TOKEN).expect("one");
            token.expose_secret().to_owned()
        };
        assert_eq!(shown(&kept), "old");
        let next = tokens("hubspot", answer(json!({"refresh_token": "new"})));
        assert_eq!(shown(&next.put_into(old)), "new");
    }

    #[test]
    fn a_life_is_told_or_read_in_the_token_or_the_usual_one() {
        let seconds = |name, body| tokens(name, body).life.as_secs();
        assert_eq!(seconds("hubspot", answer(json!({"expires_in": 60}))), 60);
        assert_eq!(seconds("hubspot", answer(json!({}))), 1_800);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"iat": 1000, "exp": 1900}"#);
        let jwt = json!({"access_token": format!("x.{claims}.y"), "token_type": "bearer"});
        assert_eq!(seconds("monday", jwt), 900);
        for broken in ["x", "x.!.y", "x.e30.y", ""] {
            let body = json!({"access_token": broken, "token_type": "bearer"});
            assert_eq!(seconds("monday", body), 3_600, "{broken}");
        }
        let forever = answer(json!({"expires_in": 9_000_000_000_u64}));
        assert_eq!(seconds("hubspot", forever), LONGEST_LIFE.as_secs());
    }

    #[test]
    fn calls_go_only_to_hosts_of_the_provider() {
        let api = |told: Value| {
            let body = answer(json!({"instance_url": told}));
            let salesforce = provider("salesforce").expect("a provider");
            tokens("salesforce", body).api(salesforce)
        };
        for good in ["https://acme.my.salesforce.com", "https://salesforce.com/"] {
            assert!(api(json!(good)).is_ok_and(|url| url.is_some()), "{good}");
        }
        for bad in [
            json!("https://salesforce.com.evil.example"),
            json!("https://evilsalesforce.com"),
            json!("http://acme.my.salesforce.com"),
            json!("http://127.0.0.1"),
            json!("https://salesforce.com@evil.example"),
            json!(""),
            json!(7),
            Value::Null,
        ] {
            assert_eq!(api(bad.clone()), Err(ForeignApi), "{bad}");
        }
    }

    #[test]
    fn whose_tokens_they_are_is_read_from_the_first_field_that_says_so() {
        let identity = |body| {
            let gohighlevel = provider("gohighlevel").expect("a provider");
            tokens("gohighlevel", body).identity(gohighlevel)
        };
        let both = answer(json!({"locationId": "loc_1", "companyId": "com_1"}));
        assert_eq!(identity(both).as_deref(), Some("loc_1"));
        let company = answer(json!({"locationId": "", "companyId": 7}));
        assert_eq!(identity(company).as_deref(), Some("7"));
        assert_eq!(identity(answer(json!({"locationId": "a\u{0}b"}))), None);
        let printed = format!(
            "{:?}",
            Told(Map::from_iter([("a".into(), "canary".into())]))
        );
        assert!(!printed.contains("canary"));
    }
}
