//! Operations that clients send by their hash.
//!
//! ```text
//!   automatic (Apollo's protocol)            registered only (a manifest or a folder)
//!   hash ── known ──► the text               hash or text ── registered ──► the text
//!     └─ unknown ──► PERSISTED_QUERY_NOT_FOUND     └─ else ──► PERSISTED_QUERY_NOT_IN_LIST
//!   hash + text ── executed and stored       hash + text ── registered and its hash ──► the text
//! ```
//!
//! In both modes a hash is compared without regard to case, and one that is not that of the text next to it is rejected.
//! Registered texts are compared without the line ends at their end: editors write one, and clients that print a parsed
//! document do not.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use event_sourcing::quoted;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::errors::{ApiError, Code};
use crate::hex::hex;
use crate::unique_keys;

/// Where a request names its operation.
pub const DOCUMENT_ID: &str = "documentId";
pub const SHA256_HASH: &str = "extensions.persistedQuery.sha256Hash";

/// The bytes of all texts that clients have stored. A client whose text was evicted sends it again.
const MAX_STORED_BYTES: u64 = 4 * 1024 * 1024;
/// How many texts are expected to fill it.
const EXPECTED_TEXTS: usize = 4_096;

/// The hash by which a request names its operation, in lower case.
#[derive(Clone, Debug)]
pub struct PersistedQuery {
    hash: String,
    /// The part of the request that has the hash.
    parameter: &'static str,
}

impl PersistedQuery {
    /// The hash of `extensions.persistedQuery`.
    pub fn of_hash(hash: &str) -> Self {
        Self {
            hash: hash.to_ascii_lowercase(),
            parameter: SHA256_HASH,
        }
    }

    /// `documentId` of GraphQL over HTTP: `sha256:` and the hash, or a hash of a manifest.
    pub fn of_document(id: &str) -> Self {
        Self {
            hash: hash_of_document(id),
            parameter: DOCUMENT_ID,
        }
    }
}

fn hash_of_document(id: &str) -> String {
    id.strip_prefix("sha256:")
        .unwrap_or(id)
        .to_ascii_lowercase()
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
    /// The texts without the line ends at their end, each with where it was read.
    texts: HashMap<Arc<str>, String>,
}

/// Why a file or folder of operations cannot be registered.
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
    #[error("{0} has the hash of another operation")]
    SameHash(String),
    #[error("{0} is not valid: {1}")]
    Invalid(String, String),
}

