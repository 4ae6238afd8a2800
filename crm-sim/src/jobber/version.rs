//! `X-JOBBER-GRAPHQL-VERSION`: which versions answer, and as which.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::Reply;

/// Versions that can be asked for, oldest first. All have the same types here.
const SUPPORTED: &[&str] = &["2025-01-20", "2025-04-16", "2026-05-12"];

/// Versions that were removed: such a call is moved to the oldest supported one.
const REMOVED: &[&str] = &["2022-04-29", "2023-08-18", "2023-11-15"];

/// `extensions.versioning` of the answer, or the answer that refuses.
pub(super) fn negotiate(call: &Call) -> Result<Value, Reply> {
    let asked = call.headers.get("x-jobber-graphql-version");
    let Some(asked) = asked.and_then(|value| value.to_str().ok()) else {
        return Err(refuse("The X-JOBBER-GRAPHQL-VERSION header is required"));
    };
    let latest = SUPPORTED[SUPPORTED.len() - 1];
    if asked == latest {
        return Ok(json!({"version": latest}));
    }
    let version = if REMOVED.contains(&asked) {
        SUPPORTED[0]
    } else if SUPPORTED.contains(&asked) {
        asked
    } else {
        let message = format!("The API version {asked:?} does not exist");
        return Err(refuse(&message));
    };
    let warning = format!(
        "API Version {version} is no longer supported, and will be removed at any time without \
         warning. Upgrade to the latest API version {latest} to ensure your app continues to \
         function."
    );
    Ok(json!({"version": version, "warning": warning}))
}

fn refuse(message: &str) -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({"message": message}))
}
