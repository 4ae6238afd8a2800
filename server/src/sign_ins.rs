//! Signing in: the link that is asked for, and the two addresses that a browser opens.
//!
//! What stands in those addresses is secret (a ticket, a code, a state), so nothing of them is logged, and
//! no page that answers them sends a referrer on, loads anything, or may be framed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use leadrail_connections::{Return, SignInError};
use leadrail_desk::Given;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use crate::audience::By;
use crate::connections::ConnectionView;
use crate::extract::json_only;
use crate::pages::{HTML, escaped, guard};
use crate::problem::Problem;
use crate::problems::{DatabaseAway, NotAConnection, NotJson};
use crate::state::{App, failed, quickly};

/// Longer values are none that we gave out or a provider gives.
const LONGEST_VALUE: usize = 4_096;

/// A sign-in to be begun.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInRequest {
    /// Whose connection it is; the key's own account where it is for one.
    account: Option<String>,
    /// The CRM, such as `jobber`.
    crm: String,
    /// The account on the CRM's side, where leads name one.
    crm_account_id: Option<String>,
    /// Which of the provider's environments; the usual one without.
    environment: Option<String>,
    /// What the contractor chose; null takes a setting away. They hold from now on.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    settings: Map<String, Value>,
}

/// A sign-in that was begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInView {
    /// To be opened by whoever administers the account: until somebody has signed in, or it ends.
    url: String,
    /// Until when it works.
    expires_at: DateTime<Utc>,
    /// The connection: `pending` if it is new, else as it was until somebody has signed in.
    connection: ConnectionView,
}

