//! A request as it goes over the wire, with its secrets or with masks in their places.
//!
//! The live call, its evidence and the preview are all made here, so they cannot differ.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use url::Url;
use url::form_urlencoded;

use super::request::{Body, CrmRequest, QueryPair};
use super::target::Target;
use crate::info::{AuthMethod, Place};

/// How we introduce ourselves to a CRM.
const USER_AGENT: &str = concat!("leadrail/", env!("CARGO_PKG_VERSION"));

/// What stands in a preview where a secret stands in the request.
pub(crate) const MASK: &str = "********";

/// A request in all its parts. `Host` and `Content-Length` are HTTP's own business.
pub(crate) struct Wire {
    url: Url,
    query: Vec<QueryPair>,
    pub(crate) headers: Vec<WireHeader>,
    pub(crate) body: Option<Body>,
}

/// A header in the order in which it is sent.
pub(crate) struct WireHeader {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Holds a secret.
    pub(crate) sensitive: bool,
}

impl Wire {
    /// Puts a request together. `secret` is asked for the value of each secret.
    pub(crate) fn of(
        request: &CrmRequest,
        target: &Target,
        auth: &AuthMethod,
        secret: impl Fn(&str) -> String,
    ) -> Self {
        let fill = |template: &str| fill(template, auth, &secret);
        let mut wire = Self {
            url: target.base_url().clone(),
            query: request.query_pairs().to_vec(),
            headers: plain_headers(request, target),
            body: request.body().cloned(),
        };
        let mut front = Vec::new();
        for place in auth.places {
            match *place {
                Place::Header(name, value) => wire.secret_header(name, fill(value)),
                Place::Basic(user, password) => {
                    wire.secret_header("authorization", basic(&fill(user), &fill(password)));
                }
                Place::Path(segment) => front.push(fill(segment)),
                Place::Query(name, value) => wire.query.push(QueryPair {
                    name,
                    value: fill(value),
                    personal: false,
                }),
                Place::BodyField(name, value) => wire.body_field(name, fill(value)),
            }
        }
        if let Ok(mut path) = wire.url.path_segments_mut() {
            path.pop_if_empty().extend(front).extend(request.segments());
        }
        wire
    }

    fn secret_header(&mut self, name: &'static str, value: String) {
        self.headers.push(WireHeader {
            name,
            value,
            sensitive: true,
        });
    }

    fn body_field(&mut self, name: &'static str, value: String) {
        match &mut self.body {
            Some(Body::Json(Value::Object(fields))) => {
                fields.insert(name.to_owned(), value.into());
            }
            Some(Body::Form(fields)) => fields.push((name, value)),
            Some(Body::Json(_)) | None => {}
        }
    }

    /// The full URL.
    pub(crate) fn url(&self) -> Url {
        let mut url = self.url.clone();
        if !self.query.is_empty() {
            let pairs = self.query.iter();
            url.query_pairs_mut()
                .extend_pairs(pairs.map(|pair| (pair.name, &pair.value)));
        }
        url
    }

    /// The URL with personal data replaced by its length, for evidence.
    pub(crate) fn shown_url(&self) -> String {
        if self.query.is_empty() {
            return self.url.to_string();
        }
        let shown: Vec<String> = self.query.iter().map(shown).collect();
        format!("{}?{}", self.url, shown.join("&"))
    }

    /// The body as text, in the form its content type says.
    pub(crate) fn body_text(&self) -> Option<String> {
        match self.body.as_ref()? {
            Body::Json(value) => Some(value.to_string()),
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                Some(form.extend_pairs(fields).finish())
            }
        }
    }
}

