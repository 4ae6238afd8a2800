//! The routes, by whom they are for. Each is described where it is written, and the description is made
//! from them.

use axum::Router;
use axum::middleware::from_fn;
use leadrail_desk::Desk;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi::Description;
use crate::problem::Problem;
use crate::state::App;
use crate::{audience, connections, edge, health, leads, openapi, runs};

/// The API as a router, for whoever brings a listener. It answers requests for this machine only.
pub fn router(desk: Desk) -> Router {
    // Whoever stops it does not wait for the changes under way; they end all the same.
    let (app, _changes) = App::new(desk);
    with_app(app)
}

/// All of the API.
pub(crate) fn with_app(app: App) -> Router {
    let (routes, _) = routes().split_for_parts();
    routes.layer(from_fn(edge::edge)).with_state(app)
}

/// Health and metrics, for a connection for which there is no other place; everything else is told
/// to come again.
pub(crate) fn only_health(app: App) -> Router {
    let routes = health_routes().fallback(|| async { Problem::busy() });
    routes.layer(from_fn(edge::edge)).with_state(app)
}

/// Health and metrics of a worker, which answers nothing else.
pub(crate) fn of_worker(app: App) -> Router {
    health_routes().layer(from_fn(edge::edge)).with_state(app)
}

fn health_routes() -> Router<App> {
    let routes = OpenApiRouter::new()
        .merge(health_checks().layer(from_fn(audience::public)))
        .merge(figures().layer(from_fn(audience::operator)));
    routes.split_for_parts().0
}

/// All routes, each behind the layer of its audience.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(public().layer(from_fn(audience::public)))
        .merge(account().layer(from_fn(audience::account)))
        .merge(operator().layer(from_fn(audience::operator)))
}

/// For anybody who may reach us.
fn public() -> OpenApiRouter<App> {
    health_checks().routes(routes!(openapi::openapi_json))
}

fn health_checks() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

fn figures() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::metrics_text))
}

/// For the accounts' call pipelines.
fn account() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(leads::submit::post_leads, leads::list::list_leads))
        .routes(routes!(leads::show::get_lead))
        .routes(routes!(leads::cancel::post_cancel))
}

/// For whoever runs the product.
fn operator() -> OpenApiRouter<App> {
    figures()
        .routes(routes!(runs::post_signal))
        .routes(routes!(runs::get_state))
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::post_connection_test))
}
