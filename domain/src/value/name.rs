//! Names, and the key by which two spellings are the same name.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

use super::text::limited;
use crate::ValidationError;

/// Trimmed, 1 to 100 characters. Unique by its [`NameKey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CategoryName(String);

/// Trimmed, 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProductName(String);

/// A part of a name that is searched for: at most 255 characters; the empty one is in every name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerm(NameKey);

/// A normalized name: trimmed, NFKC, full Unicode case folding, NFKC. Only computed here and never by a database, so that
/// both engines search and compare alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameKey(String);

impl CategoryName {
    /// # Errors
    /// Empty or longer than 100 characters after trimming, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text.trim(), 1, 100).map(|text| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that must be unique.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl ProductName {
    /// # Errors
    /// Empty or longer than 200 characters after trimming, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text.trim(), 1, 200).map(|text| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key for searches.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }
}

impl NameKey {
    /// The key of any text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let normal: String = text.trim().nfkc().collect();
        // Lower case would depend on the position of a letter (the final sigma), and would distinguish "ß" from "SS".
        let folded = UniCase::unicode(normal).to_folded_case();
        // Folding can decompose a letter.
        Self(folded.nfkc().collect())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the stream of the claim on this key: the SHA-256 of the key in lower-case hex. NFKC can expand one character
    /// to eighteen, so the key itself may be longer than an index row allows.
    #[must_use]
    pub fn stream_id(&self) -> String {
        Sha256::digest(self.0.as_bytes())
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0xf])
            .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
            .collect()
    }
}

impl SearchTerm {
    /// # Errors
    /// Longer than 255 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 0, 255).map(|text| Self(NameKey::of(text)))
    }

    /// The key to search for.
    #[must_use]
    pub fn key(&self) -> &NameKey {
        &self.0
    }
}
