//! `POST /v1/leads`: takes leads in. Whatever is answered with 2xx is committed.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use leadrail_connections::ConnectionId;
use leadrail_desk::{Actor, Caller, DeskError, PlannedRequest};
use leadrail_engine::{NotEnqueued, Outcome, RunId};
use leadrail_lead::{EventId, PayloadFaults, Warning, code};
use leadrail_workflows::{Submission, Submitted};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::idempotency;
use super::items::Items;
use super::view::StateName;
use crate::audience::By;
use crate::body::{Format, Read};
use crate::metrics;
use crate::problem::Problem;
use crate::problems::{AnotherLead, LeadsTooLarge, NeitherJsonNorNdjson, NotLeads};
use crate::state::{App, in_time, problem};

/// A database that gives no connection within this time is away.
const CONNECT_WITHIN: Duration = Duration::from_millis(1_500);
/// A batch may have 16 MiB to write, so it gets more time than one lead.
const BATCH_WITHIN: Duration = Duration::from_secs(20);

/// A lead that is kept: it cannot be lost any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The lead's own id.
    #[schema(value_type = Uuid)]
    event_id: EventId,
    /// Its run.
    #[schema(value_type = Uuid)]
    run_id: RunId,
    /// Where the run stands.
    #[schema(value_type = StateName)]
    state: leadrail_engine::RunState,
    /// Where its story is.
    location: String,
    /// The details that could not be taken as they were given; the lead is filed without them, and its
    /// note has them.
    #[schema(value_type = Vec<FieldWarning>)]
    warnings: Vec<Warning>,
}

/// One detail of a lead that could not be taken as it was given.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the lead crate's `Warning` in the API description"
)]
pub(crate) struct FieldWarning {
    /// What kind, such as `phone`, `email` or `too_long`.
    code: String,
    /// Which field: a JSON pointer (RFC 6901) into the lead.
    field: String,
    /// What is wrong, and what was done about it.
    sentence: String,
}

/// What became of one lead of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemAnswer {
    /// Its place in the array, or among the lines that are not blank, from 0.
    index: usize,
    /// What the answer's status would be, had it come alone: 202, 200, 400, 409, 413, 422, 500, 503.
    #[schema(value_type = u16)]
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The fields of `Accepted` or of `Problem`.
    #[serde(flatten)]
    body: ItemBody,
}

/// One of the two.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ItemBody {
    /// It is kept.
    Accepted(Accepted),
    /// It is not; `status` is in it.
    Refused(Problem),
}

/// What became of a batch, lead by lead.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// How many are kept now that were not before.
    accepted: usize,
    /// How many were kept before.
    duplicates: usize,
    /// How many are not kept.
    refused: usize,
    /// One a lead, in order.
    results: Vec<ItemAnswer>,
}

/// A lead, or leads, to hand over.
#[derive(ToSchema)]
#[schema(as = LeadOrLeads)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the body in the API description")]
pub(crate) enum LeadOrLeads {
    /// One.
    One(crate::openapi::LeadSchema),
    /// Up to 1000.
    Many(Vec<crate::openapi::LeadSchema>),
}

/// A lead that a test key handed over: what would become of it. Nothing was kept, and nobody was called.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tested {
    /// The lead's own id.
    #[schema(value_type = Uuid)]
    event_id: EventId,
    /// Always true.
    test: bool,
    /// The CRM that it is addressed to; null where to none.
    crm: Option<String>,
    /// The connection that it would go through; null where none fits, or the key may not look at any.
    #[schema(value_type = Option<Uuid>)]
    connection_id: Option<ConnectionId>,
    /// The requests that would be sent there, with secrets masked; none for an unqualified lead.
    #[schema(value_type = Vec<TestedRequest>)]
    requests: Vec<PlannedRequest>,
    /// The details that could not be taken as they were given.
    #[schema(value_type = Vec<FieldWarning>)]
    warnings: Vec<Warning>,
}

/// A request that would be sent to a CRM.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes `PlannedRequest` in the API description"
)]
pub(crate) struct TestedRequest {
    /// The step it belongs to.
    activity: String,
    /// The HTTP method.
    method: String,
    /// The full URL.
    url: String,
    /// The headers, with secrets masked.
    headers: BTreeMap<String, String>,
    /// The body: JSON, or a form as an object of its fields.
    body: Option<serde_json::Value>,
}

