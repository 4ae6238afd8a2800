//! `PATCH /v1/connections/{id}`: changes what is set for a connection.

use axum::body::Bytes;
use axum::response::Response;
use http::HeaderMap;
use http::header::IF_MATCH;
use leadrail_desk::Change;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::change::{ChangedConnection, visible};
use crate::audience::By;
use crate::extract::{ConnectionIdPath, json_only};
use crate::problem::Problem;
use crate::problems::{
    AccountTaken, ChangedMeanwhile, DatabaseAway, NoSuchConnection, NotAConnection, NotJson,
};
use crate::state::App;

/// What is to be changed; what is not given stays. Secrets, way in and address are changed by
/// `POST .../reconnect`, together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRequest {
    /// Settings to set; null takes one away.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    settings: Map<String, Value>,
    /// The account on the CRM's side, where leads name one; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    crm_account_id: Option<Option<String>>,
}

/// Tells null from what is not given.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Changes what is set for a connection. Leads that waited for that go out.
///
/// Two changes at once are both made, one after the other. With `If-Match` and the `ETag` that the
/// connection was seen with, the second of them is refused instead.
#[utoipa::path(
    patch, path = "/v1/connections/{id}", tag = "connections",
    params(
        ("id" = Uuid, Path, description = "The connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that it was seen with"),
    ),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "Changed, or as it was", body = ChangedConnection,
         headers(("ETag" = String, description = "Its revision, for `If-Match`"))),
        NotAConnection, NoSuchConnection, AccountTaken, ChangedMeanwhile, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn patch_connection(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    json_only(&headers)?;
    let revision = seen(&headers)?;
    let asked: Map<String, Value> = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let asked: ChangeRequest = serde_json::from_value(asked.into()).map_err(|_| unreadable())?;
    visible(&app, &by, id).await?;
    let change = Change {
        settings: asked.settings,
        crm_account_id: asked.crm_account_id,
        revision,
    };
    let actor = by.0.actor().clone();
    let changed = app.change(move |desk| async move {
        let changed = desk.change_connection(&actor, id, change).await?;
        let listed = desk.with_queue(changed.connection).await?;
        Ok((listed, changed.released))
    });
    let (listed, released) = changed.await?;
    let view = listed.into();
    Ok(ChangedConnection { view, released }.tagged())
}

fn unreadable() -> Problem {
    Problem::bad_request(
        "the body is {\"settings\": {...}, \"crm_account_id\": \"...\"}, either or both; secrets, \
         auth_method and base_url are for POST .../reconnect",
    )
}

/// The revision that a caller has seen: one strong ETag of ours, or any.
fn seen(headers: &HeaderMap) -> Result<Option<i32>, Problem> {
    let mut given = headers.get_all(IF_MATCH).iter();
    let (Some(first), second) = (given.next(), given.next()) else {
        return Ok(None);
    };
    let text = first.to_str().unwrap_or_default().trim();
    if text == "*" && second.is_none() {
        return Ok(None);
    }
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let revision = quoted.and_then(|text| text.parse().ok());
    match revision.filter(|_| second.is_none()) {
        Some(revision) => Ok(Some(revision)),
        None => Err(Problem::bad_parameter(
            "If-Match is the ETag of the connection, such as \"3\"",
        )),
    }
}
