//! Text of limited length, counted in Unicode scalar values.

use event_sourcing::quoted;
use serde::{Deserialize, Serialize};

use crate::ValidationError;

/// The description of a product or category: at most 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Description(String);

/// The reason of an action: at most 1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(String);

impl Description {
    /// # Errors
    /// Longer than 1,000 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 0, 1_000).map(|text| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Reason {
    const MAX: usize = 1_000;

    /// # Errors
    /// Longer than 1,000 characters, or with U+0000.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        limited(field, text, 0, Self::MAX).map(|text| Self(text.to_owned()))
    }

    /// A reason from another program, which need not obey the rules: truncated at the limit, and without U+0000.
    #[must_use]
    pub fn shortened(text: &str) -> Self {
        Self(
            text.chars()
                .filter(|c| *c != '\0')
                .take(Self::MAX)
                .collect(),
        )
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `text`, if it has `min` to `max` characters and no U+0000.
pub(super) fn limited<'a>(
    field: &str,
    text: &'a str,
    min: usize,
    max: usize,
) -> Result<&'a str, ValidationError> {
    let length = text.chars().count();
    if length < min || length > max {
        let limit = if min == 0 {
            format!("at most {max}")
        } else {
            format!("{min} to {max}")
        };
        return Err(invalid(
            field,
            &format!("have {limit} characters, got {length}"),
        ));
    }
    if text.contains('\0') {
        return Err(invalid(
            field,
            &format!("not contain U+0000, got {}", quoted(text)),
        ));
    }
    Ok(text)
}

pub(crate) fn invalid(field: &str, rule: &str) -> ValidationError {
    ValidationError {
        field: field.to_owned(),
        message: format!("{field} must {rule}"),
    }
}
