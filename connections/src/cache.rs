//! Remembers connections for a moment, so that a worker does not ask the database per activity.
//!
//! What another process changed must be seen within 2 s, so nothing lives longer than [`TTL`]
//! counted from before it was read. Own writes empty the cache; a read that began before such a
//! write may not put its result in afterwards. Secrets stay sealed in here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{ConnectionId, ConnectionState, rows::StoredConnection};

/// How long a connection is believed without asking again.
pub(crate) const TTL: Duration = Duration::from_millis(1500);

/// More than a worker uses within [`TTL`]; beyond it the cache starts over.
const MAX_ENTRIES: usize = 20_000;

/// What a connection is remembered under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum CacheKey {
    Id(ConnectionId),
    Lead {
        account: String,
        crm: String,
        crm_account_id: Option<String>,
    },
}

/// When a read began: hand it back with the result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadStart {
    at: Instant,
    generation: u64,
}

#[derive(Default)]
pub(crate) struct Cache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    generation: u64,
    entries: HashMap<CacheKey, (Instant, Arc<StoredConnection>)>,
}

impl Cache {
    /// What is remembered under `key`, or the start of the read that finds out.
    pub(crate) fn get(
        &self,
        key: &CacheKey,
        now: Instant,
    ) -> Result<Arc<StoredConnection>, ReadStart> {
        let entries = self.lock();
        match entries.entries.get(key) {
            Some((read_at, stored)) if now.saturating_duration_since(*read_at) < TTL => {
                Ok(Arc::clone(stored))
            }
            _ => Err(ReadStart {
                at: now,
                generation: entries.generation,
            }),
        }
    }

    /// Remembers what a read found, unless something was written meanwhile. A closed connection is
    /// never remembered: whoever opens it again wants its leads to go at once.
    pub(crate) fn put(&self, start: ReadStart, key: CacheKey, stored: &Arc<StoredConnection>) {
        let mut entries = self.lock();
        let closed = stored.connection.state != ConnectionState::Active;
        if closed || start.generation != entries.generation {
            return;
        }
        if entries.entries.len() >= MAX_ENTRIES {
            entries.entries.clear();
        }
        entries.entries.insert(key, (start.at, Arc::clone(stored)));
    }

    /// Forgets everything, also what reads under way are about to bring.
    pub(crate) fn forget(&self) {
        let mut entries = self.lock();
        entries.generation += 1;
        entries.entries.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // No code that can panic runs under the lock, and every entry is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    use super::{Cache, CacheKey, MAX_ENTRIES, ReadStart, TTL};
    use crate::{ConnectionId, rows::StoredConnection};

    fn key(id: ConnectionId) -> CacheKey {
        CacheKey::Id(id)
    }

    fn miss(cache: &Cache, id: ConnectionId, now: Instant) -> ReadStart {
        cache.get(&key(id), now).err().expect("not remembered")
    }

    #[test]
    fn a_connection_is_remembered_for_less_than_two_seconds_from_the_start_of_its_read() {
        let (cache, now) = (Cache::default(), Instant::now());
        let stored = Arc::new(StoredConnection::example());
        let id = stored.connection.id;
        let start = miss(&cache, id, now);
        cache.put(start, key(id), &stored);
        let just_before = now + TTL.saturating_sub(Duration::from_millis(1));
        assert!(cache.get(&key(id), just_before).is_ok());
        assert!(cache.get(&key(id), now + TTL).is_err());
        assert!(TTL < Duration::from_secs(2));
    }

    #[test]
    fn a_write_forgets_what_is_there_and_what_is_under_way() {
        let (cache, now) = (Cache::default(), Instant::now());
        let stored = Arc::new(StoredConnection::example());
        let id = stored.connection.id;
        let before = miss(&cache, id, now);
        cache.put(before, key(id), &stored);
        cache.forget();
        let after = miss(&cache, id, now);
        cache.put(before, key(id), &stored);
        assert!(
            cache.get(&key(id), now).is_err(),
            "a read from before the write was kept"
        );
        cache.put(after, key(id), &stored);
        assert!(cache.get(&key(id), now).is_ok());
    }

    #[test]
    fn the_cache_does_not_grow_without_bound() {
        let (cache, now) = (Cache::default(), Instant::now());
        let stored = Arc::new(StoredConnection::example());
        for _ in 0..=MAX_ENTRIES {
            let id = ConnectionId::random();
            cache.put(miss(&cache, id, now), key(id), &stored);
        }
        assert_eq!(cache.lock().entries.len(), 1);
    }
}
