//! `POST /v1/connections/{id}/reconnect`: new secrets for a connection that is there.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::response::Response;
use http::HeaderMap;
use leadrail_desk::Reconnect;
use serde::Deserialize;
use utoipa::ToSchema;

use super::change::{ChangedConnection, sealable, visible};
use crate::audience::By;
use crate::extract::{ConnectionIdPath, json_only};
use crate::problem::Problem;
use crate::problems::{
    ChangedMeanwhile, DatabaseAway, NoSuchConnection, NotAConnection, NotAccepted, NotJson,
    NotTheAccount,
};
use crate::state::App;

/// What a connection is signed in with from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReconnectRequest {
    /// The secrets of the way in, by name. They are sealed, and never shown again.
    secrets: BTreeMap<String, String>,
    /// Another way in; the present one where none is given.
    auth_method: Option<String>,
    /// Another address of the CRM; an empty one is the CRM's own again.
    base_url: Option<String>,
    /// Whether the secrets may be those of another account than before.
    #[serde(default)]
    other_account: bool,
}

/// Gives a connection new secrets, after the CRM has been asked whether it accepts them.
///
/// It keeps its id and settings, and the leads that waited go out, the urgent first and ten a minute;
/// one that is paused stays so. What the CRM refuses changes nothing. Where the CRM does not answer the
/// secrets are taken, and `last_verified_at` stays null.
#[utoipa::path(
    post, path = "/v1/connections/{id}/reconnect", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    request_body = ReconnectRequest,
    responses(
        (status = 200, description = "Connected again", body = ChangedConnection,
         headers(("ETag" = String, description = "Its revision, for `If-Match`"))),
        NotAConnection, NoSuchConnection, NotTheAccount, ChangedMeanwhile, NotJson, NotAccepted,
        DatabaseAway,
    )
)]
pub(crate) async fn post_reconnect(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    json_only(&headers)?;
    // The parser's own words could repeat a secret.
    let asked: ReconnectRequest = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    visible(&app, &by, id).await?;
    let with = Reconnect {
        secrets: sealable(asked.secrets),
        auth_method: asked.auth_method,
        base_url: asked.base_url,
        other_account: asked.other_account,
    };
    let actor = by.0.actor().clone();
    let connected = app.call(move |desk| async move {
        let connected = desk.reconnect(&actor, id, with).await?;
        let listed = desk.with_queue(connected.connection).await?;
        Ok((listed, connected.released))
    });
    let (listed, released) = connected.await?;
    let view = listed.into();
    Ok(ChangedConnection { view, released }.tagged())
}

fn unreadable() -> Problem {
    Problem::bad_request(
        "the body is {\"secrets\": {\"name\": \"...\"}}, with auth_method, base_url and other_account \
         where they are wanted",
    )
}
