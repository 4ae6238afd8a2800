//! The engine as its users see it: enqueue, look, open gates, see to dead letters.

mod enqueue;
mod fleet;
mod group_commit;
mod lanes;
mod letter_filter;
mod letters;
mod line;
mod not_enqueued;
mod notifier;
mod outside;
mod replay;
mod restored;
mod result;
mod shared;

pub use enqueue::{Enqueued, NewRun, Outcome};
pub use fleet::WorkerView;
pub use group_commit::GroupCommit;
pub use lanes::{LaneLimits, LaneView};
pub use letter_filter::{LetterFilter, Standing};
pub use letters::{Letter, LetterSeq, LettersError};
pub use line::{Held, Line};
pub use not_enqueued::{NotEnqueued, is_read_only, kind_of};
pub use outside::{Cancelled, Restarted, Sent};
pub use replay::{ReplayLane, ReplayProgress};
pub use restored::DeclaredRestored;
pub use shared::WriteGroup;

use crate::hosts::DatabaseHosts;
use crate::migrate::{ENGINE, MigrateError};
use crate::store::access::{Access, Sees};
use crate::store::{doubt, gates, housekeeping, reading, workers};
use crate::{Event, RunId, RunState, RunView};
pub(crate) use notifier::Near;
use notifier::Notifier;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::time::Duration;

/// A handle on the engine's database. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    access: Access,
    notifier: Arc<Notifier>,
    shared: GroupCommit<NewRun, Enqueued>,
}

