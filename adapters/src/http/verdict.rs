//! What an adapter says of an answer.

use super::answer::Answer;
use super::budget::{CallBudget, call_budget};
use super::classify::classify;
use super::error::AdapterResult;
use crate::info::CrmInfo;

/// What an answer means for the lead, and what it says of the CRM's budget.
#[derive(Debug)]
pub struct Verdict {
    /// `Ok` means done: the body may be read.
    pub result: AdapterResult<()>,
    /// What the answer says is left, where it says so.
    pub budget: Option<CallBudget>,
}

impl Verdict {
    /// The general rules: [`classify()`] for the status, [`call_budget`] for the headers.
    #[must_use]
    pub fn shared(crm: &CrmInfo, answer: &Answer<'_>) -> Self {
        Self {
            result: classify(crm, answer),
            budget: answer.headers().and_then(call_budget),
        }
    }
}

/// Who says what an answer means: an adapter's [`judge`](crate::CrmAdapter::judge).
pub(crate) type Judge = Box<dyn Fn(&Answer<'_>) -> Verdict + Send + Sync>;
