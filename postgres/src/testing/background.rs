//! A runtime that lives as long as the process.
//!
//! Every `#[tokio::test]` has a runtime of its own that ends with the test. Whatever is shared
//! between tests, such as a connection to the Docker engine, lives on this one instead.

use std::future::Future;
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("test-postgres")
        .enable_all()
        .build()
        .expect("a runtime for the test servers")
});

/// How long a drop waits for its cleaning before it lets the test end; the cleaning goes on. A server
/// drops no database while a connection is half made, and one that this test's runtime was making
/// gets no further before the test has ended.
const CLEANING: Duration = Duration::from_secs(2);

/// Runs `work` on the lasting runtime.
pub(super) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match RUNTIME.spawn(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Runs `work` on the lasting runtime and blocks this thread for a while, for use in `Drop`.
pub(super) fn finish(work: impl Future<Output = ()> + Send + 'static) {
    let (done, wait) = mpsc::sync_channel(1);
    RUNTIME.spawn(async move {
        work.await;
        let _ = done.send(());
    });
    let _ = wait.recv_timeout(CLEANING);
}
