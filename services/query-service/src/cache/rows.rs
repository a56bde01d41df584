//! A bounded map of rows that evicts rows without recent reads (second chance).

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Many, so that requests rarely contend for a lock and an invalidation rarely rejects the load of another row.
const SHARDS: usize = 256;

pub struct RowCache<V> {
    shards: Box<[Mutex<Shard<V>>]>,
    hasher: RandomState,
    /// The number of rows, which makes `is_empty` cheap.
    filled: AtomicUsize,
    slots_per_shard: usize,
}

/// Records the invalidations of a shard at the start of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadToken(u64);

struct Shard<V> {
    slots: HashMap<Arc<str>, CachedRow<V>>,
    /// Each key once, in eviction order.
    queue: VecDeque<Arc<str>>,
    /// The number of invalidations. Each one rejects all loads in flight on the shard: a counter per key would need
    /// memory for keys that are not cached.
    invalidations: u64,
}

/// An invalidated row leaves its slot in place, so that each key is in the queue only once.
struct CachedRow<V> {
    row: Option<V>,
    was_used: bool,
}

impl<V: Clone> RowCache<V> {
    /// A cache of about `capacity` rows.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                slots: HashMap::new(),
                queue: VecDeque::new(),
                invalidations: 0,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher: RandomState::new(),
            filled: AtomicUsize::new(0),
            slots_per_shard: capacity.div_ceil(SHARDS).max(1),
        }
    }

    /// The row, if it is cached.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<V> {
        let mut shard = self.shard(key).lock();
        let slot = shard.slots.get_mut(key)?;
        slot.was_used = true;
        slot.row.clone()
    }

    /// Must be taken before the row is read from the database.
    #[must_use]
    pub fn load_token(&self, key: &str) -> LoadToken {
        LoadToken(self.shard(key).lock().invalidations)
    }

    /// Stores a row that was read under `ticket`, unless it may have been invalidated since.
    pub fn insert(&self, key: &str, row: V, ticket: LoadToken) {
        let mut shard = self.shard(key).lock();
        // Checked under the shard's lock, so that no invalidation can happen between the check and the insert.
        if shard.invalidations != ticket.0 {
            return;
        }
        if let Some(slot) = shard.slots.get_mut(key) {
            if slot.row.replace(row).is_none() {
                self.filled.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        while shard.slots.len() >= self.slots_per_shard {
            if shard.evict_one() {
                self.filled.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let key: Arc<str> = key.into();
        shard.queue.push_back(Arc::clone(&key));
        shard.slots.insert(
            key,
            CachedRow {
                row: Some(row),
                was_used: false,
            },
        );
        self.filled.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a row, and rejects the loads of it that are in flight.
    pub fn invalidate(&self, key: &str) {
        let mut shard = self.shard(key).lock();
        shard.invalidations += 1;
        let had = shard
            .slots
            .get_mut(key)
            .is_some_and(|slot| slot.row.take().is_some());
        if had {
            self.filled.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Removes all rows, and rejects all loads that are in flight.
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.invalidations += 1;
            let had = shard
                .slots
                .values()
                .filter(|slot| slot.row.is_some())
                .count();
            shard.slots.clear();
            shard.queue.clear();
            self.filled.fetch_sub(had, Ordering::Relaxed);
        }
    }

    /// Whether it holds no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled.load(Ordering::Relaxed) == 0
    }

    fn shard(&self, key: &str) -> &Mutex<Shard<V>> {
        let hash = self.hasher.hash_one(key);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        &self.shards[index]
    }
}

impl<V> Shard<V> {
    /// Evicts the next slot if it was not used and returns whether it held a row; a used slot gets a second chance.
    fn evict_one(&mut self) -> bool {
        let Some(key) = self.queue.pop_front() else {
            return false;
        };
        if let Some(slot) = self.slots.get_mut(&key)
            && slot.was_used
            && slot.row.is_some()
        {
            slot.was_used = false;
            self.queue.push_back(key);
            return false;
        }
        self.slots
            .remove(&key)
            .is_some_and(|slot| slot.row.is_some())
    }
}

impl<V> fmt::Debug for RowCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowCache")
            .field("filled", &self.filled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_cached_until_it_is_invalidated() {
        let cache = RowCache::new(100);
        cache.insert("a", 1, cache.load_token("a"));
        assert_eq!(cache.get("a"), Some(1));
        cache.invalidate("a");
        assert_eq!(cache.get("a"), None);
        assert!(cache.is_empty());
        cache.insert("a", 2, cache.load_token("a"));
        assert_eq!(cache.get("a"), Some(2));
    }

    #[test]
    fn a_load_that_started_before_an_invalidation_is_rejected() {
        let cache = RowCache::new(100);
        let ticket = cache.load_token("a");
        cache.invalidate("a");
        cache.insert("a", 1, ticket);
        assert_eq!(cache.get("a"), None);
        let ticket = cache.load_token("a");
        cache.clear();
        cache.insert("a", 1, ticket);
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn the_cache_stays_within_its_capacity_and_retains_recent_rows() {
        let cache = RowCache::new(SHARDS);
        for number in 0..10_000 {
            let key = number.to_string();
            cache.insert(&key, number, cache.load_token(&key));
            assert_eq!(cache.get(&key), Some(number), "the newest row is cached");
        }
        let slots: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().slots.len())
            .sum();
        let queued: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().queue.len())
            .sum();
        assert!(slots <= SHARDS, "{slots}");
        assert_eq!(slots, queued);
        assert_eq!(slots, cache.filled.load(Ordering::Relaxed));
    }

    #[test]
    fn repeated_invalidation_and_load_of_one_row_does_not_grow_the_cache() {
        let cache = RowCache::new(SHARDS);
        for number in 0..1_000 {
            cache.insert("a", number, cache.load_token("a"));
            cache.invalidate("a");
        }
        assert_eq!(cache.shard("a").lock().queue.len(), 1);
    }

    #[test]
    fn a_cleared_cache_is_empty() {
        let cache = RowCache::new(1_000);
        for number in 0..100 {
            let key = number.to_string();
            cache.insert(&key, number, cache.load_token(&key));
        }
        cache.clear();
        assert!(cache.is_empty());
        assert_eq!(cache.get("7"), None);
    }
}
