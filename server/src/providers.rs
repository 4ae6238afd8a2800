//! The providers of tokens, and our own clients with them: for whoever runs the product.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use leadrail_connections::{NewProviderClient, ProviderClient};
use leadrail_desk::ListedProvider;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::audience::Who;
use crate::extract::json_only;
use crate::problem::Problem;
use crate::problems::{DatabaseAway, NoSuchProviderClient, NotAProviderClient, NotJson};
use crate::state::{App, in_time};

/// A provider, and what it knows us as.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderView {
    /// The CRM's name.
    name: &'static str,
    /// The name people know.
    title: &'static str,
    /// `code`: people sign in, with a client of ours; `client_credentials`: each account has a client of
    /// its own.
    #[schema(value_type = String)]
    flow: Value,
    /// Its environments, the usual one first.
    environments: Vec<&'static str>,
    /// What we ask to be allowed; none where that is fixed with the app.
    scopes: &'static [&'static str],
    /// What is to be registered there as the address to come back to.
    redirect_uri: Option<String>,
    /// Our clients there, one an environment.
    clients: Vec<ClientView>,
}

/// A client of ours, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientView {
    /// The CRM's name.
    provider: String,
    /// Which of its environments.
    environment: String,
    /// Our id there.
    client_id: String,
    /// Takes the place of the provider's own addresses.
    base_url: Option<String>,
    /// When it was last given.
    updated_at: DateTime<Utc>,
}

impl From<ProviderClient> for ClientView {
    fn from(client: ProviderClient) -> Self {
        Self {
            provider: client.provider,
            environment: client.environment,
            client_id: client.client_id,
            base_url: client.base_url,
            updated_at: client.updated_at,
        }
    }
}

impl From<ListedProvider> for ProviderView {
    fn from(listed: ListedProvider) -> Self {
        Self {
            name: listed.name,
            title: listed.title,
            flow: json!(listed.flow),
            environments: listed.environments,
            scopes: listed.scopes,
            redirect_uri: listed.redirect_uri,
            clients: listed.clients.into_iter().map(ClientView::from).collect(),
        }
    }
}

/// All providers.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderList {
    /// By name.
    providers: Vec<ProviderView>,
}

/// The providers of tokens, with our clients there.
#[utoipa::path(
    get, path = "/v1/providers", tag = "connections",
    responses(
        (status = 200, description = "The providers", body = ProviderList),
        DatabaseAway,
    )
)]
pub(crate) async fn list_providers(app: App) -> Result<Json<ProviderList>, Problem> {
    let listed = in_time(app.desk.providers()).await?.into_iter();
    let providers = listed.map(ProviderView::from).collect();
    Ok(Json(ProviderList { providers }))
}

/// A client of ours to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderRequest {
    /// The CRM's name, such as `jobber`.
    provider: String,
    /// Which of its environments; the usual one without.
    environment: Option<String>,
    /// Our id there.
    client_id: String,
    /// Our secret there. It is sealed, and never shown again.
    client_secret: String,
    /// Takes the place of the provider's own addresses: a simulator, a proxy.
    base_url: Option<String>,
}

/// Takes our client with a provider down, or another in its place.
///
/// People can sign in with it from now on, and tokens that were issued to the one before are renewed with
/// it.
#[utoipa::path(
    post, path = "/v1/providers", tag = "connections", request_body = ProviderRequest,
    responses(
        (status = 201, description = "Taken down", body = ClientView),
        NotAProviderClient, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_providers(
    app: App,
    Who(actor): Who,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    json_only(&headers)?;
    // The parser's own words could repeat a secret.
    let asked: ProviderRequest = serde_json::from_slice(&body).map_err(|_| {
        Problem::bad_request(
            "the body is {\"provider\": \"...\", \"client_id\": \"...\", \"client_secret\": \"...\"}, with \
             environment and base_url where they are wanted",
        )
    })?;
    let new = NewProviderClient {
        provider: asked.provider,
        environment: asked.environment,
        client_id: asked.client_id,
        client_secret: SecretString::from(asked.client_secret),
        base_url: asked.base_url,
    };
    let set = app.change(|desk| async move { desk.set_provider(&actor, new).await });
    Ok((StatusCode::CREATED, Json(ClientView::from(set.await?))).into_response())
}

/// Takes our client with a provider away.
///
/// Nobody can sign in with it any more, and tokens that were issued to it are renewed no more.
#[utoipa::path(
    delete, path = "/v1/providers/{provider}/{environment}", tag = "connections",
    params(
        ("provider" = String, Path, description = "The CRM's name"),
        ("environment" = String, Path, description = "Which of its environments"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        NotAProviderClient, NoSuchProviderClient, DatabaseAway,
    )
)]
pub(crate) async fn delete_provider(
    app: App,
    Who(actor): Who,
    Path((provider, environment)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let removed = app.change(|desk| async move {
        desk.remove_provider(&actor, &provider, Some(&environment))
            .await
    });
    match removed.await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("we have no such client")),
    }
}
