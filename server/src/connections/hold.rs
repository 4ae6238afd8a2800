//! Holding a connection's leads back, and letting them go: paused and resumed, switched off and on.

use axum::Json;
use axum::body::Bytes;
use http::HeaderMap;
use leadrail_connections::ConnectionId;
use leadrail_desk::{Actor, Desk, DeskResult};
use serde::Deserialize;
use utoipa::ToSchema;

use super::change::{ChangedConnection, visible};
use crate::audience::By;
use crate::extract::{ConnectionIdPath, json_only};
use crate::problem::Problem;
use crate::problems::{
    ConnectionNotNow, DatabaseAway, NoSuchConnection, NotAConnectionId,
    NotAConnectionIdOrUnreadable, NotJson,
};
use crate::state::App;

/// Why its leads are held back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldRequest {
    /// For whoever looks at it later.
    why: String,
}

/// Switches a connection off: its leads wait until it is on again.
#[utoipa::path(
    post, path = "/v1/connections/{id}/disable", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    request_body = HoldRequest,
    responses(
        (status = 200, description = "It is off", body = ChangedConnection),
        NotAConnectionIdOrUnreadable, NoSuchConnection, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_disable(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ChangedConnection>, Problem> {
    let why = reason(&headers, &body)?;
    changed(&app, &by, id, move |desk, actor| async move {
        desk.disable(&actor, id, &why).await?;
        Ok(0)
    })
    .await
}

/// Switches a connection on again with the credential it has; its leads go out, ten a minute, unless
/// nobody has signed in yet or the CRM has refused that credential.
#[utoipa::path(
    post, path = "/v1/connections/{id}/enable", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 200, description = "It is on", body = ChangedConnection),
        NotAConnectionId, NoSuchConnection, DatabaseAway,
    )
)]
pub(crate) async fn post_enable(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
) -> Result<Json<ChangedConnection>, Problem> {
    changed(&app, &by, id, move |desk, actor| async move {
        desk.enable(&actor, id).await
    })
    .await
}

/// Holds a connection's leads back until it is resumed. Only one that is active can be paused.
#[utoipa::path(
    post, path = "/v1/connections/{id}/pause", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    request_body = HoldRequest,
    responses(
        (status = 200, description = "It is paused", body = ChangedConnection),
        NotAConnectionIdOrUnreadable, NoSuchConnection, ConnectionNotNow, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_pause(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ChangedConnection>, Problem> {
    let why = reason(&headers, &body)?;
    changed(&app, &by, id, move |desk, actor| async move {
        desk.pause_connection(&actor, id, &why).await?;
        Ok(0)
    })
    .await
}

/// Ends a pause: the leads that waited go out, ten a minute, the urgent first.
#[utoipa::path(
    post, path = "/v1/connections/{id}/resume", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 200, description = "It is paused no more", body = ChangedConnection),
        NotAConnectionId, NoSuchConnection, ConnectionNotNow, DatabaseAway,
    )
)]
pub(crate) async fn post_resume(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
) -> Result<Json<ChangedConnection>, Problem> {
    changed(&app, &by, id, move |desk, actor| async move {
        desk.resume_connection(&actor, id).await
    })
    .await
}

fn reason(headers: &HeaderMap, body: &[u8]) -> Result<String, Problem> {
    json_only(headers)?;
    let HoldRequest { why } = serde_json::from_slice(body)
        .map_err(|_| Problem::bad_request("the body is {\"why\": \"...\"}"))?;
    Ok(why)
}

/// Changes a connection that this caller may know of: as it is then, and how many leads that lets go.
async fn changed<F>(
    app: &App,
    by: &By,
    id: ConnectionId,
    change: impl FnOnce(Desk, Actor) -> F + Send + 'static,
) -> Result<Json<ChangedConnection>, Problem>
where
    F: Future<Output = DeskResult<u32>> + Send,
{
    visible(app, by, id).await?;
    let actor = by.0.actor().clone();
    let changed = app.change(move |desk| async move {
        let released = change(desk.clone(), actor).await?;
        let now = desk.connection(id).await?;
        Ok((desk.with_queue(now).await?, released))
    });
    let (listed, released) = changed.await?;
    let view = listed.into();
    Ok(Json(ChangedConnection { view, released }))
}
