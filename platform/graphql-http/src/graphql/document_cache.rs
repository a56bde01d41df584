//! A cache of parsed documents.
//!
//! Clients send the same few documents repeatedly, and parsing one costs as much as the rest of the gateway's own work. The
//! cache is scan-resistant: documents that are sent once do not evict those in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use async_graphql::parser::types::ExecutableDocument;
use quick_cache::sync::Cache;

const MAX_DOCUMENTS: usize = 256;

/// A parsed document, and whether the engine has found it to be valid. That does not depend on variables, whose values are
/// validated with each request, so the engine validates a document once for all requests that share it.
#[derive(Debug)]
pub struct Document {
    pub parsed: ExecutableDocument,
    is_validated: AtomicBool,
}

impl Document {
    #[must_use]
    pub const fn new(parsed: ExecutableDocument) -> Self {
        let is_validated = AtomicBool::new(false);
        Self {
            parsed,
            is_validated,
        }
    }

    #[must_use]
    pub fn is_validated(&self) -> bool {
        self.is_validated.load(Relaxed)
    }

    /// The engine has found the whole document to be valid.
    pub fn set_validated(&self) {
        self.is_validated.store(true, Relaxed);
    }
}

/// Parsed documents by their text.
#[derive(Debug)]
pub struct DocumentCache(Cache<Box<str>, Arc<Document>>);

impl Default for DocumentCache {
    fn default() -> Self {
        Self(Cache::new(MAX_DOCUMENTS))
    }
}

impl DocumentCache {
    /// The document with this text, if it is cached.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Arc<Document>> {
        self.0.get(text)
    }

    pub fn insert(&self, text: &str, document: &Arc<Document>) {
        self.0.insert(text.into(), Arc::clone(document));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::document::parse;
    use super::{Document, DocumentCache, MAX_DOCUMENTS};

    #[test]
    fn documents_in_use_stay_cached_and_the_size_is_limited() {
        let known = DocumentCache::default();
        let document = Document::new(parse("{ a }").expect("GraphQL").document);
        let document = Arc::new(document);
        known.insert("used", &document);
        for number in 0..MAX_DOCUMENTS * 2 {
            known.insert(&number.to_string(), &document);
            assert!(known.find("used").is_some(), "after {number}");
        }
        // Documents in use evict those that are not.
        for number in 0..MAX_DOCUMENTS * 4 {
            let text = format!("also used {number}");
            known.insert(&text, &document);
            assert!(known.find(&text).is_some(), "{text}");
            assert!(known.find("used").is_some(), "after {text}");
        }
        assert!(known.find("0").is_none());
        assert!(known.0.len() <= MAX_DOCUMENTS);
    }
}
