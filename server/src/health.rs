//! Is it there, is it ready, and how is it doing.

use axum::Json;
use axum::extract::State;
use http::HeaderName;
use http::header::CONTENT_TYPE;
use leadrail_connections::MigrateError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics;
use crate::problem::Problem;
use crate::queue::{self, Queue};
use crate::state::{App, read};

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
        (status = 503, description = "Not now; the detail says why", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let pending = read(async {
        let pending = leadrail_connections::pending(app.engine().pool()).await;
        pending.or_else(|error| match error {
            MigrateError::Database(error) => Err(error),
            other => {
                tracing::error!(error = %other, "The applied migrations are not ours");
                Ok(vec![
                    "one that was applied and has changed since".to_owned(),
                ])
            }
        })
    })
    .await?;
    match pending.first() {
        None => Ok(Json(Health { status: "ready" })),
        Some(first) => Err(Problem::not_ready(format!(
            "{} migrations are missing, the first is {first}: run leadrail migrate",
            pending.len()
        ))),
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
    let queue = read(Queue::read(app.engine().pool())).await.ok();
    let text = metrics::render() + &queue::render(queue.as_ref());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
}
