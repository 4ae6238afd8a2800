//! The control API under `/_sim/{crm}`: arm faults, turn delays and keys, read the books.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::crm::Collection;
use crate::desk::Desk;
use crate::fault::{Fault, FaultMatch, FaultRule, millis};
use crate::limits::Limits;
use crate::lock;
use crate::reply::Reply;
use crate::sim::CrmSim;
use crate::token_office::TokenChange;

pub(crate) fn router() -> Router<CrmSim> {
    Router::new()
        .route(
            "/faults",
            post(add_fault).get(list_faults).delete(clear_faults),
        )
        .route("/faults/{id}", delete(remove_fault))
        .route("/down", post(down))
        .route("/up", post(up))
        .route("/latency", post(set_latency))
        .route("/index_lag", post(set_index_lag))
        .route("/tokens", post(change_tokens).get(count_tokens))
        .route("/office", post(happen))
        .route("/limits", post(set_limits))
        .route("/records", get(records).delete(clear_records))
        .route("/requests", get(requests))
}

/// The CRM that a control call names.
struct Named(Arc<Desk>);

impl FromRequestParts<CrmSim> for Named {
    type Rejection = Reply;

    async fn from_request_parts(parts: &mut Parts, sim: &CrmSim) -> Result<Self, Reply> {
        let Path(segments) = Path::<Vec<(String, String)>>::from_request_parts(parts, sim)
            .await
            .map_err(|_| sim.unknown_crm())?;
        let name = segments.first().map_or("", |(_, name)| name.as_str());
        sim.desk(name)
            .map(|desk| Self(Arc::clone(desk)))
            .ok_or_else(|| sim.unknown_crm())
    }
}

async fn add_fault(Named(desk): Named, Json(rule): Json<FaultRule>) -> Result<Reply, Reply> {
    rule.check().map_err(|reason| {
        let body = json!({"error": reason.to_string()});
        Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
    })?;
    let id = lock(&desk.faults).add(rule);
    Ok(created(id))
}

async fn list_faults(Named(desk): Named) -> Json<Value> {
    Json(lock(&desk.faults).list())
}

async fn clear_faults(Named(desk): Named) -> StatusCode {
    lock(&desk.faults).retain(|_, _| false);
    StatusCode::NO_CONTENT
}

async fn remove_fault(Named(desk): Named, Path((_, id)): Path<(String, u64)>) -> StatusCode {
    match lock(&desk.faults).retain(|other, _| other != id) {
        0 => StatusCode::NOT_FOUND,
        _ => StatusCode::NO_CONTENT,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    for_ms: Option<u64>,
}

async fn down(Named(desk): Named, outage: Option<Json<Outage>>) -> Reply {
    let for_ms = outage.and_then(|Json(outage)| outage.for_ms);
    let matching = FaultMatch {
        for_ms,
        ..FaultMatch::default()
    };
    let rule = FaultRule {
        matching,
        fault: Fault::Down {},
    };
    created(lock(&desk.faults).add_first(rule))
}

async fn up(Named(desk): Named) -> StatusCode {
    lock(&desk.faults).retain(|_, fault| !matches!(fault, Fault::Down {}));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    ms: u64,
}

async fn set_latency(Named(desk): Named, Json(delay): Json<Delay>) -> StatusCode {
    lock(&desk.settings).latency = millis(delay.ms);
    StatusCode::NO_CONTENT
}

async fn set_index_lag(Named(desk): Named, Json(delay): Json<Delay>) -> StatusCode {
    lock(&desk.settings).index_lag = millis(delay.ms);
    StatusCode::NO_CONTENT
}

async fn change_tokens(Named(desk): Named, Json(change): Json<TokenChange>) -> Reply {
    match desk.office.change(change) {
        Some(issued) => Reply::json(StatusCode::CREATED, &issued),
        None => Reply::empty(StatusCode::NO_CONTENT),
    }
}

async fn count_tokens(Named(desk): Named) -> Json<Value> {
    Json(desk.office.counts())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    company: String,
    event: Value,
}

async fn happen(Named(desk): Named, Json(happening): Json<Happening>) -> Reply {
    match desk.crm.happen(&happening.company, &happening.event) {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(reason) => Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &json!({"error": reason})),
    }
}

#[derive(Deserialize)]
struct NewLimits {
    company: String,
    #[serde(flatten)]
    limits: Limits,
}

async fn set_limits(Named(desk): Named, Json(new): Json<NewLimits>) -> StatusCode {
    match desk.crm.set_limits(&new.company, &new.limits) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

#[derive(Deserialize)]
struct Asked {
    company: Option<String>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Ndjson,
}

async fn records(Named(desk): Named, Query(asked): Query<Asked>) -> Response {
    let company = asked.company.as_deref();
    match asked.format {
        Format::Json => Json(desk.records(company)).into_response(),
        Format::Ndjson => lines(desk.collections(company)),
    }
}

async fn clear_records(Named(desk): Named) -> StatusCode {
    desk.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Last {
    last: Option<usize>,
}

async fn requests(Named(desk): Named, Query(Last { last }): Query<Last>) -> Json<Value> {
    let entries = lock(&desk.traffic).last(last.unwrap_or(100));
    Json(json!({"requests": entries}))
}

fn created(id: u64) -> Reply {
    Reply::json(StatusCode::CREATED, &json!({"id": id}))
}

/// One row a line, written as the caller reads, so that large books need no large string.
fn lines(collections: Vec<Collection>) -> Response {
    #[derive(Serialize)]
    struct Line<'a> {
        record: &'static str,
        #[serde(flatten)]
        row: &'a Value,
    }
    let rows = collections
        .into_iter()
        .flat_map(|Collection { name, rows }| {
            rows.into_iter().map(move |row| {
                let mut line = serde_json::to_vec(&Line {
                    record: name,
                    row: &row,
                })?;
                line.push(b'\n');
                Ok::<_, serde_json::Error>(Bytes::from(line))
            })
        });
    let body = Body::from_stream(stream::iter(rows));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
