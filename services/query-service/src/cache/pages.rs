//! Whole answers about a table: lists, pages, statistics. Any change of the table voids all of them.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use read_model_sql::Snapshot;

/// Answers by the text of their question, each with the version of the table that it was read at.
pub struct PageCache<V> {
    pages: Cache<String, (u64, Snapshot<Arc<V>>)>,
}

impl<V> PageCache<V> {
    /// Keeps at most so many answers.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let pages = Cache::new(most);
        Self { pages }
    }

    /// The answer, if it was read at this version of the table.
    #[must_use]
    pub fn get(&self, question: &str, version: u64) -> Option<Snapshot<Arc<V>>> {
        let (read_at, page) = self.pages.get(question)?;
        (read_at == version).then_some(page)
    }

    /// Keeps an answer. `version` is the table's from before the question was put to the database.
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
    fn an_answer_holds_for_its_version_alone() {
        let pages = PageCache::new(64);
        pages.insert("all".to_owned(), page(1), 7);
        assert_eq!(pages.get("all", 7), Some(page(1)));
        assert_eq!(pages.get("all", 8), None);
        assert_eq!(pages.get("some", 7), None);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let pages = PageCache::new(64);
        for number in 0..1_000 {
            pages.insert(number.to_string(), page(number), number / 10);
            assert!(pages.pages.len() <= 64);
        }
        assert_eq!(pages.get("999", 99), Some(page(999)));
    }
}
