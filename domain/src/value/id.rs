//! Ids.

use std::fmt;

use event_sourcing::quoted;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::{invalid, limited};
use crate::ValidationError;

const MAX_ENTITY_ID: usize = 64;

/// The id of a category, a product, an order or a saga: 1 to 64 letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(String);

/// The id of a customer, in any format of the identity provider: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

impl EntityId {
    /// # Errors
    /// Empty, longer than 64 characters, or with another character.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > MAX_ENTITY_ID || !text.chars().all(allowed) {
            let rule = format!(
                "be 1 to {MAX_ENTITY_ID} letters, digits, '-', '_' or '.', got {}",
                quoted(text)
            );
            return Err(invalid(field, &rule));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for EntityId {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl UserId {
    /// # Errors
    /// Empty, longer than 255 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 1, 255).map(|text| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
