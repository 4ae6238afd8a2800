//! Tells by a key who calls.
//!
//! A key is asked about once in a few seconds, so that a call costs no query of its own and one that was
//! taken back is refused everywhere within five seconds.

use super::secret::KeySecret;
use super::{ApiKey, Caller, KeyRow};
use crate::desk::Desk;
use crate::error::DeskResult;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long an answer of the database is believed.
const TTL: Duration = Duration::from_secs(3);
/// How exactly it is known when a key was last used.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// More keys than are in use at a time; beyond it the memory begins anew.
const MOST: usize = 10_000;
/// Keys asked about at a time that are new here: whoever tries key after key keeps no more connections than
/// these from everybody else, and holds up nobody whose key is known to work.
const ASKING: usize = 4;
/// The same of keys that are known to work.
const ASKING_AGAIN: usize = 8;

type Hash = [u8; 32];

/// What the database last said of keys, by their hashes.
#[derive(Clone)]
pub(crate) struct Recognized {
    all: Arc<Mutex<HashMap<Hash, Known>>>,
    asking: Arc<Semaphore>,
    asking_again: Arc<Semaphore>,
}

impl Default for Recognized {
    fn default() -> Self {
        Self {
            all: Arc::default(),
            asking: Arc::new(Semaphore::new(ASKING)),
            asking_again: Arc::new(Semaphore::new(ASKING_AGAIN)),
        }
    }
}

#[derive(Clone)]
struct Known {
    asked: Instant,
    /// None where there is no such key.
    key: Option<Arc<ApiKey>>,
    /// The database's time when it was asked.
    now: DateTime<Utc>,
}

impl Known {
    /// Whoever holds the key, if it still works.
    fn caller(self) -> Option<Caller> {
        let now = self.now + self.asked.elapsed();
        let key = self.key.filter(|key| key.works_at(now))?;
        Some(Caller::of_key(&key))
    }
}

impl Recognized {
    fn get(&self, hash: &Hash) -> Option<Known> {
        let known = self.lock().get(hash).cloned();
        known.filter(|known| known.asked.elapsed() < TTL)
    }

    /// Asks the database, in its turn, what may have been asked in the meantime.
    async fn ask(&self, desk: &Desk, hash: Hash) -> DeskResult<Known> {
        let worked = |known: &Known| known.key.is_some();
        let turns = match self.lock().get(&hash).is_some_and(worked) {
            true => &self.asking_again,
            false => &self.asking,
        };
        // Never closed, so there is always a turn.
        let _turn = turns.acquire().await.ok();
        if let Some(known) = self.get(&hash) {
            return Ok(known);
        }
        let known = desk.ask_about(&hash).await?;
        self.put(hash, known.clone());
        Ok(known)
    }

    fn put(&self, hash: Hash, known: Known) {
        let mut all = self.lock();
        if all.len() >= MOST {
            all.retain(|_, known| known.key.is_some());
        }
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(hash, known);
    }

    /// Asks the database again about all of them.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Known>> {
        // No code that can panic runs under the lock.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Who the holder of this key is; none if it is no key of ours, expired, or taken back.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn caller(&self, key: &str) -> DeskResult<Option<Caller>> {
        let Some(secret) = KeySecret::read(key) else {
            return Ok(None);
        };
        let hash = secret.hash();
        let known = match self.recognized().get(&hash) {
            Some(known) => known,
            None => self.recognized().ask(self, hash).await?,
        };
        Ok(known.caller())
    }

    async fn ask_about(&self, hash: &Hash) -> DeskResult<Known> {
        let (asked, pool) = (Instant::now(), self.engine().access());
        let now = sqlx::query_scalar!(r#"select leadrail.now() as "now!""#);
        let now = now.fetch_one(pool).await?;
        let row = sqlx::query_as!(
            KeyRow,
            r#"
            select id, shown, purpose, role, account, mode, created_at, expires_at, last_used_at, revoked_at,
                   revoked_at is null and (expires_at is null or expires_at > leadrail.now()) as "works!"
            from leadrail.api_key
            where hash = $1
            "#,
            &hash[..]
        );
        let key: Option<ApiKey> = row.fetch_optional(pool).await?.map(ApiKey::from);
        if let Some(key) = key.as_ref().filter(|key| key.works_at(now)) {
            self.note_used(key, now).await?;
        }
        let key = key.map(Arc::new);
        Ok(Known { asked, key, now })
    }

    /// Notes that a key is in use, once a minute.
    async fn note_used(&self, key: &ApiKey, now: DateTime<Utc>) -> DeskResult<()> {
        if key
            .last_used_at
            .is_some_and(|used| now - used < NOTED_EVERY)
        {
            return Ok(());
        }
        sqlx::query!(
            "update leadrail.api_key set last_used_at = $2 where id = $1",
            key.id.0,
            now
        )
        .execute(self.engine().access())
        .await?;
        Ok(())
    }
}
