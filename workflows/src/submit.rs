//! The Rust door: leads become runs, each once.
//!
//! The SQL door, `leadrail.enqueue_lead`, makes the same runs and rows, by the same statement: a lead
//! that comes through both is one lead.

use leadrail_engine::{Engine, Enqueued, GroupCommit, NotEnqueued, Outcome, RunId, RunState, Sees};
use leadrail_lead::{EventId, Fingerprint, Lead, PayloadFaults, Warning, fingerprint};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::accept::{NewLead, accept};
use crate::judge::{judge_bytes, judge_now};

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
    /// The fingerprint of what that run was made from. It differs in a conflict, and where the same was
    /// written in another way.
    pub stored_fingerprint: String,
    /// The details that could not be taken as they were given.
    pub warnings: Vec<Warning>,
}

impl Submission {
    /// Judges a payload.
    ///
    /// # Errors
    /// Every fault of the payload at once.
    pub fn read(payload: Value) -> Result<Self, PayloadFaults> {
        let lead = judge_now(&payload)?;
        Ok(Self { lead, payload })
    }

    /// Judges a payload by its bytes, which are parsed once: what is enqueued is what was judged.
    ///
    /// # Errors
    /// Every fault of the payload at once; none repeats a value.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, PayloadFaults> {
        let (lead, payload) = judge_bytes(bytes)?;
        Ok(Self { lead, payload })
    }

    /// The lead.
    #[must_use]
    pub fn lead(&self) -> &Lead {
        &self.lead
    }

    fn to_accept(&self, sees: Option<&Sees>) -> (Fingerprint, NewLead) {
        let print = fingerprint(&self.payload);
        let new = NewLead::new(&self.lead, &print, self.payload.to_string(), sees);
        (print, new)
    }
}

/// The door for single leads: those that come at the same time share a commit. Clones share their queue.
#[derive(Clone)]
pub struct LeadDoor(GroupCommit<NewLead, Enqueued>);

impl LeadDoor {
    /// A door into this engine's database; one a process is enough.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self(engine.group_commit(accept))
    }

    /// Hands one lead over in a commit that it shares with others that come at the same time; committed
    /// when it returns, which takes two seconds at most. Send it again if it is not: the same lead is
    /// filed once. `sees` says for whom its caller works, where a wall stands between accounts: a lead of
    /// another one is refused.
    ///
    /// # Errors
    /// It is not known to be there.
    pub async fn submit(
        &self,
        lead: Submission,
        sees: Option<&Sees>,
    ) -> Result<Submitted, NotEnqueued> {
        let (fingerprint, new) = lead.to_accept(sees);
        let (event_id, warnings) = (lead.lead.event_id, lead.lead.warnings);
        drop(lead.payload);
        let bytes = new.payload.len();
        let enqueued = self.0.submit(new, bytes).await?;
        Ok(answer(event_id, fingerprint, warnings, enqueued))
    }
}

/// Hands leads over. They are committed when it returns, one answer a submission, in order.
///
/// # Errors
/// When the database cannot be written; then none of them is there.
pub async fn submit(engine: &Engine, leads: &[Submission]) -> sqlx::Result<Vec<Submitted>> {
    let mut connection = engine.pool().acquire().await?;
    let submitted = accepted(&mut connection, leads, engine.access().sees()).await?;
    drop(connection);
    engine.hint();
    Ok(submitted)
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
    accepted(connection, leads, None).await
}

async fn accepted(
    connection: &mut PgConnection,
    leads: &[Submission],
    sees: Option<&Sees>,
) -> sqlx::Result<Vec<Submitted>> {
    let each = leads.iter().map(|lead| lead.to_accept(sees));
    let (prints, new): (Vec<_>, Vec<_>) = each.unzip();
    let enqueued = accept(connection, &new).await?;
    Ok(answers(leads, prints, enqueued))
}

fn answers(
    leads: &[Submission],
    prints: Vec<Fingerprint>,
    enqueued: Vec<Enqueued>,
) -> Vec<Submitted> {
    let each = leads.iter().zip(prints).zip(enqueued);
    let each = each.map(|((submission, fingerprint), run)| {
        let lead = &submission.lead;
        answer(lead.event_id, fingerprint, lead.warnings.clone(), run)
    });
    each.collect()
}

fn answer(
    event_id: EventId,
    fingerprint: Fingerprint,
    warnings: Vec<Warning>,
    run: Enqueued,
) -> Submitted {
    Submitted {
        event_id,
        run_id: run.run_id,
        outcome: run.outcome,
        state: run.state,
        fingerprint,
        stored_fingerprint: run.fingerprint,
        warnings,
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
    fn bytes_make_the_same_submission_as_the_payload_in_them() {
        let payload = leadrail_lead::example();
        let read = Submission::from_slice(payload.to_string().as_bytes()).unwrap();
        assert_eq!(read.payload, payload);
        for bytes in [&b""[..], b"null", b"{", b"\xff", b"[]"] {
            assert!(Submission::from_slice(bytes).is_err());
        }
    }

    #[test]
    fn the_payload_is_enqueued_as_it_was_given() {
        let mut payload = leadrail_lead::example();
        payload["contact"]["phone"] = "(305) 555-0182".into();
        let submission = Submission::read(payload.clone()).unwrap();
        let (print, new) = submission.to_accept(None);
        assert_eq!(
            serde_json::from_str::<Value>(&new.payload).unwrap(),
            payload
        );
        assert_eq!(print, fingerprint(&payload));
    }
}