impl ManifestError {
    /// The operation that was read from `source` cannot be executed.
    pub fn invalid(source: &str, fault: &ApiError) -> Self {
        let location = fault.location.as_deref();
        let location = location.map_or_else(String::new, |location| {
            format!(" (line {}, column {})", location.line, location.column)
        });
        Self::Invalid(source.to_owned(), format!("{}{location}", fault.message))
    }
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
    /// It cannot be read, holds no operation, or two with one hash.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let mut operations = Self::default();
        if path.is_dir() {
            operations.read_folder(path)?;
        } else {
            operations.read_manifest(path)?;
        }
        if operations.texts.is_empty() {
            return Err(ManifestError::Empty(path.display().to_string()));
        }
        Ok(operations)
    }

    fn read_folder(&mut self, path: &Path) -> Result<(), ManifestError> {
        let failed = |path: &Path, error| ManifestError::File(path.display().to_string(), error);
        let mut files = Vec::new();
        for file in std::fs::read_dir(path).map_err(|error| failed(path, error))? {
            files.push(file.map_err(|error| failed(path, error))?.path());
        }
        let is_operation = |extension: &OsStr| extension == "graphql";
        files.retain(|file| file.extension().is_some_and(is_operation));
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|error| failed(&file, error))?;
            self.insert(None, &text, file.display().to_string())?;
        }
        Ok(())
    }

    fn read_manifest(&mut self, path: &Path) -> Result<(), ManifestError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| ManifestError::File(shown.clone(), error))?;
        let manifest = unique_keys::object(&text)
            .map_err(|error| ManifestError::Json(shown.clone(), error))?;
        for (key, text) in manifest {
            let source = format!("the operation {} of {shown}", quoted(&key));
            let Value::String(text) = text else {
                let fault = "it is not a text".to_owned();
                return Err(ManifestError::Invalid(source, fault));
            };
            self.insert(Some(&key), &text, source)?;
        }
        Ok(())
    }

    /// Registers a text under its hash with and without a line end at its end, and under the key of a manifest, which can be
    /// another hash than the protocol's.
    fn insert(
        &mut self,
        key: Option<&str>,
        text: &str,
        source: String,
    ) -> Result<(), ManifestError> {
        let without: Arc<str> = without_last_line_ends(text).into();
        let hashes = [text, &without, &format!("{without}\n")].map(sha256);
        let key = key.map(hash_of_document);
        for hash in hashes.into_iter().chain(key) {
            let known = self.by_hash.insert(hash, Arc::clone(&without));
            if known.is_some_and(|known| known != without) {
                return Err(ManifestError::SameHash(source));
            }
        }
        self.texts.entry(without).or_insert(source);
        Ok(())
    }

    /// Where each operation was read, and its text, in the order of the former.
    #[must_use]
    pub fn sources(&self) -> Vec<(&str, &str)> {
        let texts = self.texts.iter();
        let mut sources: Vec<_> = texts.map(|(text, source)| (&**source, &**text)).collect();
        sources.sort_unstable();
        sources
    }

    fn resolve(&self, text: Option<&str>, named: &[PersistedQuery]) -> Result<&str, ApiError> {
        let find = |query: &PersistedQuery| self.by_hash.get(&query.hash);
        let Some(text) = text else {
            let mut found = named
                .iter()
                .map(|query| find(query).ok_or_else(not_registered));
            let first = found.next().ok_or_else(missing)??;
            for other in found {
                if other? != first {
                    return Err(different_operations());
                }
            }
            return Ok(first);
        };
        let registered = self.texts.get_key_value(without_last_line_ends(text));
        let (registered, _) = registered.ok_or_else(not_registered)?;
        match named.iter().find(|query| find(query) != Some(registered)) {
            Some(wrong) => Err(wrong_hash(wrong)),
            None => Ok(registered),
        }
    }
}

impl PersistedOperations {
    /// The text of a request that has a text, hashes, or both.
    ///
    /// # Errors
    /// A hash is unknown or not that of the text, two hashes are of different operations, or the operation is not
    /// registered.
    pub fn resolve(
        &self,
        text: Option<String>,
        named: &[PersistedQuery],
    ) -> Result<String, ApiError> {
        let text = text.filter(|text| !text.trim().is_empty());
        match self {
            Self::Automatic(stored) => stored.resolve(text, named),
            Self::Registered(list) => list.resolve(text.as_deref(), named).map(str::to_owned),
        }
    }

    /// Stores the text of a valid request that had a hash too.
    pub fn store(&self, text: &str, persisted: &PersistedQuery) {
        if let Self::Automatic(stored) = self {
            stored.0.insert(persisted.hash.clone(), text.into());
        }
    }
}

impl TextCache {
    fn resolve(&self, text: Option<String>, named: &[PersistedQuery]) -> Result<String, ApiError> {
        let Some(query) = named.first() else {
            return text.ok_or_else(missing);
        };
        if named.iter().any(|other| other.hash != query.hash) {
            return Err(different_operations());
        }
        match text {
            None => self.find(query),
            Some(text) if sha256(&text) == query.hash => Ok(text),
            Some(_) => Err(wrong_hash(query)),
        }
    }

    fn find(&self, query: &PersistedQuery) -> Result<String, ApiError> {
        let found = self.0.get(&query.hash);
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

fn missing() -> ApiError {
    ApiError::new(Code::BadRequest, "query is missing")
}

fn wrong_hash(query: &PersistedQuery) -> ApiError {
    let parameter = query.parameter;
    let message = format!("{parameter} is not the SHA-256 of the query in hexadecimal");
    ApiError::new(Code::BadRequest, message)
}

fn different_operations() -> ApiError {
    let message = format!("{DOCUMENT_ID} and {SHA256_HASH} name different operations");
    ApiError::new(Code::BadRequest, message)
}

fn without_last_line_ends(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
#[path = "persisted_tests.rs"]
mod tests;
