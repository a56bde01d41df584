//! What other systems call things.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::limited;
use crate::ValidationError;

/// What another system calls something of ours, such as a payment or a refund, or the key that we asked it with:
/// 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

/// What the carrier calls a shipment: 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackingNumber(String);

impl Reference {
    /// # Errors
    /// Empty, longer than 255 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 1, 255).map(|text| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TrackingNumber {
    /// # Errors
    /// Empty, longer than 255 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 1, 255).map(|text| Self(text.to_owned()))
    }

    /// The text.
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
