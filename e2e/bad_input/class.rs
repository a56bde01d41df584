//! The classes of bad input.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error};
use serde::Deserialize;

/// What can be wrong with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Class(usize);

const NAMES: [&str; 24] = [
    "missing",
    "null",
    "empty",
    "wrong type",
    "too long",
    "too small",
    "too large",
    // NaN, exponents, signs, more decimals than there may be.
    "number form",
    "not UTF-8",
    "control character",
    // Half of a character in UTF-16.
    "lone surrogate",
    "unknown name",
    "twice",
    "wrong case",
    "whitespace",
    // Text with a meaning in SQL, HTML, templates, paths or headers.
    "injection",
    "truncated",
    // Of the media type, the compression, base64 or percent signs.
    "wrong encoding",
    "unknown value",
    // An id of another type or owner, or of nothing.
    "wrong reference",
    "nesting",
    "too many",
    // What the protocol or the state does not allow here or now.
    "wrong place",
    // Altered, signed by another, expired.
    "forged",
];

impl Class {
    pub fn all() -> impl Iterator<Item = Self> {
        (0..NAMES.len()).map(Self)
    }
}

impl FromStr for Class {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let place = NAMES.iter().position(|name| *name == text);
        let place = place.with_context(|| format!("{text:?} is no class of input"));
        place.map(Self)
    }
}

impl TryFrom<String> for Class {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(NAMES[self.0])
    }
}
