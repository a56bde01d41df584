//! The name of an action, the same for all its tries.

use std::fmt;

/// The longest key.
const MAX_CHARACTERS: usize = 200;

/// An idempotency key: 1 to 200 printable ASCII characters without spaces, so that it fits in any provider's header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idempotency key must be 1 to {MAX_CHARACTERS} printable ASCII characters without spaces, got {characters}"
)]
pub struct InvalidKey {
    /// How many characters were given.
    characters: usize,
}

impl Key {
    /// Takes a key as it is.
    ///
    /// # Errors
    /// It is empty, too long, or holds another character.
    pub fn try_new(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = text.into();
        let fits = (1..=MAX_CHARACTERS).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(InvalidKey {
                characters: text.chars().count(),
            })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
