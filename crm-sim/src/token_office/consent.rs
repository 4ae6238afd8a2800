//! The page where a company lets an app in: RFC 6749 section 4.1.1.
//!
//! Nobody signs in at a stand-in: whoever comes says which company consents, by a field of the
//! page or by `company` in the query, which spares a test the page. `deny` instead of it refuses.

use axum::http::{HeaderValue, StatusCode, header};
use url::Url;

use super::{APP, TokenOffice};
use crate::call::Call;
use crate::reply::Reply;

/// What an app sends its user with, shown again by the page.
const PASSED_ON: [&str; 6] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
];

impl TokenOffice {
    /// Sends the user back with a code or a refusal, or asks which company consents. An unknown
    /// app or an unusable address is never sent to: 400.
    pub(crate) fn authorize(&self, call: &Call) -> Reply {
        let is_app = call.parameter("client_id") == Some(APP);
        let address = call.parameter("redirect_uri").map(Url::parse);
        let (true, Some(Ok(mut back))) = (is_app, address) else {
            let wrong = "The app or its redirect_uri is unknown.";
            return Reply::text(StatusCode::BAD_REQUEST, wrong);
        };
        let company = call.parameter("company").filter(|name| !name.is_empty());
        let (name, value) = match (call.parameter("response_type"), company) {
            (Some("code"), _) if call.parameter("deny").is_some() => {
                ("error", "access_denied".to_owned())
            }
            (Some("code"), Some(_)) if !is_known_method(call) => {
                ("error", "invalid_request".to_owned())
            }
            (Some("code"), Some(company)) => {
                let redirect_uri = call.parameter("redirect_uri");
                let challenge = call.parameter("code_challenge");
                ("code", self.consent(company, redirect_uri, challenge))
            }
            (Some("code"), None) => return Reply::html(StatusCode::OK, page(call)),
            _ => ("error", "unsupported_response_type".to_owned()),
        };
        back.query_pairs_mut().append_pair(name, &value);
        if let Some(state) = call.parameter("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        send_to(&back)
    }
}

/// A challenge is an S256 one, or there is none.
fn is_known_method(call: &Call) -> bool {
    let method = call.parameter("code_challenge_method");
    call.parameter("code_challenge").is_none() || method == Some("S256")
}

fn send_to(address: &Url) -> Reply {
    match HeaderValue::from_str(address.as_str()) {
        Ok(value) => Reply::empty(StatusCode::FOUND).with_header(header::LOCATION, value),
        Err(_) => Reply::text(StatusCode::BAD_REQUEST, "The redirect_uri is unusable."),
    }
}

fn page(call: &Call) -> String {
    let hidden = |name: &&str| {
        let value = escaped(call.parameter(name)?);
        Some(format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
        ))
    };
    let fields: String = PASSED_ON.iter().filter_map(hidden).collect();
    format!(
        "<!doctype html><html lang=\"en\"><title>Let the app in</title><form>{fields}\
         <label>Company <input name=\"company\" value=\"acme\"></label>\
         <button>Allow</button><button name=\"deny\" value=\"1\">Deny</button></form></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
