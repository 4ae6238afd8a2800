//! Calls side by side.

use super::Ctx;
use crate::workflow::WorkflowResult;

impl Ctx {
    /// Drives two calls side by side to their ends, then hands out both results or the first error.
    ///
    /// A call may be an activity, a signal, a child, or an `async` block of several calls; such a
    /// block needs a context of its own ([`Ctx::branch`]).
    ///
    /// Both go on even if one fails, so that no effect is left half known. While one waits for a
    /// retry and the other works, the run stays with its worker; when both wait it is put down.
    ///
    /// # Errors
    /// That of the first call that failed, in the order given.
    pub async fn join<A: Send, B: Send>(
        &self,
        first: impl Future<Output = WorkflowResult<A>> + Send,
        second: impl Future<Output = WorkflowResult<B>> + Send,
    ) -> WorkflowResult<(A, B)> {
        let (first, second) = futures::join!(first, second);
        Ok((first?, second?))
    }

    /// Like [`Ctx::join`] for any number of calls; the results come in the order of the calls.
    ///
    /// # Errors
    /// That of the first call that failed, in the order given.
    pub async fn join_all<T: Send>(
        &self,
        calls: impl IntoIterator<Item = impl Future<Output = WorkflowResult<T>> + Send> + Send,
    ) -> WorkflowResult<Vec<T>> {
        futures::future::join_all(calls).await.into_iter().collect()
    }
}
