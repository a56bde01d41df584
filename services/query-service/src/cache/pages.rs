//! Cached query results of a table: lists, pages, statistics. Any change of the table invalidates all of them.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use read_model_sql::Snapshot;

/// Results by the fingerprint of their query, each with the version of the table that it was read at.
pub struct PageCache<V> {
    pages: Cache<String, (u64, Snapshot<Arc<V>>)>,
}

impl<V> PageCache<V> {
    /// A cache of at most `most` results.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let pages = Cache::new(most);
        Self { pages }
    }

    /// The result, if it was read at this version of the table.
    #[must_use]
    pub fn get(&self, question: &str, version: u64) -> Option<Snapshot<Arc<V>>> {
        let (read_at, page) = self.pages.get(question)?;
        (read_at == version).then_some(page)
    }

    /// Stores a result. `version` must be the table's version from *before* the database was read: a change during
    /// the read then makes the result unusable instead of stale.
    pub fn insert(&self, question: String, page: Snapshot<Arc<V>>, version: u64) {
        self.pages.insert(question, (version, page));
    }
}

impl<V> fmt::Debug for PageCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::Position;

    use super::*;

    fn page<V>(value: V) -> Snapshot<Arc<V>> {
        Snapshot {
            value: Arc::new(value),
            position: Position(3),
        }
    }

    #[test]
    fn a_result_is_valid_only_for_its_version() {
        let pages = PageCache::new(64);
        pages.insert("all".to_owned(), page(1), 7);
        assert_eq!(pages.get("all", 7), Some(page(1)));
        assert_eq!(pages.get("all", 8), None);
        assert_eq!(pages.get("some", 7), None);
    }

    #[test]
    fn the_cache_stays_within_its_capacity() {
        let pages = PageCache::new(64);
        for number in 0..1_000 {
            pages.insert(number.to_string(), page(number), number / 10);
            assert!(pages.pages.len() <= 64);
        }
        assert_eq!(pages.get("999", 99), Some(page(999)));
    }
}