impl Engine {
    /// Opens a pool on this database. The URL may list several hosts
    /// (`postgres://user@h1:5432,h2:5432/name`): the one that takes writes is used and followed.
    ///
    /// # Errors
    /// When the URL is no PostgreSQL URL or the database cannot be reached.
    pub async fn connect(database_url: &str) -> sqlx::Result<Self> {
        let hosts: DatabaseHosts = database_url.parse().map_err(sqlx::Error::config)?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(5));
        let hosts = hosts.with(|options| options.application_name("leadrail"));
        Ok(Self::new(hosts.connect(pool).await?))
    }

    /// Uses a pool that is there already.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let notifier = Arc::new(Notifier::new(pool.clone()));
        let shared = shared::door(pool.clone(), notifier.clone());
        Self {
            access: pool.into(),
            notifier,
            shared,
        }
    }

    /// The same engine, used for these: it shows nobody else's runs, and does nothing to them.
    #[must_use]
    pub fn seeing(&self, sees: Sees) -> Self {
        Self {
            access: self.access.seeing(sees),
            ..self.clone()
        }
    }

    /// The way to what may be seen.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The pool, for callers who enqueue inside a transaction of their own, and for all that is nobody's.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.access.pool()
    }

    /// Brings the engine's tables and functions into the database, and makes the partitions of the
    /// coming days; what was missing, as [`pending_migrations`](Self::pending_migrations) lists it.
    /// What was applied is kept in tables of the engine's own, so a host application may have
    /// migrations of its own in the same database.
    ///
    /// # Errors
    /// As [`Set::apply`](crate::migrate::Set::apply).
    pub async fn migrate(&self) -> Result<Vec<String>, MigrateError> {
        let applied = ENGINE.apply(self.pool()).await?;
        housekeeping::make_partitions(self.pool()).await?;
        // Where the database is, so that a copy of it can be told.
        let mut session = self.pool().acquire().await?;
        doubt::note(&mut session).await?;
        Ok(applied)
    }

    /// Makes the partitions of the coming days, of all tables in `leadrail.dated_table`: for whoever has
    /// added one and does not want to wait for a worker's housekeeping.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn make_partitions(&self) -> sqlx::Result<()> {
        housekeeping::make_partitions(self.pool()).await
    }

    /// What [`migrate`](Self::migrate) would apply, in order, such as `engine 0001 tables`.
    ///
    /// # Errors
    /// As [`Set::pending`](crate::migrate::Set::pending).
    pub async fn pending_migrations(&self) -> Result<Vec<String>, MigrateError> {
        ENGINE.pending(self.pool()).await
    }

    /// What a newer release has applied to the database; this one may run there.
    ///
    /// # Errors
    /// As [`Set::newer`](crate::migrate::Set::newer).
    pub async fn newer_migrations(&self) -> Result<Vec<String>, MigrateError> {
        ENGINE.newer(self.pool()).await
    }

    /// One run's head, or `None`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn run(&self, id: RunId) -> sqlx::Result<Option<RunView>> {
        reading::run(&self.access, id).await
    }

    /// The runs under this idempotency key, one a scope.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runs_by_key(&self, key: &str) -> sqlx::Result<Vec<RunView>> {
        reading::runs_by_key(&self.access, key).await
    }

    /// How many of these runs are in each state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn standing(&self, runs: &[RunId]) -> sqlx::Result<Vec<(RunState, i64)>> {
        let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
        reading::standing(&self.access, &ids).await
    }

    /// Whether a worker with this name and process id is registered, which is when it begins to claim.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_worker(&self, name: &str, pid: u32) -> sqlx::Result<bool> {
        workers::is_registered(self.pool(), name, pid).await
    }

    /// A run's history, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn history(&self, id: RunId) -> sqlx::Result<Vec<Event>> {
        reading::seen_history(&self.access, id).await
    }

    /// Makes the runs due that wait for this gate, the urgent first and `spacing` apart; how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn open_gate(&self, gate: &str, spacing: Duration) -> sqlx::Result<u32> {
        self.open_gates(&[gate.to_owned()], spacing).await
    }

    /// Makes the runs due that wait for any of these gates, the urgent first and `spacing` apart over
    /// all of them; how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn open_gates(&self, gates: &[String], spacing: Duration) -> sqlx::Result<u32> {
        if gates.is_empty() {
            return Ok(0);
        }
        let spacing = i64::try_from(spacing.as_millis()).unwrap_or(i64::MAX);
        let freed = match self.access.sees() {
            None => gates::open(self.pool(), gates, spacing).await?,
            Some(_) => gates::open_seen(&self.access, gates, spacing).await?,
        };
        self.notifier.poke();
        Ok(u32::try_from(freed).unwrap_or(0))
    }

    /// Moves the engine's clock ahead: for tests, so that six hours pass at once.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn shift_clock(&self, ahead: Duration) -> sqlx::Result<()> {
        sqlx::query!(
            "update leadrail.clock set shift = shift + $1 * interval '1 second'",
            ahead.as_secs_f64()
        )
        .execute(self.pool())
        .await?;
        self.hint_crons().await;
        self.notifier.poke();
        Ok(())
    }

    /// Keeps house once, as workers do by themselves: partitions ahead, old days dropped, what is old enough
    /// forgotten, ended runs moved out of the hot table. How many were moved.
    ///
    /// # Errors
    /// When the database cannot be written. What failed of it is also in `leadrail.housekeeping`.
    pub async fn keep_house(&self) -> sqlx::Result<u32> {
        housekeeping::keep(self.pool()).await?;
        while housekeeping::drop_oldest_day(self.pool()).await?.is_some() {}
        let most = housekeeping::HOUSE_BATCH;
        while housekeeping::forget_inputs(self.pool(), most).await? == most {}
        while housekeeping::forget_keys(self.pool(), most).await? == most {}
        let mut moved = 0;
        loop {
            let slice = housekeeping::move_ended(self.pool(), housekeeping::HOUSE_BATCH).await?;
            moved += u32::try_from(slice.moved).unwrap_or(0);
            if slice.looked < housekeeping::HOUSE_BATCH {
                return Ok(moved);
            }
        }
    }

    pub(crate) fn notifier(&self) -> &Notifier {
        &self.notifier
    }
}
