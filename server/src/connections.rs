//! The accounts' connections to their CRMs: what there is, whether one works, changing it ([`change`]),
//! and holding its leads back ([`hold`]).

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod hold;
pub(crate) mod options;
pub(crate) mod reconnect;
pub(crate) mod set;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::ETAG;
use leadrail_connections::{ConnectionFilter, ConnectionId, ConnectionSettings, ConnectionState};
use leadrail_desk::ListedConnection;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audience::By;
use crate::extract::ConnectionIdPath;
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{BadParameter, DatabaseAway, NoSuchConnection, NotAConnectionId};
use crate::state::{App, in_time};

/// Whether leads may go through a connection.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(
    dead_code,
    reason = "describes `ConnectionState` in the API description"
)]
pub(crate) enum ConnectionStateName {
    /// It is made and nobody has signed in yet: leads wait for that.
    Pending,
    /// Leads go out.
    Active,
    /// The CRM refused the credential: leads wait until someone connects again.
    NeedsReauth,
    /// A person holds its leads back for a while.
    Paused,
    /// A person switched it off.
    Disabled,
}

/// One account's way into one CRM account, without the credential.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    /// Kept for life.
    #[schema(value_type = Uuid)]
    id: ConnectionId,
    /// Whose it is.
    account: String,
    /// The CRM.
    crm: String,
    /// The account on the CRM's side.
    crm_account_id: Option<String>,
    /// Overrides the CRM's own address.
    base_url: Option<String>,
    /// How the credential authenticates.
    auth_method: String,
    /// What the contractor chose.
    #[schema(value_type = Value)]
    settings: ConnectionSettings,
    /// Whether leads go through.
    #[schema(value_type = ConnectionStateName)]
    state: ConnectionState,
    /// Why it is not active.
    state_reason: Option<String>,
    /// When the state was entered.
    state_changed_at: DateTime<Utc>,
    /// When the CRM last accepted the credential in a test.
    last_verified_at: Option<DateTime<Utc>>,
    /// What the CRM called the account in that test.
    verified_name: Option<String>,
    /// When the account first connected it.
    created_at: DateTime<Utc>,
    /// Counts what people changed in it; the `ETag` of its address has it, too.
    revision: i32,
    /// The leads that stand before it.
    queue: QueueView,
}

impl ConnectionView {
    /// What names this revision of it.
    fn etag(&self) -> HeaderValue {
        let tag = format!("\"{}\"", self.revision);
        HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// As an answer that says which revision it is.
    fn tagged(self) -> Response {
        let etag = self.etag();
        ([(ETAG, etag)], Json(self)).into_response()
    }
}

/// The leads that stand before a connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueView {
    /// Leads that wait for it, or for a connection to its account's CRM.
    waiting: i64,
    /// Leads that waited and whose turn comes, ten a minute.
    released: i64,
    /// When the last of them has its turn.
    last_turn_at: Option<DateTime<Utc>>,
}

impl From<ListedConnection> for ConnectionView {
    fn from(listed: ListedConnection) -> Self {
        let ListedConnection { connection, queue } = listed;
        Self {
            queue: QueueView {
                waiting: queue.waiting,
                released: queue.released,
                last_turn_at: queue.last_turn_at,
            },
            id: connection.id,
            account: connection.account,
            crm: connection.crm,
            crm_account_id: connection.crm_account_id,
            base_url: connection.base_url.map(|url| url.as_str().to_owned()),
            auth_method: connection.auth_method,
            settings: connection.settings,
            state: connection.state,
            state_reason: connection.state_reason,
            state_changed_at: connection.state_changed_at,
            last_verified_at: connection.last_verified_at,
            verified_name: connection.verified_name,
            created_at: connection.created_at,
            revision: connection.revision,
        }
    }
}

/// Which connections.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConnectionQuery {
    /// Only this account's.
    account: Option<String>,
    /// Only those to this CRM.
    crm: Option<String>,
    /// Only those in this state.
    #[param(value_type = Option<ConnectionStateName>)]
    state: Option<ConnectionState>,
}

/// All connections that were asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    /// By account, CRM and CRM account.
    connections: Vec<ConnectionView>,
}

/// The connections, without their credentials.
#[utoipa::path(
    get, path = "/v1/connections", tag = "connections", params(ConnectionQuery),
    responses(
        (status = 200, description = "The connections", body = ConnectionList),
        BadParameter, DatabaseAway,
    )
)]
pub(crate) async fn list_connections(
    app: App,
    by: By,
    Params(query): Params<ConnectionQuery>,
) -> Result<Json<ConnectionList>, Problem> {
    let filter = ConnectionFilter {
        account: by.account(query.account)?,
        crm: query.crm,
        state: query.state,
    };
    let found = in_time(app.desk.connections_with_queues(&filter)).await?;
    let connections = found.into_iter().map(ConnectionView::from).collect();
    Ok(Json(ConnectionList { connections }))
}

/// How a live test of a connection ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionTest {
    /// The connection.
    #[schema(value_type = Uuid)]
    connection_id: ConnectionId,
    /// Whether the CRM accepted the credential.
    ok: bool,
    /// The connection's state after the test.
    #[schema(value_type = ConnectionStateName)]
    state: ConnectionState,
    /// What the CRM calls the account, if it accepted.
    account_name: Option<String>,
    /// Machine-readable: why it did not work, such as `http_401` or `timeout`.
    reason: Option<String>,
    /// The same for people.
    detail: Option<String>,
    /// How many waiting leads were let go, ten a minute, the urgent first.
    released: u32,
}

impl From<leadrail_desk::ConnectionTest> for ConnectionTest {
    fn from(test: leadrail_desk::ConnectionTest) -> Self {
        Self {
            connection_id: test.connection_id,
            ok: test.ok,
            state: test.state,
            account_name: test.account_name,
            reason: test.reason,
            detail: test.detail,
            released: test.released,
        }
    }
}

/// How a connection is tested.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TestQuery {
    /// Tries a refresh token once more of whose last use no answer came, as the connection then says. A
    /// provider that did hear the first time may end the whole sign-in for that.
    #[serde(default)]
    once_more: bool,
}

/// Asks the CRM whether it accepts the connection's credential.
///
/// If it does, the connection is active again and the leads that waited for it go out, ten a
/// minute. One that a person paused or switched off stays so. The test itself sends no lead.
#[utoipa::path(
    post, path = "/v1/connections/{id}/test", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection"), TestQuery),
    responses(
        (status = 200, description = "How the test ended: `ok` says whether it worked",
         body = ConnectionTest),
        NotAConnectionId, NoSuchConnection, DatabaseAway,
    )
)]
pub(crate) async fn post_connection_test(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
    Params(TestQuery { once_more }): Params<TestQuery>,
) -> Result<Json<ConnectionTest>, Problem> {
    // A database that is away is known before the CRM is asked.
    change::visible(&app, &by, id).await?;
    let actor = by.0.actor().clone();
    let tested = app.call(move |desk| async move {
        match once_more {
            true => desk.test_once_more(&actor, id).await,
            false => desk.test(&actor, id).await,
        }
    });
    Ok(Json(tested.await?.into()))
}
