//! Changes that somebody asked for: once begun they go on to their end.
//!
//! A client that hangs up takes its request along. A change must not go with it: half of it may be
//! done, and who did it is noted last. So it runs as a task of its own, and the server waits for it
//! when it stops.

use std::time::Duration;

use leadrail_desk::DeskError;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::problem::Problem;
use crate::state::problem;

/// Where changes are made. Clones share the count of those under way.
#[derive(Clone)]
pub(crate) struct Changes(mpsc::Sender<()>);

/// Those under way, for whoever waits until there are none.
pub(crate) struct UnderWay(mpsc::Receiver<()>);

impl Changes {
    pub(crate) fn new() -> (Self, UnderWay) {
        let (changes, under_way) = mpsc::channel(1);
        (Self(changes), UnderWay(under_way))
    }

    /// Makes a change and waits for it, at most this long. One that takes longer goes on, and its
    /// caller is told that it is not known yet.
    pub(crate) async fn make<T: Send + 'static>(
        &self,
        within: Duration,
        change: impl Future<Output = Result<T, DeskError>> + Send + 'static,
    ) -> Result<T, Problem> {
        let under_way = self.0.clone();
        let made = tokio::spawn(async move {
            let made = change.await;
            drop(under_way);
            made
        });
        match timeout(within, made).await {
            Ok(Ok(made)) => made.map_err(problem),
            // The panic hook has logged where.
            Ok(Err(_)) => Err(Problem::internal()),
            Err(_) => {
                tracing::warn!("A change took longer than {within:?} and goes on");
                Err(Problem::unconfirmed())
            }
        }
    }
}

impl Changes {
    /// The same for what is no change of the desk's; `None` if it takes longer, and when it breaks.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        within: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let under_way = self.0.clone();
        let done = tokio::spawn(async move {
            let done = work.await;
            drop(under_way);
            done
        });
        timeout(within, done).await.ok()?.ok()
    }
}

impl UnderWay {
    /// Returns once no change is under way and none can begin, because all [`Changes`] are gone.
    pub(crate) async fn ended(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_change_ends_though_nobody_waits_and_the_end_is_waited_for() {
        let (changes, under_way) = Changes::new();
        let (go, may_go) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let asked = changes.make(Duration::from_secs(60), async move {
            may_go.await.expect("told to go on");
            done.send(()).expect("somebody asks");
            Ok(())
        });
        // The client hangs up as soon as it has asked.
        tokio::select! {
            biased;
            _ = asked => panic!("it cannot be done yet"),
            () = tokio::task::yield_now() => {}
        }
        drop(changes);
        go.send(()).expect("still under way");
        under_way.ended().await;
        is_done.await.expect("done");
    }

    #[tokio::test]
    async fn a_change_that_takes_long_is_not_said_to_have_failed() {
        let (changes, _under_way) = Changes::new();
        let never = std::future::pending::<Result<(), DeskError>>();
        let problem = changes.make(Duration::from_millis(5), never).await;
        let problem = problem.expect_err("not known");
        assert!(
            format!("{problem:?}").contains("unconfirmed"),
            "{problem:?}"
        );
    }
}
