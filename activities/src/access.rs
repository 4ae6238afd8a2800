//! A CRM, open for one attempt: evidence, budget, and what follows from an answer.

use std::time::Duration;

use leadrail_adapters::{AdapterError, AdapterResult, CallBudget, Record, Step, StepKey};
use leadrail_connections::{Closed, ConnectionError, ConnectionResult, Door, DoorError, Doors};
use leadrail_engine::{ActivityError, ActivityResult, Attempt, Budget, FailureKind};

use crate::destination::Destination;
use crate::failure;
use crate::step::StepInput;

/// A call must end before its step does, or its answer could not be kept.
const BEFORE_THE_END: Duration = Duration::from_millis(250);

/// A CRM, open for one attempt.
pub(crate) struct OpenCrm<'a> {
    pub(crate) door: Door,
    doors: &'a Doors,
    destination: &'a Destination,
    attempt: &'a Attempt,
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
        let left = attempt.time_left().saturating_sub(BEFORE_THE_END);
        let door = doors.open(destination.connection_id, left).await;
        let door = door.map_err(|error| {
            say_if_sealed(&error, destination);
            failure::of_opening(error, attempt.number, destination.gate())
        })?;
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

    /// The CRM refuses our credentials. The first lead that learns of it dies and closes the
    /// connection; those under way at the same time wait with the ones that come after.
    async fn refused(&self, error: &AdapterError) -> ActivityError {
        match self.close_connection(error).await {
            Ok(Some(why)) => why,
            Ok(None) => failure::of_answer(error, self.destination.gate()),
            Err(away) => failure::of_connection(&away, self.destination.gate()),
        }
    }

    /// Marks the connection. Where that is no news, says what the lead does instead of dying.
    async fn close_connection(
        &self,
        refusal: &AdapterError,
    ) -> ConnectionResult<Option<ActivityError>> {
        let Door {
            connection,
            adapter,
            session,
        } = &self.door;
        let (connections, id, title) =
            (self.doors.connections(), connection.id, adapter.crm().title);
        let version = session.secret_version();
        if connections
            .mark_needs_reauth(id, version, refusal.detail())
            .await?
        {
            tracing::warn!(connection.id = %id, crm = %self.destination.crm, "{title} refused the credentials of connection {id}; its leads wait until it is connected again");
            return Ok(None);
        }
        let now = connections.get(id).await?;
        Ok(Some(match Closed::of(&now, title) {
            Some(closed) => failure::of_closed(closed, self.destination.gate()),
            None => {
                let message = "The account was connected again during the call";
                ActivityError::new(FailureKind::NotDone, "reconnected", message)
            }
        }))
    }

    fn keep_evidence(&self) {
        for exchange in self.door.session.take_exchanges() {
            self.attempt.record(exchange);
        }
        if let Some(CallBudget { left, resets_in }) = self.door.session.take_budget() {
            self.attempt.report_budget(Budget { left, resets_in });
        }
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
