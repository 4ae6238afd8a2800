//! `POST /v1/connections` and what is done with one: shown, taken away.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use http::header::{ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use leadrail_connections::{Connection, ConnectionError, ConnectionId};
use leadrail_desk::Given;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::ConnectionView;
use crate::audience::By;
use crate::extract::{ConnectionIdPath, json_only};
use crate::problem::Problem;
use crate::problems::{
    ChangedMeanwhile, ConnectionIsThere, DatabaseAway, NoSuchConnection, NotAConnection,
    NotAConnectionId, NotJson,
};
use crate::state::{App, in_time, problem};

/// A connection to be made, or made again: what is not given of one that is there stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectRequest {
    /// Whose it is; the key's own account where it is for one.
    account: Option<String>,
    /// The CRM, such as `housecall_pro`.
    crm: String,
    /// The account on the CRM's side, where leads name one.
    crm_account_id: Option<String>,
    /// Another address of the CRM; an empty one is the CRM's own again.
    base_url: Option<String>,
    /// The way in; the CRM's usual one where none is given and none is there.
    auth_method: Option<String>,
    /// The secrets of that way in, by name. They are sealed, and never shown again. Where they are left
    /// out the connection is made and pending: its leads wait until somebody signs in.
    secrets: Option<BTreeMap<String, String>>,
    /// What the contractor chose; null takes a setting away.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    settings: Map<String, Value>,
}

/// A connection after a change.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedConnection {
    /// As it is now.
    #[serde(flatten)]
    pub(super) view: ConnectionView,
    /// How many leads waited for it and go out now, ten a minute, the urgent first.
    pub(super) released: u32,
}

impl ChangedConnection {
    /// As an answer that says which revision it is.
    pub(super) fn tagged(self) -> Response {
        let etag = self.view.etag();
        ([(ETAG, etag)], Json(self)).into_response()
    }
}

/// Connects an account to a CRM, or connects it again under the same id.
///
/// The same account, CRM and CRM account again replaces the secrets and changes the settings that are
/// given. Leads that waited for it go out. The CRM is not asked: `POST .../test` does. Without secrets a
/// connection is made that nobody has signed in to yet.
#[utoipa::path(
    post, path = "/v1/connections", tag = "connections", request_body = ConnectRequest,
    responses(
        (status = 201, description = "Connected", body = ChangedConnection,
         headers(("Location" = String, description = "Where it is"))),
        NotAConnection, ConnectionIsThere, ChangedMeanwhile, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_connections(
    app: App,
    by: By,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    json_only(&headers)?;
    let asked: ConnectRequest = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let account = by.account(asked.account)?;
    let given = Given {
        account: account.ok_or_else(|| Problem::bad_request("say whose it is: `account`"))?,
        crm: asked.crm,
        crm_account_id: asked.crm_account_id,
        base_url: asked.base_url,
        auth_method: asked.auth_method,
        settings: asked.settings,
    };
    let actor = by.0.actor().clone();
    let secrets = asked.secrets.map(sealable);
    let connected = app.change(|desk| async move {
        let proposed = desk.propose(given).await?;
        let (connection, released) = match secrets {
            None => {
                let made = desk.prepare_connection(&actor, proposed.connection).await?;
                (made, 0)
            }
            Some(secrets) => {
                let connected = desk.connect_proposed(&actor, proposed, secrets).await?;
                (connected.connection, connected.released)
            }
        };
        Ok((desk.with_queue(connection).await?, released))
    });
    let (listed, released) = connected.await?;
    let location = format!("/v1/connections/{}", listed.connection.id);
    let changed = ChangedConnection {
        view: listed.into(),
        released,
    };
    let mut response = (StatusCode::CREATED, changed.tagged()).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

pub(super) fn sealable(secrets: BTreeMap<String, String>) -> BTreeMap<String, SecretString> {
    let secrets = secrets.into_iter();
    secrets
        .map(|(name, secret)| (name, SecretString::from(secret)))
        .collect()
}

/// The parser's own words could repeat a secret.
fn unreadable() -> Problem {
    Problem::bad_request(
        "the body is {\"crm\": \"...\", \"secrets\": {\"name\": \"...\"}}, with account, crm_account_id, \
         base_url, auth_method and settings where they are wanted",
    )
}

/// One connection, without its credential.
#[utoipa::path(
    get, path = "/v1/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 200, description = "The connection", body = ConnectionView,
         headers(("ETag" = String, description = "Its revision, for `If-Match`"))),
        NotAConnectionId, NoSuchConnection, DatabaseAway,
    )
)]
pub(crate) async fn get_connection(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
) -> Result<Response, Problem> {
    let connection = visible(&app, &by, id).await?;
    let listed = in_time(app.desk.with_queue(connection)).await?;
    Ok(ConnectionView::from(listed).tagged())
}

/// A connection that this caller may know of.
pub(super) async fn visible(app: &App, by: &By, id: ConnectionId) -> Result<Connection, Problem> {
    let connection = in_time(app.desk.connection(id)).await?;
    match by.0.sees(&connection.account) {
        true => Ok(connection),
        false => Err(problem(ConnectionError::NotFound { id }.into())),
    }
}

/// Takes a connection away, with its credential. Leads that are addressed to it wait until the account
/// is connected again.
#[utoipa::path(
    delete, path = "/v1/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 204, description = "It is gone"),
        NotAConnectionId, NoSuchConnection, DatabaseAway,
    )
)]
pub(crate) async fn delete_connection(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
) -> Result<StatusCode, Problem> {
    visible(&app, &by, id).await?;
    let actor = by.0.actor().clone();
    let deleted = app.change(move |desk| async move { desk.delete_connection(&actor, id).await });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}
