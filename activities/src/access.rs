//! A CRM, open for one attempt: evidence, budget, and what follows from an answer.

use std::time::Duration;

use leadrail_adapters::{AdapterError, AdapterResult, CallBudget, Record, Step, StepKey};
use leadrail_connections::{Door, Doors};
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
    let borrowed = input.borrowed(crm.door.session.settings(), attempt);
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
        match answer {
            Ok(done) => Ok(done),
            Err(error @ (AdapterError::Auth(_) | AdapterError::Forbidden(_))) => {
                Err(self.refused(&error).await)
            }
            Err(error) => Err(failure::of_answer(&error, self.destination.gate())),
        }
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
    door.map_err(|error| failure::of_door(error, destination.gate()))
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

/// An attempt that is cut off before anything was judged (its time is over, its worker ends) has
/// made calls too.
impl Drop for OpenCrm<'_> {
    fn drop(&mut self) {
        self.keep_evidence();
    }
}
