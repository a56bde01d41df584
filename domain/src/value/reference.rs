//! References of other systems.

use std::fmt;

use sagas::OperationKey;
use serde::{Deserialize, Serialize};

use super::text::limited;
use crate::ValidationError;

/// Another system's reference, such as the id of a payment or a refund, or the idempotency key that it was called with: 1
/// to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

/// The carrier's reference of a shipment: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackingNumber(String);

impl Reference {
    /// # Errors
    /// Empty, longer than 255 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 1, 255).map(|text| Self(text.to_owned()))
    }

    /// A reference from another system; none if it breaks the rules.
    #[must_use]
    pub fn if_valid(text: &str) -> Option<Self> {
        Self::parse("reference", text).ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of a step, stored in an event so that the step can be undone later.
impl From<&OperationKey> for Reference {
    fn from(key: &OperationKey) -> Self {
        Self(key.as_str().to_owned())
    }
}

impl From<&Reference> for OperationKey {
    fn from(stored: &Reference) -> Self {
        Self::from_stored(stored.as_str())
    }
}

impl TrackingNumber {
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

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TrackingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
