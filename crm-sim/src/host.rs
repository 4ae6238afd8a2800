//! Keeps web pages away from a simulator that asks nobody who he is.
//!
//! A page can point its own name at 127.0.0.1 (DNS rebinding); the `Host` header tells.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Lets through what was addressed to this machine.
pub(crate) async fn admit(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let of_target = request.uri().authority().map(Authority::as_str);
    let ours = host.is_some_and(is_loopback) && of_target.is_none_or(is_loopback);
    match ours && hosts.next().is_none() {
        true => next.run(request).await,
        false => (StatusCode::FORBIDDEN, FOREIGN).into_response(),
    }
}

const FOREIGN: &str = "the Host header must name this machine: localhost, 127.0.0.1 or [::1]\n";

/// Whether `host[:port]` can only mean this machine.
fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
