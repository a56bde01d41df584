//! Operations that clients send by their hash.
//!
//! ```text
//!   automatic (Apollo's protocol)            registered only (a manifest or a folder)
//!   hash ── known ──► the text               hash or text ── registered ──► the text
//!     └─ unknown ──► PERSISTED_QUERY_NOT_FOUND     └─ else ──► PERSISTED_QUERY_NOT_IN_LIST
//!   hash + text ── executed and stored
//! ```

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::errors::{ApiError, Code};
use crate::hex::hex;

/// The bytes of all texts that clients have stored. A client whose text was evicted sends it again.
const MAX_STORED_BYTES: u64 = 4 * 1024 * 1024;
/// How many texts are expected to fill it.
const EXPECTED_TEXTS: usize = 4_096;

/// `extensions.persistedQuery` of a request.
#[derive(Clone, Debug, Deserialize)]
pub struct PersistedQuery {
    version: u32,
    #[serde(rename = "sha256Hash")]
    sha256: String,
}

impl PersistedQuery {
    /// `documentId` of GraphQL over HTTP: `sha256:` and the hash, or a hash of a manifest.
    pub fn of_document(id: &str) -> Self {
        Self {
            version: 1,
            sha256: id.strip_prefix("sha256:").unwrap_or(id).to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<String, Arc<str>> for ByLength {
    fn weight(&self, hash: &String, text: &Arc<str>) -> u64 {
        (hash.len() + text.len()) as u64
    }
}

/// The operations that can be sent by their hash.
#[derive(Debug)]
pub enum PersistedOperations {
    /// Every operation may run; clients store texts.
    Automatic(TextCache),
    /// Only these may run.
    Registered(RegisteredOperations),
}

/// The texts that clients have stored, by hash.
#[derive(Debug)]
pub struct TextCache(Cache<String, Arc<str>, ByLength>);

/// Operations that were registered before the start.
#[derive(Debug, Default)]
pub struct RegisteredOperations {
    by_hash: HashMap<String, Arc<str>>,
    texts: HashSet<Arc<str>>,
}

/// Why a file or folder of operations cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{0} cannot be read: {1}")]
    File(String, std::io::Error),
    #[error("{0} is not a JSON object of texts by their hash: {1}")]
    Json(String, serde_json::Error),
    #[error(
        "{0} has no operation: a manifest is a JSON object of texts by hash, a folder has *.graphql files"
    )]
    Empty(String),
}

impl Default for PersistedOperations {
    fn default() -> Self {
        Self::Automatic(TextCache(Cache::with_weighter(
            EXPECTED_TEXTS,
            MAX_STORED_BYTES,
            ByLength,
        )))
    }
}

impl RegisteredOperations {
    /// Reads a manifest, as GraphQL Code Generator writes it (`persisted-documents.json`), or the `*.graphql` files of a
    /// folder, each one operation.
    ///
    /// # Errors
    /// It cannot be read, or holds no operation.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let shown = path.display().to_string();
        let failed = |error| ManifestError::File(shown.clone(), error);
        let mut operations = Self::default();
        if path.is_dir() {
            for file in std::fs::read_dir(path).map_err(failed)? {
                let file = file.map_err(failed)?.path();
                if file
                    .extension()
                    .is_some_and(|extension| extension == "graphql")
                {
                    let text = std::fs::read_to_string(&file)
                        .map_err(|error| ManifestError::File(file.display().to_string(), error))?;
                    operations.insert(sha256(&text), &text);
                }
            }
        } else {
            let text = std::fs::read_to_string(path).map_err(failed)?;
            let manifest: HashMap<String, String> = serde_json::from_str(&text)
                .map_err(|error| ManifestError::Json(shown.clone(), error))?;
            for (hash, text) in manifest {
                operations.insert(hash, &text);
            }
        }
        if operations.texts.is_empty() {
            return Err(ManifestError::Empty(shown));
        }
        Ok(operations)
    }

    fn insert(&mut self, hash: String, text: &str) {
        let text: Arc<str> = text.into();
        // A manifest can have other hashes than the protocol's.
        self.by_hash.insert(sha256(&text), Arc::clone(&text));
        self.by_hash.insert(hash, Arc::clone(&text));
        self.texts.insert(text);
    }
}

impl PersistedOperations {
    /// The text of a request that has a text, a hash, or both.
    ///
    /// # Errors
    /// The hash is unknown or not that of the text, or the operation is not registered.
    pub fn resolve(
        &self,
        text: Option<String>,
        persisted: Option<&PersistedQuery>,
    ) -> Result<String, ApiError> {
        if let Some(PersistedQuery { version, .. }) = persisted
            && *version != 1
        {
            let message = format!("the version of persistedQuery must be 1, got {version}");
            return Err(ApiError::new(Code::BadRequest, message));
        }
        let text = text.filter(|text| !text.trim().is_empty());
        match (self, text, persisted) {
            (_, None, None) => Err(ApiError::new(Code::BadRequest, "query is missing")),
            (Self::Automatic(_), Some(text), None) => Ok(text),
            (Self::Automatic(stored), None, Some(query)) => stored.find(&query.sha256),
            (Self::Automatic(_), Some(text), Some(query)) => {
                if sha256(&text).eq_ignore_ascii_case(&query.sha256) {
                    Ok(text)
                } else {
                    let message = "sha256Hash is not the SHA-256 of the query in hexadecimal";
                    Err(ApiError::new(Code::BadRequest, message))
                }
            }
            (Self::Registered(list), Some(text), _) if list.texts.contains(text.as_str()) => {
                Ok(text)
            }
            (Self::Registered(list), None, Some(query)) => {
                let found = list.by_hash.get(&query.sha256);
                found.map(ToString::to_string).ok_or_else(not_registered)
            }
            (Self::Registered(_), Some(_), _) => Err(not_registered()),
        }
    }

    /// Stores the text of a valid request that had a hash too.
    pub fn store(&self, text: &str, persisted: &PersistedQuery) {
        if let Self::Automatic(stored) = self {
            stored
                .0
                .insert(persisted.sha256.to_ascii_lowercase(), text.into());
        }
    }
}

impl TextCache {
    fn find(&self, hash: &str) -> Result<String, ApiError> {
        let found = self.0.get(&hash.to_ascii_lowercase());
        found.map(|text| text.to_string()).ok_or_else(|| {
            // Clients of the protocol compare the message.
            ApiError::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
        })
    }
}

fn not_registered() -> ApiError {
    let message = "the operation is not registered: only those of GRAPHQL_OPERATIONS are executed";
    ApiError::new(Code::PersistedQueryNotInList, message)
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
#[path = "persisted_tests.rs"]
mod tests;
