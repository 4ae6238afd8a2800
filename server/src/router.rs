//! The routes, by whom they are for. Each is described where it is written, and the description is made
//! from them.

use axum::middleware::from_fn;
use axum::routing::get;
use axum::{Extension, Router};
use leadrail_desk::Desk;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admission::Admission;
use crate::openapi::Description;
use crate::places::Limits;
use crate::problem::Problem;
use crate::state::App;
use crate::{
    audience, audit, connections, docs, edge, erasures, health, keys, leads, links, openapi,
    providers, runs, sign_ins,
};

/// The API as a router, for whoever brings a listener. It answers requests for this machine only, and
/// asks for no key.
pub fn router(desk: &Desk) -> Router {
    // Whoever stops it does not wait for the changes under way; they end all the same.
    let (app, _changes) = App::new(desk, Admission::default(), Limits::default());
    with_app(app)
}

/// All of the API.
pub(crate) fn with_app(app: App) -> Router {
    at_the_edge(routes().split_for_parts().0, app)
}

/// Health and metrics, for a connection for which there is no other place; everything else is told
/// to come again.
pub(crate) fn only_health(app: App) -> Router {
    let routes = health_routes().fallback(|| async { Problem::busy() });
    at_the_edge(routes, app)
}

/// Health and metrics of a worker, which answers nothing else.
pub(crate) fn of_worker(app: App) -> Router {
    at_the_edge(health_routes(), app)
}

/// Every layer sees what the calls need.
fn at_the_edge(routes: Router<App>, app: App) -> Router {
    let routes = routes.layer(from_fn(edge::edge));
    routes.layer(Extension(app.clone())).with_state(app)
}

fn health_routes() -> Router<App> {
    let routes = OpenApiRouter::new()
        .merge(alive().layer(from_fn(audience::anyone)))
        .merge(ready().layer(from_fn(audience::public)))
        .merge(figures().layer(from_fn(audience::operator)));
    routes.split_for_parts().0
}

/// All routes, each behind the layer of its audience.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(alive().layer(from_fn(audience::anyone)))
        .merge(public().layer(from_fn(audience::public)))
        .merge(known().layer(from_fn(audience::known)))
        .merge(intake().layer(from_fn(audience::intake)))
        .merge(account().layer(from_fn(audience::account)))
        .merge(operator().layer(from_fn(audience::operator)))
}

/// For anybody who may reach us.
fn public() -> OpenApiRouter<App> {
    ready()
        .routes(routes!(openapi::openapi_json))
        .routes(routes!(docs::docs))
        .route("/r/{link_id}", get(links::follow_link))
        .routes(routes!(sign_ins::get_start))
        .routes(routes!(sign_ins::get_callback))
}

/// The described paths that need no key.
pub(crate) fn public_paths() -> Vec<String> {
    let open = public().merge(alive());
    open.get_openapi().paths.paths.keys().cloned().collect()
}

fn alive() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::healthz))
}

fn ready() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::readyz))
}

fn figures() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::metrics_text))
}

/// For whoever has a key.
fn known() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(keys::get_me))
}

/// For the call pipelines.
fn intake() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(leads::submit::post_leads))
}

/// For the accounts.
fn account() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(leads::list::list_leads))
        .routes(routes!(leads::show::get_lead))
        .routes(routes!(leads::cancel::post_cancel))
        .routes(routes!(links::list_links, links::delete_links))
        .routes(routes!(
            connections::list_connections,
            connections::change::post_connections
        ))
        .routes(routes!(
            connections::change::get_connection,
            connections::set::patch_connection,
            connections::change::delete_connection
        ))
        .routes(routes!(connections::options::get_options))
        .routes(routes!(connections::reconnect::post_reconnect))
        .routes(routes!(connections::form::list_crms))
        .routes(routes!(connections::form::get_crm))
        .routes(routes!(connections::hold::post_pause))
        .routes(routes!(connections::hold::post_resume))
        .routes(routes!(connections::hold::post_disable))
        .routes(routes!(connections::hold::post_enable))
        .routes(routes!(connections::post_connection_test))
        .routes(routes!(sign_ins::post_sign_ins))
}

/// For whoever runs the product.
fn operator() -> OpenApiRouter<App> {
    figures()
        .routes(routes!(runs::post_signal))
        .routes(routes!(runs::get_state))
        .routes(routes!(keys::list_keys, keys::post_keys))
        .routes(routes!(keys::delete_key))
        .routes(routes!(audit::list_audit))
        .routes(routes!(erasures::post_erasures))
        .routes(routes!(
            providers::list_providers,
            providers::post_providers
        ))
        .routes(routes!(providers::delete_provider))
}