fn plain_headers(request: &CrmRequest, target: &Target) -> Vec<WireHeader> {
    let mut headers = vec![
        ("accept", "application/json".to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
    ];
    for fixed in target.crm().headers {
        let set = fixed.setting.and_then(|name| target.settings().text(name));
        headers.push((fixed.name, set.unwrap_or(fixed.value).to_owned()));
    }
    headers.extend(request.headers().iter().cloned());
    match request.body() {
        Some(Body::Json(_)) => headers.push(("content-type", "application/json".to_owned())),
        Some(Body::Form(_)) => headers.push((
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )),
        None => {}
    }
    let plain = |(name, value)| WireHeader {
        name,
        value,
        sensitive: false,
    };
    headers.into_iter().map(plain).collect()
}

/// A template with its secrets. One pass, so that a secret with braces in it is sent as it is.
fn fill(template: &str, auth: &AuthMethod, secret: &impl Fn(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if auth.knows(name) {
            filled.push_str(&secret(name));
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// RFC 7617. A mask stays readable, for it hides what it stands for anyway.
fn basic(user: &str, password: &str) -> String {
    if user == MASK || password == MASK {
        return format!("Basic {MASK}");
    }
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

fn shown(pair: &QueryPair) -> String {
    if pair.personal {
        return format!("{}=[{} characters]", pair.name, pair.value.chars().count());
    }
    let value: String = form_urlencoded::byte_serialize(pair.value.as_bytes()).collect();
    format!("{}={value}", pair.name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::info::{Grant, SecretInfo};
    use crate::scripted_crm::EXAMPLE;

    static EVERYWHERE: AuthMethod = AuthMethod {
        id: "all",
        title: "",
        help: "",
        secrets: &[
            SecretInfo {
                name: "a",
                title: "",
            },
            SecretInfo {
                name: "b",
                title: "",
            },
        ],
        places: &[
            Place::Header("x-key", "Key {a}-{b}"),
            Place::Basic("{a}", "{b}"),
            Place::Path("{a}"),
            Place::Query("token", "{b}"),
            Place::BodyField("auth_secret", "{b}"),
        ],
        grant: Grant::Given,
    };

    fn wire(request: &CrmRequest, secret: impl Fn(&str) -> String) -> Wire {
        let target = Target::new(&EXAMPLE).unwrap();
        Wire::of(request, &target, &EVERYWHERE, secret)
    }

    fn header(wire: &Wire, name: &str) -> Option<(String, bool)> {
        let found = wire.headers.iter().find(|header| header.name == name);
        found.map(|header| (header.value.clone(), header.sensitive))
    }

    #[test]
    fn a_secret_stands_where_the_crm_wants_it() {
        let request = CrmRequest::post("/leads").json(&json!({"name": "x"}));
        let wire = wire(&request, |name| format!("s-{name}/{{b}}"));
        assert_eq!(
            wire.url().as_str(),
            "https://crm.example/v1/s-a%2F%7Bb%7D/leads?token=s-b%2F%7Bb%7D"
        );
        let key = header(&wire, "x-key").unwrap();
        assert_eq!(key, ("Key s-a/{b}-s-b/{b}".to_owned(), true));
        let basic = header(&wire, "authorization").unwrap();
        assert_eq!(
            basic.0,
            format!("Basic {}", BASE64_STANDARD.encode("s-a/{b}:s-b/{b}"))
        );
        assert!(basic.1);
        let expected = json!({"name": "x", "auth_secret": "s-b/{b}"});
        assert_eq!(wire.body, Some(Body::Json(expected)));
    }

    #[test]
    fn a_mask_stands_wherever_a_secret_would() {
        let request = CrmRequest::post("/leads").form(vec![("q", "1 2".into())]);
        let wire = wire(&request, |_| MASK.to_owned());
        assert_eq!(
            wire.shown_url(),
            "https://crm.example/v1/********/leads?token=********"
        );
        assert_eq!(header(&wire, "authorization").unwrap().0, "Basic ********");
        assert_eq!(wire.body_text().unwrap(), "q=1+2&auth_secret=********");
    }

    #[test]
    fn a_body_field_needs_a_body() {
        let wire = wire(&CrmRequest::get("/leads"), |_| "s".to_owned());
        assert_eq!(wire.body, None);
        assert_eq!(header(&wire, "content-type"), None);
    }

    #[test]
    fn personal_data_in_a_url_is_shown_by_its_length() {
        let request = CrmRequest::get("/customers")
            .personal_query("q", "3055550182")
            .query("page", "1");
        let wire = wire(&request, |_| MASK.to_owned());
        assert!(
            wire.shown_url()
                .ends_with("?q=[10 characters]&page=1&token=********")
        );
        assert!(wire.url().as_str().contains("q=3055550182"));
    }

    #[test]
    fn a_fixed_header_has_its_value_unless_a_setting_says_otherwise() {
        let request = CrmRequest::get("/x").header("x-own", "1");
        let plain = wire(&request, |_| String::new());
        assert_eq!(header(&plain, "x-api-version").unwrap().0, "2026-01-01");
        assert_eq!(header(&plain, "x-own").unwrap(), ("1".to_owned(), false));
        let settings = crate::Settings::default().with("api_version", "2027-01-01");
        let target = Target::new(&EXAMPLE).unwrap().with_settings(settings);
        let set = Wire::of(&request, &target, &EVERYWHERE, |_| String::new());
        assert_eq!(header(&set, "x-api-version").unwrap().0, "2027-01-01");
    }
}
