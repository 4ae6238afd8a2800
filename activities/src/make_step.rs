//! Makes a record in the CRM: a customer, a site, a lead, a note.

use std::borrow::Cow;

use leadrail_adapters::Record;
use leadrail_connections::Doors;
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt, Found};

use crate::access::{OpenCrm, take};
use crate::duplicates;
use crate::step::StepInput;

/// Takes a step of the plan that makes a record: `customer_create`, `lead_create`, ... Its result is
/// `None` where the lead has nothing to make there, such as a site without an address.
///
/// The record carries a marker. Where an earlier attempt's answer was lost, the record with that
/// marker is adopted; only where there is none is one made. A step of class A may simply run again,
/// and one of class D that was lost goes to a person, unless the connection says otherwise.
pub struct MakeStep {
    /// The ways into the CRMs.
    pub doors: Doors,
}

impl Activity for MakeStep {
    const NAME: &'static str = "make_step";
    type Input = StepInput;
    type Output = Option<Record>;

    fn label(&self, input: &StepInput) -> Cow<'static, str> {
        input.step.label().into()
    }

    fn options(&self, input: &StepInput) -> ActivityOptions {
        input.options(&self.doors)
    }

    async fn run(&self, attempt: &Attempt, input: &StepInput) -> ActivityResult<Option<Record>> {
        take(&self.doors, attempt, input).await
    }

    async fn reconcile(
        &self,
        attempt: &Attempt,
        input: &StepInput,
    ) -> ActivityResult<Found<Option<Record>>> {
        let label = input.step.label();
        let crm = OpenCrm::open(&self.doors, attempt, &input.destination, label).await?;
        let step = crm.step(input.step)?;
        let borrowed = input.borrowed(crm.door.session.settings(), attempt);
        let made = step.look(&crm.door.session, &borrowed.filing()).await;
        Ok(match crm.judge(made).await? {
            None => Found::Unknowable,
            Some(made) => match duplicates::oldest(attempt, label, made) {
                Found::Yes(record) => Found::Yes(Some(record)),
                Found::No => Found::No,
                Found::Unknowable => Found::Unknowable,
            },
        })
    }
}
