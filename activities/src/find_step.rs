//! Looks in the CRM for a record that is there already, such as the caller's customer.

use std::borrow::Cow;

use leadrail_adapters::Record;
use leadrail_connections::Doors;
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt};

use crate::access::take;
use crate::step::StepInput;

/// Takes a step of the plan that looks for a record: `dedup_lookup`, `site_lookup`, ...
///
/// It only looks, so it may run again. A look-up that fails is an error, never "nothing".
pub struct FindStep {
    /// The ways into the CRMs.
    pub doors: Doors,
}

impl Activity for FindStep {
    const NAME: &'static str = "find_step";
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
}
