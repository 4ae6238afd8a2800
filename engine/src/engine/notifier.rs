//! Telling idle workers that there may be work: those of this process at once, all others by `NOTIFY`.
//!
//! A commit with a pending `NOTIFY` takes a lock of the whole instance, so it never rides on a
//! transaction that does anything else, and at most twenty a second are sent by one process.

use crate::claim::Claims;
use crate::journal::Intake;
use crate::names::NOTIFY_CHANNEL;
use crate::store::session;
use sqlx::{Connection, PgConnection, PgPool};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

const SHORTEST_GAP: Duration = Duration::from_millis(50);
/// A worker of this process that has room gets so much of a start: it begins with the work sooner
/// when nobody else is woken for it at the same moment.
const NEAR_FIRST: Duration = Duration::from_millis(5);

pub(crate) struct Notifier {
    pool: PgPool,
    planned: Arc<AtomicBool>,
    last: Mutex<Option<Instant>>,
    session: Arc<tokio::sync::Mutex<Option<PgConnection>>>,
    /// Workers of this process that were started on this handle.
    near: Mutex<Vec<Near>>,
}

/// What a hint to a worker of this process needs, for as long as the worker lives.
pub(crate) struct Near {
    claims: Weak<Claims>,
    /// That of the writer that claims.
    intake: Weak<Intake>,
}

impl Near {
    pub(crate) fn new(claims: &Arc<Claims>, intake: &Arc<Intake>) -> Self {
        Self {
            claims: Arc::downgrade(claims),
            intake: Arc::downgrade(intake),
        }
    }

    /// Hints, and says whether the worker has room; `None` when it is gone.
    fn hint(&self) -> Option<bool> {
        let (claims, intake) = (self.claims.upgrade()?, self.intake.upgrade()?);
        claims.hint();
        intake.wake();
        Some(claims.want() > 0)
    }
}

impl Notifier {
    pub(super) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            planned: Arc::new(AtomicBool::new(false)),
            last: Mutex::new(None),
            session: Arc::default(),
            near: Mutex::default(),
        }
    }

    /// A worker of this process, told directly for as long as it lives.
    pub(crate) fn add_near(&self, worker: Near) {
        self.near().push(worker);
    }

    fn near(&self) -> std::sync::MutexGuard<'_, Vec<Near>> {
        self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hints to the workers of this process; whether one has room.
    fn tell_near(&self) -> bool {
        let mut room = false;
        self.near().retain(|worker| {
            let hinted = worker.hint();
            room |= hinted.unwrap_or(false);
            hinted.is_some()
        });
        room
    }

    /// Tells the workers of this process, and sends a notification to the others soon: now if none
    /// was sent lately. Costs the caller nothing; a lost one costs a poll.
    pub(crate) fn poke(&self) {
        let taken_care_of = self.tell_near();
        if self.planned.swap(true, Ordering::AcqRel) {
            return;
        }
        let wait = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let due = last.map_or(now, |at| (at + SHORTEST_GAP).max(now));
            *last = Some(due);
            let head_start = if taken_care_of {
                NEAR_FIRST
            } else {
                Duration::ZERO
            };
            (due - now).max(head_start)
        };
        let (pool, planned, session) = (
            self.pool.clone(),
            self.planned.clone(),
            self.session.clone(),
        );
        tokio::spawn(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let mut session = session.lock().await;
            planned.store(false, Ordering::Release);
            if let Err(error) = send(&pool, &mut session).await {
                *session = None;
                tracing::debug!(error = %error, "No notification was sent; workers will poll");
            }
        });
    }

    /// The same, sent when it returns: for a process that ends now.
    pub(super) async fn poke_now(&self) -> sqlx::Result<()> {
        self.tell_near();
        send(&self.pool, &mut *self.session.lock().await).await
    }
}

/// Sends one on the notifier's own session, which is made when it is needed.
async fn send(pool: &PgPool, session: &mut Option<PgConnection>) -> sqlx::Result<()> {
    if let Some(live) = session {
        if notify(live).await.is_ok() {
            return Ok(());
        }
        // It may have been closed since the last one.
        *session = None;
    }
    // A hint need not survive a crash, so nobody waits for its commit to reach the disk.
    let options = (*pool.connect_options()).clone();
    let options = session::pinned(options).options([("synchronous_commit", "off")]);
    let fresh = PgConnection::connect_with(&options).await?;
    notify(session.insert(fresh)).await
}

async fn notify(session: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", NOTIFY_CHANNEL)
        .execute(session)
        .await
        .map(drop)
}
