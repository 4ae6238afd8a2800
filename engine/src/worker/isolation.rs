//! Who is executed beside whom: a suspect is executed alone.
//!
//! A run whose workers died again and again is a suspect. Only while it is alone do further deaths
//! count against it.

use crate::ctx::Ctx;
use crate::history::HistoryKind;
use crate::past::Crashes;
use crate::shared::Shared;
use std::time::Duration;
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

/// How often a suspect looks whether it is alone.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Leave to be executed by this worker; held while a run is.
pub(crate) enum Admission<'a> {
    Together(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'a, ()>),
    Alone(
        #[expect(dead_code, reason = "held, not read")] RwLockWriteGuard<'a, ()>,
        #[expect(dead_code, reason = "held, not read")] NoClaims<'a>,
    ),
}

/// Admits a run together with all others. A suspect waits until nothing else is executed by this
/// worker and has that written down first. Nothing is claimed meanwhile, so nothing is held that
/// waits for the suspect: if the worker dies, nobody else is counted who did not run.
pub(crate) async fn admit<'a>(ctx: &Ctx, shared: &'a Shared, crashes: Crashes) -> Admission<'a> {
    if !crashes.is_suspect() || crashes.is_poison() {
        return Admission::Together(shared.in_execution.read().await);
    }
    let no_claims = NoClaims::ask(shared);
    let alone = loop {
        match shared.in_execution.try_write() {
            Ok(alone) => break alone,
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    };
    ctx.add_row(HistoryKind::RunIsolated, None, None, None);
    if let Err(why) = ctx.commit().await {
        tracing::error!(run.id = %ctx.run_id(), reason = why, "A suspect could not be marked as alone");
    }
    Admission::Alone(alone, no_claims)
}

/// No claims for as long as this lives.
pub(crate) struct NoClaims<'a>(&'a Shared);

impl<'a> NoClaims<'a> {
    fn ask(shared: &'a Shared) -> Self {
        shared.claims.pause();
        Self(shared)
    }
}

impl Drop for NoClaims<'_> {
    fn drop(&mut self) {
        self.0.claims.go_on();
        self.0.journal.wake();
    }
}
