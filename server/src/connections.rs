//! The accounts' connections to their CRMs: what there is, and whether one works.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use leadrail_adapters::{AdapterError, Credentials, CrmAdapter, Session, SetupError, Target};
use leadrail_connections::{
    Connection, ConnectionFilter, ConnectionId, ConnectionResult, ConnectionSettings,
    ConnectionState, OpenConnection,
};
use leadrail_lead::CrmName;
use leadrail_workflows::gate_of;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::params::Params;
use crate::problem::Problem;
use crate::state::{App, ReadError, ServerState, read};

/// Leads that waited for a connection go out this far apart: ten a minute.
const RELEASE_SPACING: Duration = Duration::from_secs(6);

/// Whether leads may go through a connection.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(
    dead_code,
    reason = "describes `ConnectionState` in the API description"
)]
pub(crate) enum ConnectionStateName {
    /// Leads go out.
    Active,
    /// The CRM refused the credential: leads wait until someone connects again.
    NeedsReauth,
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
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self {
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
        (status = 400, description = "A parameter is not valid", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_connections(
    State(app): State<App>,
    Params(query): Params<ConnectionQuery>,
) -> Result<Json<ConnectionList>, Problem> {
    let filter = ConnectionFilter {
        account: query.account,
        crm: query.crm,
        state: query.state,
    };
    let found = read(app.given.connections.list(&filter)).await?;
    let connections = found.into_iter().map(ConnectionView::from).collect();
    Ok(Json(ConnectionList { connections }))
}

/// How a live test of a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectionTest {
    /// The connection.
    #[schema(value_type = Uuid)]
    pub connection_id: ConnectionId,
    /// Whether the CRM accepted the credential.
    pub ok: bool,
    /// The connection's state after the test.
    #[schema(value_type = ConnectionStateName)]
    pub state: ConnectionState,
    /// What the CRM calls the account, if it accepted.
    pub account_name: Option<String>,
    /// Machine-readable: why it did not work, such as `http_401` or `timeout`.
    pub reason: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// How many waiting leads were let go, ten a minute, the urgent first.
    pub released: u32,
}

/// Asks the CRM whether it accepts the connection's credential.
///
/// If it does, the connection is active again and the leads that waited for it go out, ten a
/// minute. One that a person switched off stays off. The test itself sends no lead.
#[utoipa::path(
    post, path = "/v1/connections/{id}/test", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 200, description = "How the test ended: `ok` says whether it worked",
         body = ConnectionTest),
        (status = 400, description = "Not a connection's id", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such connection", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_connection_test(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<ConnectionTest>, Problem> {
    let not_an_id = |_| Problem::bad_parameter("the connection id is not a UUID");
    let id: ConnectionId = id.parse().map_err(not_an_id)?;
    // A database that is away is known before the CRM is asked.
    read(app.given.connections.get(id)).await?;
    let tested = test_connection(&app.given, id).await;
    tested
        .map(Json)
        .map_err(|error| ReadError::from(error).into_problem())
}

/// Asks the CRM whether it accepts the connection's credential, and acts on the answer: an accepted
/// one is active and its waiting leads go out ten a minute, a refused one needs to be connected
/// again. A connection that a person switched off stays off.
///
/// # Errors
/// When there is no such connection, or the vault or the database fails. What the CRM says is not an
/// error but the result.
pub async fn test_connection(
    state: &ServerState,
    id: ConnectionId,
) -> ConnectionResult<ConnectionTest> {
    let open = state.connections.open(id).await?;
    let verdict = ask(state, &open).await;
    let connection = &open.connection;
    let mut test = ConnectionTest {
        connection_id: id,
        ok: verdict.is_ok(),
        state: connection.state,
        account_name: None,
        reason: None,
        detail: None,
        released: 0,
    };
    match verdict {
        Ok(name) => {
            state.connections.mark_verified(id, Some(&name)).await?;
            test.account_name = Some(name);
            test.released = release(state, connection).await?;
        }
        Err(Refusal {
            reason,
            detail,
            auth,
        }) => {
            if auth {
                state
                    .connections
                    .mark_needs_reauth(connection, &detail)
                    .await?;
            }
            (test.reason, test.detail) = (Some(reason), Some(detail));
        }
    }
    test.state = state.connections.get(id).await?.state;
    tracing::info!(connection.id = %id, crm = connection.crm, ok = test.ok, reason = test.reason, "Connection {id} was tested");
    Ok(test)
}

/// Why a test failed.
struct Refusal {
    reason: String,
    detail: String,
    /// The CRM refused the credential itself.
    auth: bool,
}

impl From<SetupError> for Refusal {
    fn from(error: SetupError) -> Self {
        let (reason, detail) = ("setup".to_owned(), error.to_string());
        Self {
            reason,
            detail,
            auth: false,
        }
    }
}

impl From<AdapterError> for Refusal {
    fn from(error: AdapterError) -> Self {
        Self {
            reason: error.reason().to_owned(),
            detail: error.detail().to_owned(),
            auth: matches!(error, AdapterError::Auth(_)),
        }
    }
}

/// The account's name as the CRM tells it.
async fn ask(state: &ServerState, open: &OpenConnection) -> Result<String, Refusal> {
    let name = CrmName::new(open.connection.crm.as_str()).ok();
    let adapter = name.and_then(|name| state.adapters.get(&name));
    let adapter = adapter.ok_or_else(|| Refusal {
        reason: "unsupported_crm".to_owned(),
        detail: format!("there is no adapter for the CRM {}", open.connection.crm),
        auth: false,
    })?;
    let session = session(state, adapter, open)?;
    Ok(adapter.check(&session).await?.name)
}

fn session(
    state: &ServerState,
    adapter: &dyn CrmAdapter,
    open: &OpenConnection,
) -> Result<Session, SetupError> {
    let mut target = Target::new(adapter.crm())?;
    if let Some(url) = &open.connection.base_url {
        target = target.with_base_url(url.as_str())?;
    }
    if let Some(ms) = open.connection.settings.call_timeout_ms {
        target = target.with_call_timeout(Duration::from_millis(ms.into()));
    }
    let method = &open.credential.method;
    let known = adapter.crm().auth.iter().find(|known| known.id == method);
    let secret = known.and_then(|known| known.secrets.first());
    let mut credentials = Credentials::new(method);
    if let Some(&name) = secret {
        credentials = credentials.with(name, open.credential.secret.clone());
    }
    Session::new(&state.http, target, credentials)
}

/// Lets leads through again, unless a person switched the connection off.
async fn release(state: &ServerState, connection: &Connection) -> ConnectionResult<u32> {
    if connection.state == ConnectionState::Disabled {
        return Ok(0);
    }
    state.connections.activate(connection.id).await?;
    let gate = gate_of(&connection.account, &connection.crm);
    Ok(state.engine.open_gate(&gate, RELEASE_SPACING).await?)
}
