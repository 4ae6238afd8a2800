//! What somebody sees who follows a link: the recording, or a page that says what became of it.
//!
//! The page is for anybody who has the link, so it names the call and nothing of the caller. Nothing in
//! it runs, nothing is loaded, and it works without a style sheet.

use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use leadrail_connections::links::LinkKind;
use leadrail_desk::{Lost, ToldCall};

use crate::pages::{HTML, escaped, guard};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
/// After so many seconds a second click may help.
const LATER: &str = "60";

/// Nobody lists it.
const UNLISTED: HeaderValue = HeaderValue::from_static("noindex, nofollow, noarchive");

/// There it is.
pub(super) fn sent_on(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(there) => answer(StatusCode::FOUND, [(LOCATION, there)], String::new()),
        Err(_) => lost(Lost::NotNow, None),
    }
}

/// Whether a link leads anywhere, for whoever only wants to know that.
pub(super) fn looked_at(lost: Option<Lost>) -> Response {
    let status = lost.map_or(StatusCode::NO_CONTENT, status_of);
    answer(status, [], String::new())
}

/// It leads nowhere; what may be said of it.
pub(super) fn lost(why: Lost, call: Option<&ToldCall>) -> Response {
    let status = status_of(why);
    let kind = HeaderValue::from_static(HTML);
    let mut response = answer(status, [(CONTENT_TYPE, kind)], written(why, call));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(LATER));
    }
    response
}

fn answer(
    status: StatusCode,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    body: String,
) -> Response {
    let mut response = (status, body).into_response();
    let all = response.headers_mut();
    all.remove(CONTENT_TYPE);
    guard(all);
    all.insert(ROBOTS, UNLISTED);
    all.extend(headers);
    response
}

fn status_of(why: Lost) -> StatusCode {
    match why {
        Lost::Unknown => StatusCode::NOT_FOUND,
        Lost::Forgotten | Lost::Revoked | Lost::Ended | Lost::NotKept => StatusCode::GONE,
        Lost::NotNow => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn written(why: Lost, call: Option<&ToldCall>) -> String {
    let (title, text) = words(why);
    let about = call.map(about).unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>{text}</p>\n{about}</html>\n"
    )
}

fn words(why: Lost) -> (&'static str, &'static str) {
    match why {
        Lost::Unknown => (
            "There is no such link",
            "Copy it from the note once more: a part of it may be missing.",
        ),
        Lost::Forgotten => (
            "This is not kept any more",
            "What was recorded of this call has been deleted here.",
        ),
        Lost::Revoked => (
            "This link was taken back",
            "Ask whoever answers your calls for another one.",
        ),
        Lost::Ended => (
            "This link has ended",
            "Ask whoever answers your calls for a new one, by the call's id.",
        ),
        Lost::NotKept => (
            "This is not kept any more",
            "Whoever answers your calls does not keep it any longer.",
        ),
        Lost::NotNow => (
            "This cannot be opened now",
            "The link is good. Please try it again in a minute.",
        ),
    }
}

/// Which call it was.
fn about(call: &ToldCall) -> String {
    let kind = match call.kind {
        LinkKind::Recording => "Recording",
        LinkKind::Transcript => "Transcript",
    };
    let at = call.at.format("%Y-%m-%d %H:%M");
    let named = match call.call_id.is_empty() {
        true => String::new(),
        false => format!(" (id {})", escaped(&call.call_id)),
    };
    format!("<p>{kind} of the call of {at} UTC{named}.</p>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_call_and_shows_what_stands_there_as_text() {
        let call = ToldCall {
            kind: LinkKind::Transcript,
            call_id: "<script>\"x\"&'".to_owned(),
            at: "2026-05-26T14:32:00Z".parse().unwrap(),
        };
        let page = written(Lost::Ended, Some(&call));
        assert!(
            page.contains(
                "Transcript of the call of 2026-05-26 14:32 UTC \
                 (id &lt;script&gt;&quot;x&quot;&amp;&#39;)."
            ),
            "{page}"
        );
        let nameless = ToldCall {
            call_id: String::new(),
            ..call
        };
        assert!(!written(Lost::Ended, Some(&nameless)).contains("(id"));
    }

    #[test]
    fn every_answer_is_kept_by_nobody_and_listed_by_nobody() {
        let all = [
            Lost::Unknown,
            Lost::Forgotten,
            Lost::Revoked,
            Lost::Ended,
            Lost::NotKept,
            Lost::NotNow,
        ];
        let mut answers: Vec<_> = all.into_iter().map(|why| lost(why, None)).collect();
        answers.push(sent_on("https://storage.example/r.mp3?sig=1"));
        answers.extend([looked_at(None), looked_at(Some(Lost::Ended))]);
        for answer in answers {
            for (name, value) in [
                ("cache-control", "no-store"),
                ("referrer-policy", "no-referrer"),
                ("x-robots-tag", "noindex, nofollow, noarchive"),
                ("x-content-type-options", "nosniff"),
                (
                    "content-security-policy",
                    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                ),
            ] {
                assert_eq!(answer.headers()[name], value, "{}", answer.status());
            }
        }
    }
}
