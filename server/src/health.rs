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
use crate::queue::{self, Figures};
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
    match in_time(app.closed_because()).await? {
        None => Ok(Json(Health { status: "ready" })),
        Some(why) => Err(Problem::not_ready(why)),
    }
}

/// Counters, histograms, the queue's depth and the states of connections for Prometheus. Holds no personal data.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "Prometheus text format", body = String,
               content_type = "text/plain; version=0.0.4"))
)]
pub(crate) async fn metrics_text(app: App) -> ([(HeaderName, &'static str); 1], String) {
    let figures = in_time(async {
        Ok(Figures {
            queue: app.desk.queue_depth().await?,
            connections: app.desk.connection_counts().await?,
            age: app.desk.transaction_age().await?,
        })
    });
    let text = metrics::render() + &queue::render(figures.await.ok().as_ref());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
}
