//! Versions: how a workflow's code changes while runs are in flight.

use super::Ctx;
use super::side_value::Value;
use crate::workflow::{WorkflowResult, unreadable};
use std::borrow::Cow;

impl Ctx {
    /// Which version of a change this run goes by: `latest` if it comes to this place for the first
    /// time, 0 if it was past it before the change was made, and from then on always the same.
    ///
    /// It is written down together with the next thing that binds the run, such as an activity. A build
    /// that is stopped before that leaves the run as it was, for older builds too; after it, an older
    /// build puts the run down until one comes that knows the change.
    ///
    /// ```no_run
    /// # use leadrail_engine::{Activity, Ctx, WorkflowResult};
    /// # async fn story<A: Activity<Input = String>>(ctx: Ctx, ask: &A) -> WorkflowResult<()> {
    /// if ctx.version("ask-before-filing", 1)? >= 1 {
    ///     ctx.activity(ask, &"owner".to_owned()).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the stored version cannot be read.
    pub fn version(&self, change: &'static str, latest: u32) -> WorkflowResult<u32> {
        if let Some(version) = self.progress().versions.get(change) {
            return Ok(*version);
        }
        let version = self.first_version(change, latest)?;
        self.progress().versions.insert(change, version);
        Ok(version)
    }

    fn first_version(&self, change: &'static str, latest: u32) -> WorkflowResult<u32> {
        let label: Cow<'static, str> = format!("version:{change}").into();
        let recorded = self.progress().past.take_side_value(&label);
        if let Some(recorded) = recorded {
            return serde_json::from_value(recorded).map_err(|error| unreadable("version", &error));
        }
        // What is recorded further on was recorded by code that did not have the change.
        if !self.progress().past.is_spent() {
            return Ok(0);
        }
        let payload = serde_json::to_string(&Value { value: &latest })
            .map_err(|error| unreadable("version", &error))?;
        self.keep_for_what_follows(label, payload);
        Ok(latest)
    }
}
