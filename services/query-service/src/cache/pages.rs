//! Whole answers about a table: lists, pages, statistics. Any change of the table voids all of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::lock;

/// A list holds up to 500 rows, so these are not many.
const MOST_PAGES: usize = 64;

/// Answers by the text of their question, each with the version of the table that it was read at.
pub struct PageCache<V> {
    pages: Mutex<HashMap<String, (u64, Arc<V>)>>,
}

impl<V> PageCache<V> {
    /// The answer, if it was read at this version of the table.
    #[must_use]
    pub fn get(&self, question: &str, version: u64) -> Option<Arc<V>> {
        match lock(&self.pages).get(question) {
            Some((read_at, page)) if *read_at == version => Some(Arc::clone(page)),
            _ => None,
        }
    }

    /// Keeps an answer. `version` is the table's from before the question was put to the database.
    pub fn insert(&self, question: String, page: Arc<V>, version: u64) {
        let mut pages = lock(&self.pages);
        if pages.len() >= MOST_PAGES && !pages.contains_key(&question) {
            pages.retain(|_, (read_at, _)| *read_at == version);
            if pages.len() >= MOST_PAGES {
                pages.clear();
            }
        }
        pages.insert(question, (version, page));
    }
}

impl<V> Default for PageCache<V> {
    fn default() -> Self {
        Self {
            pages: Mutex::default(),
        }
    }
}

impl<V> fmt::Debug for PageCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_its_version_alone() {
        let pages = PageCache::default();
        pages.insert("all".to_owned(), Arc::new(1), 7);
        assert_eq!(pages.get("all", 7).as_deref(), Some(&1));
        assert_eq!(pages.get("all", 8), None);
        assert_eq!(pages.get("some", 7), None);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let pages = PageCache::default();
        for number in 0..1_000 {
            pages.insert(number.to_string(), Arc::new(number), number / 10);
            assert!(lock(&pages.pages).len() <= MOST_PAGES);
        }
        assert_eq!(pages.get("999", 99).as_deref(), Some(&999));
    }
}
