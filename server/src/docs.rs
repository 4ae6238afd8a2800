//! `GET /docs`: the description of the API as a page for people.
//!
//! It is made from the same document as `/openapi.json` and needs nothing else: no script, no font and
//! nothing from elsewhere. Its policy allows it the one style that it brings along.

mod page;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use http::{HeaderMap, HeaderName};
use sha2::{Digest as _, Sha256};

use crate::openapi::openapi;
use crate::pages::HTML;

const STYLE: &str = include_str!("docs/style.css");

/// The same for everybody for as long as the process lives.
static PAGE: LazyLock<(HeaderMap, String)> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        BASE64_STANDARD.encode(Sha256::digest(STYLE))
    );
    let says: [(HeaderName, Option<HeaderValue>); 3] = [
        (CONTENT_TYPE, Some(HeaderValue::from_static(HTML))),
        (CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).ok()),
        (
            REFERRER_POLICY,
            Some(HeaderValue::from_static("no-referrer")),
        ),
    ];
    let headers = says
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    (headers.collect(), page::of(&openapi(), STYLE))
});

/// This description, as a page for people.
#[utoipa::path(
    get, path = "/docs", tag = "operation",
    responses((status = 200, description = "A page", body = String, content_type = "text/html"))
)]
pub(crate) async fn docs() -> (HeaderMap, &'static str) {
    let (headers, page) = &*PAGE;
    (headers.clone(), page)
}
