//! What every request goes through, whatever it asks for.
//!
//! From the outside in: it is counted and logged, an error that is no problem+json yet becomes
//! one, a panic becomes a 500, it ends in time, its head has a bounded size, and it is for this API.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode};
use tokio::time::timeout;

use crate::admission::Admission;
use crate::arrival::{Arrival, Peer};
use crate::guard;
use crate::metrics;
use crate::pages::HTML;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::state::App;

/// From the head of a request to its answer, its body included.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// The most bytes of a request's headers, names and values.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most bytes of a request's target.
const MAX_TARGET_BYTES: usize = 8 * 1024;
/// For a year whoever has called by https calls by nothing else.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(crate) async fn edge(Extension(app): Extension<App>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    // The pattern, not the path: a path is what somebody sent.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);

    let tls = request
        .extensions()
        .get::<Peer>()
        .is_some_and(|peer| peer.tls);
    let response = guarded(&app.admission, request, next, REQUEST_WITHIN).await;
    let response = sealed(as_problem(response), tls);

    let (status, took) = (response.status(), start.elapsed());
    metrics::answered(route, &method, status, took);
    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    if response.status().is_server_error() {
        tracing::warn!(%method, route, status, elapsed_ms, "{method} {route} answered {status}");
    } else {
        tracing::debug!(%method, route, status, elapsed_ms, "{method} {route} answered {status}");
    }
    response
}

async fn guarded(
    admission: &Admission,
    request: Request,
    next: Next,
    within: Duration,
) -> Response {
    let request = match admitted(admission, request) {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout(within, answer).await {
        Ok(Ok(response)) => response,
        // The panic hook has logged where; its message may quote what was sent.
        Ok(Err(_)) => Problem::internal().into_response(),
        Err(_) => Problem::too_slow().into_response(),
    }
}

/// The request, with how it came, if it is for us.
fn admitted(admission: &Admission, request: Request) -> Result<Request, Problem> {
    let (mut head, body) = request.into_parts();
    fits(&head)?;
    let peer = head.extensions.get::<Peer>().copied();
    let arrival = Arrival::of(admission, peer.unwrap_or(Peer::HERE), &head)?;
    guard::admit(admission, &arrival, &head.method, &head.uri, &head.headers)?;
    head.extensions.insert(arrival);
    Ok(Request::from_parts(head, body))
}

fn fits(head: &Parts) -> Result<(), Problem> {
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    if target.len() > MAX_TARGET_BYTES {
        let detail = "the target of a request has at most 8 KiB";
        return Err(Problem::head_too_large(StatusCode::URI_TOO_LONG, detail));
    }
    let headers = head.headers.iter();
    let bytes = headers.map(|(name, value)| name.as_str().len() + value.len());
    if bytes.sum::<usize>() > MAX_HEAD_BYTES {
        let detail = "the headers of a request have at most 16 KiB";
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Problem::head_too_large(status, detail));
    }
    Ok(())
}

/// Says to whoever looks at an answer, or keeps it, what it is not for.
fn sealed(mut response: Response, tls: bool) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let kept = headers.entry(CACHE_CONTROL);
    kept.or_insert(HeaderValue::from_static("no-store"));
    if tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

/// Gives errors that the framework answers by itself (404, 405), in plain text or none, the body that
/// all of ours have. Pages for people stay pages, and answers without a body (to HEAD) too. A batch of which
/// no lead was taken is answered in JSON, a result a lead.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let ours = [PROBLEM_JSON, "application/json", HTML];
    let is_ours = kind.is_some_and(|kind| ours.iter().any(|known| kind == known));
    if status.as_u16() < 400 || is_ours {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            problem.headers_mut().append(name, value.clone());
        }
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt as _;

    async fn breaks() {
        panic!("this handler always breaks");
    }

    /// The answer to one request, each with 20 milliseconds.
    async fn answer(path: &str) -> (StatusCode, Value) {
        let within = Duration::from_millis(20);
        let routes = Router::new()
            .route("/breaks", get(breaks))
            .route("/hangs", get(std::future::pending::<()>))
            .route(
                "/text",
                get(|| async { (StatusCode::GONE, "in plain text") }),
            )
            .layer(from_fn(move |request, next| async move {
                as_problem(guarded(&Admission::default(), request, next, within).await)
            }));
        let request = Request::get(path).header("host", "localhost");
        let request = request.body(Body::empty()).expect("a request");
        let response = routes.oneshot(request).await.expect("an answer");
        let status = response.status();
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        let body = to_bytes(response.into_body(), 1 << 20)
            .await
            .expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_does_not_quote_it() {
        let (status, problem) = answer("/breaks").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.to_string().contains("always breaks"), "{problem}");
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_ended() {
        assert_eq!(answer("/hangs").await.0, StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn an_error_in_any_other_form_becomes_a_problem() {
        let (status, problem) = answer("/text").await;
        assert_eq!(status, StatusCode::GONE);
        assert_eq!(problem["title"], "Gone");
    }
}
