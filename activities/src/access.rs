//! A CRM, open for one attempt: evidence, budget, and what follows from an answer.

use std::time::Duration;

use leadrail_adapters::{AdapterError, AdapterResult, CallBudget, Record, Step, StepKey};
use leadrail_connections::{ConnectionError, Door, DoorError, Doors};
use leadrail_engine::{ActivityError, ActivityResult, Attempt, Budget};

use crate::destination::Destination;
use crate::failure;
use crate::step::StepInput;

/// A call must end before its step does, or its answer could not be kept.
const BEFORE_THE_END: Duration = Duration::from_millis(250);

/// A CRM, open for one attempt.
pub(crate) struct OpenCrm<'a> {
    pub(crate) door: Door,
    pub(crate) doors: &'a Doors,
    pub(crate) destination: &'a Destination,
    pub(crate) attempt: &'a Attempt,
}

/// Takes a step of the run's plan, whatever it does.
pub(crate) async fn take(
    doors: &Doors,
    attempt: &Attempt,
    input: &StepInput,
) -> ActivityResult<Option<Record>> {
    let label = input.step.label();
    let crm = OpenCrm::open(doors, attempt, &input.destination, label).await?;
    let step = crm.step(input.step)?;
    let links = doors.links().links(attempt.run_id).await;
    let links = links.map_err(|_| failure::of_our_database("the key of links was not read"))?;
    let borrowed = input.borrowed(crm.door.session.settings(), attempt);
    let borrowed = borrowed.telling(links.as_links());
    let taken = step.run(&crm.door.session, &borrowed.filing()).await;
    crm.judge(taken).await
}

impl<'a> OpenCrm<'a> {
    /// Opens the connection as it is now, or says why its leads must wait.
    pub(crate) async fn open(
        doors: &'a Doors,
        attempt: &'a Attempt,
        destination: &'a Destination,
        activity: &'static str,
    ) -> ActivityResult<Self> {
        let door = open_door(doors, attempt, destination).await?;
        Ok(Self {
            door: Door {
                session: door.session.on_behalf_of(activity),
                ..door
            },
            doors,
            destination,
            attempt,
        })
    }

    /// A step of the run's plan.
    pub(crate) fn step(&self, key: StepKey) -> ActivityResult<&'static Step> {
        let step = self.destination.step(self.doors.adapters(), key);
        step.ok_or_else(|| {
            let plan = &self.destination.plan;
            let message = format!("this build does not take the step {key} of the plan {plan}");
            ActivityError::rejected("step_unknown", message)
        })
    }

    /// What follows from the CRM's answer. All that was exchanged is in the attempt's evidence.
    pub(crate) async fn judge<T>(&self, answer: AdapterResult<T>) -> ActivityResult<T> {
        self.keep_evidence();
        self.count(&answer);
        match answer {
            Ok(done) => Ok(done),
            Err(error @ (AdapterError::Auth(_) | AdapterError::Forbidden(_))) => {
                Err(self.refused(&error).await)
            }
            Err(error) => Err(failure::of_answer(&error, self.destination.gate())),
        }
    }

    /// By CRM and what it came to; the reasons are words of ours.
    fn count<T>(&self, answer: &AdapterResult<T>) {
        let (kind, reason) = match answer {
            Ok(_) => ("done", String::new()),
            Err(error) => (kind_of(error), error.reason().to_owned()),
        };
        let crm = self.destination.crm.to_string();
        metrics::counter!("leadrail_crm_answers_total", "crm" => crm, "kind" => kind, "reason" => reason).increment(1);
    }

    fn keep_evidence(&self) {
        keep_evidence(&self.door, self.attempt);
    }
}

/// Opens a connection for what is left of the attempt, or says why its leads must wait.
pub(crate) async fn open_door(
    doors: &Doors,
    attempt: &Attempt,
    destination: &Destination,
) -> ActivityResult<Door> {
    let left = attempt.time_left().saturating_sub(BEFORE_THE_END);
    let door = doors.open(destination.connection_id, left).await;
    door.map_err(|error| {
        say_if_sealed(&error, destination);
        failure::of_opening(error, attempt.number, destination.gate())
    })
}

/// Puts what was exchanged into the attempt's evidence.
pub(crate) fn keep_evidence(door: &Door, attempt: &Attempt) {
    for exchange in door.session.take_exchanges() {
        attempt.record(exchange);
    }
    if let Some(CallBudget { left, resets_in }) = door.session.take_budget() {
        attempt.report_budget(Budget { left, resets_in });
    }
}

/// An answer in a word.
fn kind_of(error: &AdapterError) -> &'static str {
    match error {
        AdapterError::NotDone(_) => "not_done",
        AdapterError::Ambiguous(_) => "ambiguous",
        AdapterError::Throttled { .. } => "throttled",
        AdapterError::Auth(_) => "auth",
        AdapterError::Forbidden(_) => "forbidden",
        AdapterError::Setup(_) => "setup",
        AdapterError::Rejected(_) => "rejected",
    }
}

/// A credential that does not open is no lead's fault, and nobody would look for it in one.
fn say_if_sealed(error: &DoorError, destination: &Destination) {
    if let DoorError::Connection(ConnectionError::Vault { id, source }) = error {
        tracing::error!(connection.id = %id, crm = %destination.crm, "the credential of connection {id} does not open here: {source}; `leadrail doctor` says what to do");
    }
}

/// An attempt that is cut off before anything was judged (its time is over, its worker ends) has
/// made calls too.
impl Drop for OpenCrm<'_> {
    fn drop(&mut self) {
        self.keep_evidence();
    }
}
