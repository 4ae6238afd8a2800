//! The Rust door: leads become runs, each once.
//!
//! The SQL door, `leadrail.enqueue_lead`, makes the same runs: same lane, priority, key and
//! fingerprint, so a lead that comes through both is one lead.

use std::time::Duration;

use leadrail_engine::{Engine, Enqueued, NewRun, NotEnqueued, Outcome, RunId, RunState, Workflow};
use leadrail_lead::{EventId, Fingerprint, Lead, PayloadFaults, fingerprint};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::PushLead;

/// Stands for the CRM in the lane of a lead that is addressed to none. No CRM is named like that.
pub(crate) const NO_CRM: &str = "-";

/// A lead that may be handed over: a payload that was judged and found valid.
#[derive(Clone)]
pub struct Submission {
    lead: Lead,
    payload: Value,
}

/// What became of one submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// The lead's idempotency key.
    pub event_id: EventId,
    /// Its run: the new one, or the one that is there.
    pub run_id: RunId,
    /// Whether the run is new, there already, or there with another body.
    #[serde(serialize_with = "outcome_name")]
    pub outcome: Outcome,
    /// The state of that run.
    pub state: RunState,
    /// The fingerprint of what was submitted.
    pub fingerprint: Fingerprint,
    /// The fingerprint of what that run was made from. It differs in a conflict only.
    pub stored_fingerprint: String,
}

impl Submission {
    /// Judges a payload.
    ///
    /// # Errors
    /// Every fault of the payload at once.
    pub fn read(payload: Value) -> Result<Self, PayloadFaults> {
        let lead = Lead::from_value(payload.clone())?;
        Ok(Self { lead, payload })
    }

    /// Judges a payload by its bytes, which are parsed once: what is enqueued is what was judged.
    ///
    /// # Errors
    /// Every fault of the payload at once; none repeats a value.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, PayloadFaults> {
        let (lead, payload) = Lead::read(bytes)?;
        Ok(Self { lead, payload })
    }

    /// The lead.
    #[must_use]
    pub fn lead(&self) -> &Lead {
        &self.lead
    }

    fn run(&self, fingerprint: &Fingerprint) -> NewRun {
        NewRun {
            workflow: PushLead::NAME.to_owned(),
            scope: self.lead.callsetter_account_id.as_str().to_owned(),
            key: Some(self.lead.event_id.to_string()),
            fingerprint: fingerprint.as_str().to_owned(),
            lane: lane_of(&self.lead),
            priority: self.lead.priority(),
            delay: Duration::ZERO,
            input: self.payload.to_string(),
        }
    }
}

/// The lane of a lead: `acme/housecall_pro`.
#[must_use]
pub fn lane_of(lead: &Lead) -> String {
    let crm = lead.routing.destination_crm.as_ref();
    let crm = crm.map_or(NO_CRM, |crm| crm.as_str());
    format!("{}/{crm}", lead.callsetter_account_id)
}

/// Hands leads over. They are committed when it returns, one answer a submission, in order.
///
/// # Errors
/// When the database cannot be written; then none of them is there.
pub async fn submit(engine: &Engine, leads: &[Submission]) -> sqlx::Result<Vec<Submitted>> {
    let (prints, runs) = runs(leads);
    let enqueued = engine.enqueue(&runs).await?;
    Ok(answers(leads, prints, enqueued))
}

/// Hands one lead over in a commit that it shares with others that come at the same time; committed
/// when it returns. Send it again if it is not: the same lead is filed once.
///
/// # Errors
/// It is not known to be there.
pub async fn submit_shared(engine: &Engine, lead: Submission) -> Result<Submitted, NotEnqueued> {
    let fingerprint = fingerprint(&lead.payload);
    let run = lead.run(&fingerprint);
    let event_id = lead.lead.event_id;
    drop(lead);
    let enqueued = engine.enqueue_shared(run).await?;
    Ok(answer(event_id, fingerprint, enqueued))
}

/// Hands leads over inside the caller's transaction: a rollback leaves nothing. Workers find them
/// at their next poll; [`Engine::hint`] after the commit is quicker.
///
/// # Errors
/// When the database refuses it.
pub async fn submit_in(
    connection: &mut PgConnection,
    leads: &[Submission],
) -> sqlx::Result<Vec<Submitted>> {
    let (prints, runs) = runs(leads);
    let enqueued = Engine::enqueue_in(connection, &runs).await?;
    Ok(answers(leads, prints, enqueued))
}

fn runs(leads: &[Submission]) -> (Vec<Fingerprint>, Vec<NewRun>) {
    let each = leads.iter().map(|submission| {
        let print = fingerprint(&submission.payload);
        let run = submission.run(&print);
        (print, run)
    });
    each.unzip()
}

fn answers(
    leads: &[Submission],
    prints: Vec<Fingerprint>,
    enqueued: Vec<Enqueued>,
) -> Vec<Submitted> {
    let each = leads.iter().zip(prints).zip(enqueued);
    each.map(|((submission, fingerprint), run)| answer(submission.lead.event_id, fingerprint, run))
        .collect()
}

fn answer(event_id: EventId, fingerprint: Fingerprint, run: Enqueued) -> Submitted {
    Submitted {
        event_id,
        run_id: run.run_id,
        outcome: run.outcome,
        state: run.state,
        fingerprint,
        stored_fingerprint: run.fingerprint,
    }
}

fn outcome_name<S: serde::Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match outcome {
        Outcome::Created => "created",
        Outcome::Duplicate => "duplicate",
        Outcome::Conflict => "conflict",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_addressed_to_no_crm_has_a_lane_that_no_crm_can_have() {
        let mut payload = leadrail_lead::example();
        payload["event"] = "lead.unqualified".into();
        payload["routing"]["destination_crm"] = Value::Null;
        let lead = Submission::read(payload).unwrap().lead;
        assert_eq!(lane_of(&lead), "acct_xyz/-");
        assert!(leadrail_lead::CrmName::new(NO_CRM).is_err());
    }

    #[test]
    fn bytes_make_the_same_submission_as_the_payload_in_them() {
        let payload = leadrail_lead::example();
        let read = Submission::from_slice(payload.to_string().as_bytes()).unwrap();
        assert_eq!(read.payload, payload);
        assert_eq!(lane_of(&read.lead), "acct_xyz/housecall_pro");
        for bytes in [&b""[..], b"null", b"{", b"\xff", b"[]"] {
            assert!(Submission::from_slice(bytes).is_err());
        }
    }

    #[test]
    fn the_payload_is_enqueued_as_it_was_given() {
        let mut payload = leadrail_lead::example();
        payload["contact"]["phone"] = "(305) 555-0182".into();
        let submission = Submission::read(payload.clone()).unwrap();
        let run = submission.run(&fingerprint(&payload));
        assert_eq!(serde_json::from_str::<Value>(&run.input).unwrap(), payload);
        assert_eq!((run.scope.as_str(), run.priority), ("acct_xyz", 1));
        assert_eq!(run.lane, "acct_xyz/housecall_pro");
        assert_eq!(
            run.key.as_deref(),
            Some("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")
        );
    }
}
