//! Branches: parts of a workflow that go on side by side, each with labels of its own.
//!
//! A label is a name and how often it was used. If several branches shared one count, the branch
//! that happens to be quicker would take the number, and a restart would hand it the other's
//! result. So a branch counts for itself, and an overlap within one branch is an error.

use super::Ctx;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// A branch; the default is the trunk.
#[derive(Default)]
pub(super) struct Branch {
    /// `1/`, `1.2/`, ...; empty for the trunk.
    prefix: String,
    branches: AtomicU32,
    at_work: AtomicUsize,
}

impl Ctx {
    /// The same run for a branch that makes several calls one after the other beside others. Make
    /// branches in the same order each time, before they are driven:
    ///
    /// ```no_run
    /// # use leadrail_engine::{Activity, Ctx, WorkflowResult};
    /// # async fn story<A: Activity<Input = String>>(ctx: Ctx, notify: &A, file: &A) -> WorkflowResult<()> {
    /// let (left, right) = (ctx.branch(), ctx.branch());
    /// let (ana, ben, form) = ("ana".to_owned(), "ben".to_owned(), "form".to_owned());
    /// let both = async {
    ///     left.activity(notify, &ana).await?;
    ///     left.activity(notify, &ben).await
    /// };
    /// ctx.join(both, right.activity(file, &form)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn branch(&self) -> Self {
        let nth = self.branch.branches.fetch_add(1, Ordering::AcqRel) + 1;
        let parent = self.branch.prefix.trim_end_matches('/');
        let dot = if parent.is_empty() { "" } else { "." };
        Self {
            run: self.run.clone(),
            branch: Arc::new(Branch {
                prefix: format!("{parent}{dot}{nth}/"),
                ..Branch::default()
            }),
            under: self.under.clone(),
            cleaning_up: self.cleaning_up,
        }
    }
}

impl Branch {
    /// What its names begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The name as this branch records it.
    pub(super) fn name<'n>(&self, name: Cow<'n, str>) -> Cow<'n, str> {
        if self.prefix.is_empty() {
            return name;
        }
        Cow::Owned(format!("{}{name}", self.prefix))
    }

    pub(super) fn begin(&self) {
        self.at_work.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end(&self) {
        self.at_work.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.load(Ordering::Acquire) > 0
    }
}
