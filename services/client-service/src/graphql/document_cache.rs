//! Documents that were parsed before.
//!
//! Clients send the same few documents again and again, and parsing one costs as much as the rest of the
//! gateway's own work on it. Two generations keep those that are used: a document that is found in the old one
//! moves to the young one; when the young one is full it becomes the old one, and the old one goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::ExecutableDocument;

/// The documents of one generation.
const GENERATION: usize = 128;

type Documents = HashMap<Box<str>, Arc<ExecutableDocument>>;

/// Parsed documents by their text.
#[derive(Debug, Default)]
pub struct DocumentCache {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: Documents,
    old: Documents,
}

impl DocumentCache {
    /// The document with this text, if it is known.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.with(|known| {
            if let Some(document) = known.young.get(text) {
                return Some(Arc::clone(document));
            }
            let (text, document) = known.old.remove_entry(text)?;
            known.insert(text, Arc::clone(&document));
            Some(document)
        })
    }

    /// Remembers a document.
    pub fn insert(&self, text: &str, document: &Arc<ExecutableDocument>) {
        self.with(|known| known.insert(text.into(), Arc::clone(document)));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Generations) -> T) -> T {
        let mut known = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        work(&mut known)
    }
}

impl Generations {
    fn insert(&mut self, text: Box<str>, document: Arc<ExecutableDocument>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, document);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::document::parse;
    use super::{DocumentCache, GENERATION};

    #[test]
    fn used_documents_stay_and_their_number_is_limited() {
        let known = DocumentCache::default();
        let document = Arc::new(parse("{ a }").expect("GraphQL").document);
        known.insert("used", &document);
        for number in 0..GENERATION * 4 {
            known.insert(&number.to_string(), &document);
            assert!(known.find("used").is_some(), "after {number}");
        }
        assert!(known.find("0").is_none());
        let kept = known.with(|it| it.young.len() + it.old.len());
        assert!(kept <= GENERATION * 2);
    }
}
