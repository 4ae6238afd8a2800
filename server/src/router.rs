//! The routes. Each is described where it is written, and the description is made from them.

use axum::Router;
use axum::middleware;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi::Description;
use crate::state::{App, ServerState};
use crate::{connections, edge, health, leads, openapi, runs};

/// The API as a router, for whoever brings a listener. It answers requests for this machine only.
pub fn router(state: ServerState) -> Router {
    let (routes, _) = routes().split_for_parts();
    routes
        .layer(middleware::from_fn(edge::edge))
        .with_state(App::new(state))
}

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(leads::submit::post_leads, leads::list::list_leads))
        .routes(routes!(leads::show::get_lead))
        .routes(routes!(leads::cancel::post_cancel))
        .routes(routes!(runs::post_signal))
        .routes(routes!(runs::get_state))
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::post_connection_test))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics_text))
        .routes(routes!(openapi::openapi_json))
}