/// Begins a sign-in: gives the link by which somebody lets us into the account's CRM.
///
/// A new connection is `pending` until then. One that is there stays as it is, and is signed in to again
/// under the same id, if it is the same company.
#[utoipa::path(
    post, path = "/v1/sign-ins", tag = "connections", request_body = SignInRequest,
    responses(
        (status = 201, description = "The link, shown this once", body = SignInView),
        NotAConnection, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_sign_ins(
    app: App,
    by: By,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    json_only(&headers)?;
    let asked: SignInRequest = serde_json::from_slice(&body).map_err(|_| {
        Problem::bad_request(
            "the body is {\"crm\": \"...\"}, with account, crm_account_id, environment and settings where \
             they are wanted",
        )
    })?;
    let account = by.account(asked.account)?;
    let given = Given {
        account: account.ok_or_else(|| Problem::bad_request("say whose it is: `account`"))?,
        crm: asked.crm,
        crm_account_id: asked.crm_account_id,
        settings: asked.settings,
        ..Given::default()
    };
    let actor = by.0.actor().clone();
    let begun = app.change(|desk| async move {
        let begun = desk.begin_sign_in(&actor, given, asked.environment).await?;
        let listed = desk.with_queue(begun.connection).await?;
        Ok((begun.url, begun.expires_at, listed))
    });
    let (url, expires_at, listed) = begun.await?;
    let view = SignInView {
        url: url.expose_secret().to_owned(),
        expires_at,
        connection: listed.into(),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// Opens the link of a sign-in: sends the browser on to the provider. Nobody in particular asks, so the API
/// itself looks, which sees all.
#[utoipa::path(
    get, path = "/oauth/{provider}/start/{ticket}", tag = "connections",
    params(
        ("provider" = String, Path, description = "The CRM's name"),
        ("ticket" = String, Path, description = "What the link ends with"),
    ),
    responses(
        (status = 302, description = "To the provider"),
        (status = 410, description = "A page: the link has ended", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn get_start(
    State(app): State<App>,
    Path((provider, ticket)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    // A browser that only looks ahead begins nothing.
    let looks_ahead =
        |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("prefetch"));
    if headers.get("sec-purpose").is_some_and(looks_ahead) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let ticket = SecretString::from(ticket);
    let left = match quickly(app.desk.depart(&provider, &ticket)).await {
        Some(Ok(left)) => left,
        Some(Err(error)) => return refused(&error),
        None => return not_now(),
    };
    let cookie = Cookie::of(&app, &provider);
    let set = cookie.set(&left.browser, left.within.as_secs());
    let (Ok(to), Ok(mut set)) = (
        HeaderValue::from_str(left.url.as_str()),
        HeaderValue::from_str(&set),
    ) else {
        return refused(&SignInError::NoLink);
    };
    set.set_sensitive(true);
    let mut response = guarded(StatusCode::FOUND.into_response());
    response.headers_mut().insert(LOCATION, to);
    response.headers_mut().insert(SET_COOKIE, set);
    response
}

/// Where the provider sends the browser back to. Looked at by the API itself, as its start is.
#[utoipa::path(
    get, path = "/oauth/{provider}/callback", tag = "connections",
    params(
        ("provider" = String, Path, description = "The CRM's name"),
        ("state" = Option<String>, Query, description = "What the browser left with"),
        ("code" = Option<String>, Query, description = "The provider's code"),
        ("error" = Option<String>, Query, description = "Why there is none"),
    ),
    responses(
        (status = 200, description = "A page: signed in", body = String, content_type = "text/html"),
        (status = 400, description = "A page: not signed in, and what to do", body = String,
         content_type = "text/html"),
    )
)]
pub(crate) async fn get_callback(
    State(app): State<App>,
    Path(provider): Path<String>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let cookie = Cookie::of(&app, &provider);
    let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    let back = Return {
        browser: cookie.read(&headers),
        ..returned(pairs)
    };
    let desk = app.desk.clone();
    let arriving = app.finish(async move { desk.arrive(&provider, &back).await });
    let mut response = match arriving.await {
        Some(Ok(arrived)) => signed_in(&arrived.name),
        Some(Err(error)) => refused(&error),
        None => page(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not known yet",
            "This takes longer than it should. Look at the connection in a minute before you try again.",
        ),
    };
    if let Ok(cleared) = HeaderValue::from_str(&cookie.cleared()) {
        response.headers_mut().insert(SET_COOKIE, cleared);
    }
    response
}

/// What stands in the address; what stands there twice is believed neither time.
fn returned(pairs: Vec<(String, String)>) -> Return {
    let mut found = BTreeMap::<String, Option<String>>::new();
    for (name, value) in pairs {
        let usable = value.len() <= LONGEST_VALUE;
        found
            .entry(name)
            .and_modify(|twice| *twice = None)
            .or_insert(Some(value).filter(|_| usable));
    }
    let mut take = |name: &str| found.remove(name).flatten();
    Return {
        state: take("state").map(SecretString::from),
        code: take("code").map(SecretString::from),
        error: take("error"),
        iss: take("iss"),
        accounts: take("accounts-server"),
        browser: None,
    }
}

/// The cookie that binds a sign-in to a browser.
struct Cookie {
    name: String,
    secure: bool,
}

impl Cookie {
    fn of(app: &App, provider: &str) -> Self {
        let public_url = app.desk.public_url();
        let secure = public_url.is_ok_and(|url| url.as_str().starts_with("https://"));
        let prefix = if secure { "__Host-" } else { "" };
        let plain = provider
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_');
        let plain: String = plain.collect();
        Self {
            name: format!("{prefix}lr_sign_in_{plain}"),
            secure,
        }
    }

    fn set(&self, value: &SecretString, seconds: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let (name, value) = (&self.name, value.expose_secret());
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    fn cleared(&self) -> String {
        self.set(&SecretString::from(String::new()), 0)
    }

    fn read(&self, headers: &HeaderMap) -> Option<SecretString> {
        let all = headers.get_all(COOKIE).iter();
        let pairs = all.filter_map(|value| value.to_str().ok()?.split(';').map(str::trim).into());
        let mut values = pairs.flatten().filter_map(|pair| pair.split_once('='));
        let (_, value) = values.find(|(name, _)| *name == self.name)?;
        Some(SecretString::from(value.to_owned()))
    }
}

fn signed_in(name: &str) -> Response {
    let text = format!("{name} is connected. You can close this page.");
    page(StatusCode::OK, "Connected", &text)
}

fn refused(error: &SignInError) -> Response {
    match error {
        SignInError::NoLink => page(StatusCode::GONE, "This link has ended", &error.to_string()),
        SignInError::Connection(inner) => {
            failed(inner);
            not_now()
        }
        told => page(StatusCode::BAD_REQUEST, "Not connected", &told.to_string()),
    }
}

fn not_now() -> Response {
    page(
        StatusCode::SERVICE_UNAVAILABLE,
        "Not now",
        "Something is wrong on our side. Nothing was connected: open the link once more in a minute.",
    )
}

/// A page of text. What is in it may come from anybody.
fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let (title, text) = (escaped(title), escaped(text));
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    let html = HeaderValue::from_static(HTML);
    let mut response = guarded((status, body).into_response());
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

fn guarded(mut response: Response) -> Response {
    guard(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_address_twice_is_believed_neither_time() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let back = returned(vec![
            pair("code", "a"),
            pair("state", "s"),
            pair("code", "b"),
        ]);
        assert!(back.code.is_none() && back.state.is_some());
        let long = "x".repeat(LONGEST_VALUE + 1);
        assert!(returned(vec![pair("state", &long)]).state.is_none());
    }

    #[test]
    fn a_cookie_is_read_among_others_by_its_whole_name() {
        let cookie = Cookie {
            name: "lr_sign_in_jobber".to_owned(),
            secure: false,
        };
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.append(COOKIE, text.parse().expect("a value"));
            cookie
                .read(&headers)
                .map(|value| value.expose_secret().to_owned())
        };
        assert_eq!(
            read("a=b; lr_sign_in_jobber=x=y; c").as_deref(),
            Some("x=y")
        );
        assert_eq!(read("xlr_sign_in_jobber=x; lr_sign_in_jobber2=y"), None);
    }
}
