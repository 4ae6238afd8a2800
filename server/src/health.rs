//! Is it there, is it ready, and how is it doing.

use axum::Json;
use axum::extract::State;
use http::HeaderName;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics;
use crate::problem::Problem;
use crate::problems::NotReady;
use crate::queue;
use crate::state::{App, in_time};

/// A short word on how it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    #[schema(value_type = String)]
    status: &'static str,
}

/// Whether the process answers. Asks nobody else.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses((status = 200, description = "The process answers", body = Health))
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether requests should come here: the database answers and its migrations are all applied.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        (status = 200, description = "Ready for requests", body = Health),
        NotReady,
    )
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    match in_time(app.desk.closed_because()).await? {
        None => Ok(Json(Health { status: "ready" })),
        Some(why) => Err(Problem::not_ready(why)),
    }
}

/// Counters, histograms and the queue's depth for Prometheus. Holds no personal data.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "Prometheus text format", body = String,
               content_type = "text/plain; version=0.0.4"))
)]
pub(crate) async fn metrics_text(
    State(app): State<App>,
) -> ([(HeaderName, &'static str); 1], String) {
    let queue = in_time(app.desk.queue_depth()).await.ok();
    let text = metrics::render() + &queue::render(queue.as_ref());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
}
