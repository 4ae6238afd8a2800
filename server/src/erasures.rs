//! `POST /v1/erasures`: erases a person.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use http::HeaderMap;
use leadrail_desk::{CrmCopy, CrmRecord, Erasure, Person};
use leadrail_lead::EventId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audience::Who;
use crate::extract::json_only;
use crate::problem::Problem;
use crate::problems::{DatabaseAway, NoSuchLead, NotAPerson, NotJson, SeveralLeads};
use crate::state::{App, in_time};

/// How long leads that are on their way have to stop, well within the time of a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom to erase: a number, or one lead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// Whoever called from this number, in all accounts.
    phone: Option<String>,
    /// Instead of a number: whoever is behind this lead.
    #[schema(value_type = Option<Uuid>)]
    event_id: Option<EventId>,
    /// Whose lead, where several accounts have one under the event_id.
    account: Option<String>,
    /// Only to look: what would be erased, and where copies are.
    #[serde(default)]
    dry_run: bool,
}

/// A record in a CRM that is about the person.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordThere {
    /// `customer`, `site`, `lead` or `note`.
    kind: String,
    /// The CRM's id.
    id: String,
    /// The page that shows it, where the CRM told.
    url: Option<String>,
}

/// Where copies are that are not ours to erase: whoever runs the CRM must.
#[derive(Serialize, ToSchema)]
pub(crate) struct CopyThere {
    /// Whose CRM account.
    account: String,
    /// Which CRM.
    crm: String,
    /// How many of the leads were addressed to it.
    leads: u64,
    /// What we know to be there.
    records: Vec<RecordThere>,
}

/// What was found of a person, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureView {
    /// How many leads were found.
    leads: u64,
    /// How many are erased now; none of a dry run.
    erased: u64,
    /// How many were on their way: asked to stop, and erased when the call is made again.
    on_their_way: u64,
    /// Whether there are more leads than one call erases: make it again.
    more: bool,
    /// Where copies are that are not ours to erase.
    copies: Vec<CopyThere>,
}

impl From<CrmRecord> for RecordThere {
    fn from(CrmRecord { kind, id, url }: CrmRecord) -> Self {
        Self { kind, id, url }
    }
}

impl From<CrmCopy> for CopyThere {
    fn from(copy: CrmCopy) -> Self {
        Self {
            account: copy.account,
            crm: copy.crm,
            leads: copy.leads,
            records: copy.records.into_iter().map(RecordThere::from).collect(),
        }
    }
}

impl From<Erasure> for ErasureView {
    fn from(erasure: Erasure) -> Self {
        Self {
            leads: erasure.leads,
            erased: erasure.erased,
            on_their_way: erasure.on_their_way,
            more: erasure.more,
            copies: erasure.copies.into_iter().map(CopyThere::from).collect(),
        }
    }
}

/// Erases a person: what a caller left in leads, their histories, dead letters and evidence. Leads that are
/// on their way are cancelled first. Counts stay, and so do event ids: a lead that is sent again is a duplicate.
#[utoipa::path(
    post, path = "/v1/erasures", tag = "operation", request_body = ErasureRequest,
    responses(
        (status = 200, description = "What was found, and what became of it", body = ErasureView),
        NotAPerson, NoSuchLead, SeveralLeads, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_erasures(
    app: App,
    Who(actor): Who,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ErasureView>, Problem> {
    json_only(&headers)?;
    let (person, dry_run) = asked(&body)?;
    let erasure = match dry_run {
        true => in_time(app.desk.look_for(&person)).await?,
        false => {
            let erased =
                app.call(|desk| async move { desk.erase(&actor, &person, PATIENCE).await });
            erased.await?
        }
    };
    Ok(Json(erasure.into()))
}

/// What was asked for. It names a person, so no error repeats it.
fn asked(body: &[u8]) -> Result<(Person, bool), Problem> {
    let unreadable = || {
        Problem::bad_request(
            "the body is {\"phone\": \"...\"} or {\"event_id\": \"...\"}, with an account and dry_run where \
             they are wanted",
        )
    };
    let asked: ErasureRequest = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let person = match (asked.phone, asked.event_id, asked.account) {
        (Some(phone), None, None) => Person::of_phone(&phone).map_err(crate::state::problem)?,
        (None, Some(event_id), account) => Person::Lead { event_id, account },
        _ => return Err(unreadable()),
    };
    Ok((person, asked.dry_run))
}