/// Hands leads over.
///
/// Send one lead, an array of up to 1000, or a lead a line (`application/x-ndjson`). One lead is
/// answered with its own status. A batch is answered with a result a lead, so that one bad lead does not
/// hold up the others: with 200 if all were taken, 207 if some were, 422 if none was. A lead is refused
/// only if it is useless: whatever else is wrong with it is in its `warnings`. Sending a lead again is
/// always safe: the same `event_id` and body are answered with 200 and the run that is there. An
/// `Idempotency-Key` may be sent with one lead and must then be its `event_id`; with a batch it says
/// nothing, for each lead has its own.
/// With a test key one lead at a time is judged and shown as it would be filed, and not kept.
#[utoipa::path(
    post, path = "/v1/leads", tag = "leads",
    params(("Idempotency-Key" = Option<String>, Header, description = "The lead's `event_id` again")),
    request_body(description = "One lead (at most 256 KiB), or up to 1000 (at most 16 MiB)", content(
        (LeadOrLeads = "application/json"),
        (String = "application/x-ndjson"),
    )),
    responses(
        (status = 202, description = "The lead is kept and will be filed", body = Accepted,
         headers(("Location" = String, description = "Where its story is"))),
        (status = 200, description = "One lead: it was here before. A batch: a result a lead. With a test key: what would become of it",
         content((AcceptedOrBatch = "application/json"))),
        (status = 207, description = "A batch of which some were refused: a result a lead", body = BatchAnswer),
        NotLeads, AnotherLead, LeadsTooLarge, NeitherJsonNorNdjson,
        (status = 422, description = "Not a valid lead: `errors` names every bad field; or its Idempotency-Key is \
         not its event_id. A batch of which all were refused: a result a lead",
         content((Problem = "application/problem+json"), (BatchAnswer = "application/json"))),
        (status = 503, description = "The database is away: send it again later", body = Problem,
         content_type = "application/problem+json",
         headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub(crate) async fn post_leads(
    app: App,
    By(caller): By,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let format = Format::of(&headers).inspect_err(|_| metrics::lead("unreadable"))?;
    let read = app.bodies.read(&headers, format, body).await;
    let read = read.inspect_err(|_| metrics::lead("unreadable"))?;
    match Items::of(format, &read.bytes).inspect_err(|_| metrics::lead("unreadable"))? {
        Items::One(lead) if caller.is_test() => tested(&app, &caller, &headers, lead).await,
        Items::Batch(_) if caller.is_test() => Err(Problem::bad_request(
            "a test key hands over one lead at a time, and is shown what would become of it; send a batch \
             with a live one (lr_live_...)",
        )),
        Items::One(lead) => one(&app, &caller, &headers, lead).await,
        Items::Batch(_) => batch(&app, caller, format, read).await,
    }
}

/// The two shapes of a 200.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the answer in the API description")]
pub(crate) enum AcceptedOrBatch {
    /// One lead that was here before.
    Accepted(Accepted),
    /// A batch.
    Batch(BatchAnswer),
    /// One lead, with a test key.
    Tested(Tested),
}

async fn one(
    app: &App,
    by: &Caller,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Response, Problem> {
    let lead = judged(by, bytes).map_err(invalid)?;
    let agreed = idempotency::agree(headers, lead.lead().event_id);
    agreed.inspect_err(|_| metrics::lead("invalid"))?;
    let answer = app.desk.submit_shared(by.actor(), lead).await;
    let (status, accepted) = settle(answer)?;
    let location = HeaderValue::from_str(&accepted.location).ok();
    let mut response = (status, Json(accepted)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn tested(
    app: &App,
    by: &Caller,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Response, Problem> {
    let lead = judged(by, bytes).map_err(Problem::invalid_lead)?;
    idempotency::agree(headers, lead.lead().event_id)?;
    let would = in_time(app.desk.test_lead(by, &lead)).await?;
    let tested = Tested {
        event_id: lead.lead().event_id,
        test: true,
        crm: would.crm,
        connection_id: would.connection,
        requests: would.requests,
        warnings: lead.lead().warnings.clone(),
    };
    Ok(Json(tested).into_response())
}

/// A lead that this caller may hand over.
fn judged(by: &Caller, bytes: &[u8]) -> Result<Submission, PayloadFaults> {
    let lead = Submission::from_slice(bytes)?;
    match by.sees(lead.lead().callsetter_account_id.as_str()) {
        true => Ok(lead),
        false => Err(PayloadFaults::one(
            "/callsetter_account_id",
            code::OTHER_ACCOUNT,
            "must be the account that the API key is for",
        )),
    }
}

fn invalid(faults: PayloadFaults) -> Problem {
    metrics::lead("invalid");
    Problem::invalid_lead(faults)
}

/// What became of one lead: counted, logged and made into its answer.
fn settle(answer: Result<Submitted, NotEnqueued>) -> Result<(StatusCode, Accepted), Problem> {
    let submitted = answer.map_err(|why| {
        metrics::lead("unavailable");
        not_kept(why)
    })?;
    let (event_id, run_id) = (submitted.event_id, submitted.run_id);
    let (status, outcome) = match submitted.outcome {
        Outcome::Created => (StatusCode::ACCEPTED, "created"),
        Outcome::Duplicate => (StatusCode::OK, "duplicate"),
        Outcome::Conflict => {
            metrics::lead("conflict");
            tracing::info!(%event_id, %run_id, "Another lead has the event id {event_id}");
            return Err(Problem::conflict(format!(
                "event_id {event_id} was accepted with another body; nothing was changed"
            )));
        }
    };
    metrics::lead(outcome);
    tracing::debug!(%event_id, %run_id, outcome, "Lead {event_id} is kept");
    let accepted = Accepted {
        location: format!("/v1/leads/{event_id}"),
        event_id,
        run_id,
        state: submitted.state,
        warnings: submitted.warnings,
    };
    Ok((status, accepted))
}

/// The leads of a batch that may be handed over, each with its index, and the faults of the others.
struct Judged {
    good: Vec<Submission>,
    places: Vec<usize>,
    results: Vec<Option<ItemAnswer>>,
}

async fn batch(app: &App, by: Caller, format: Format, read: Read) -> Result<Response, Problem> {
    let (bytes, who) = (read.bytes.clone(), by.actor().clone());
    // Sixteen megabytes of JSON take long enough to hold up others on this thread.
    let judged = tokio::task::spawn_blocking(move || judge_batch(&by, format, &bytes));
    let mut judged = judged.await.map_err(|_| Problem::internal())??;
    let answers = hand_over(app, &who, &judged.good).await?;
    for (place, submitted) in judged.places.into_iter().zip(answers) {
        judged.results[place] = Some(item_answer(place, settle(Ok(submitted))));
    }
    drop(read);
    let results: Vec<_> = judged.results.into_iter().flatten().collect();
    let with = |status| results.iter().filter(|item| item.is(status)).count();
    let (accepted, duplicates) = (with(StatusCode::ACCEPTED), with(StatusCode::OK));
    let answer = BatchAnswer {
        accepted,
        duplicates,
        refused: results.len() - accepted - duplicates,
        results,
    };
    Ok((answer.status(), Json(answer)).into_response())
}

impl BatchAnswer {
    /// A status that a script notices where not all were taken.
    fn status(&self) -> StatusCode {
        match (self.accepted + self.duplicates, self.refused) {
            (_, 0) => StatusCode::OK,
            (0, _) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::MULTI_STATUS,
        }
    }
}

fn judge_batch(by: &Caller, format: Format, bytes: &Bytes) -> Result<Judged, Problem> {
    let items = match Items::of(format, bytes)? {
        Items::One(item) => vec![item],
        Items::Batch(items) => items,
    };
    let mut judged = Judged {
        good: Vec::with_capacity(items.len()),
        places: Vec::with_capacity(items.len()),
        results: Vec::with_capacity(items.len()),
    };
    for (index, item) in items.into_iter().enumerate() {
        match self::judged(by, item) {
            Ok(lead) => {
                judged.good.push(lead);
                judged.places.push(index);
                judged.results.push(None);
            }
            Err(faults) => {
                let refused = item_answer(index, Err(invalid(faults)));
                judged.results.push(Some(refused));
            }
        }
    }
    Ok(judged)
}

/// A batch shares a commit with itself, so it takes its own connection.
async fn hand_over(
    app: &App,
    who: &Actor,
    leads: &[Submission],
) -> Result<Vec<Submitted>, Problem> {
    if leads.is_empty() {
        return Ok(Vec::new());
    }
    let unavailable = |_| Problem::unavailable();
    // A look whether the database is there: the time of a batch is too long to find out.
    let connection = timeout(CONNECT_WITHIN, app.desk.engine().pool().acquire()).await;
    let failed = |error| not_kept(NotEnqueued::of(&error));
    drop(connection.map_err(unavailable)?.map_err(failed)?);
    let submitted = timeout(BATCH_WITHIN, app.desk.submit(who, leads)).await;
    submitted
        .map_err(unavailable)?
        .map_err(|error| match error {
            DeskError::Database(error) => failed(error),
            error => problem(error),
        })
}

fn not_kept(why: NotEnqueued) -> Problem {
    match why {
        NotEnqueued::Unavailable => Problem::unavailable(),
        NotEnqueued::ReadOnly => Problem::read_only(),
        NotEnqueued::Busy => Problem::busy(),
        NotEnqueued::Refused => Problem::internal(),
    }
}

fn item_answer(index: usize, answer: Result<(StatusCode, Accepted), Problem>) -> ItemAnswer {
    let (status, body) = match answer {
        Ok((status, accepted)) => (Some(status.as_u16()), ItemBody::Accepted(accepted)),
        // The problem brings its status along.
        Err(problem) => (None, ItemBody::Refused(problem)),
    };
    ItemAnswer {
        index,
        status,
        body,
    }
}

impl ItemAnswer {
    fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status.as_u16())
    }
}
