//! An action at a provider: its key, how a call of it failed, what became of it, and what undoing it found.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest key that a provider must take.
const MAX_KEY_CHARACTERS: usize = 200;
/// The longest reason that is stored and shown.
const MAX_REASON_CHARACTERS: usize = 200;

/// Names one action at a provider, whatever the number of tries: saga, step and epoch. The epoch grows only when a
/// person asks for another try after the provider had refused the key for good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationKey(String);

impl OperationKey {
    /// The key of a step.
    #[must_use]
    pub fn new(saga_id: &str, step: &str, epoch: u32) -> Self {
        Self(format!("{saga_id}/{step}/{epoch}"))
    }

    /// A text that is a key already.
    ///
    /// # Errors
    /// [`InvalidKey`], as with [`Self::validate`].
    pub fn try_new(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = Self(text.into());
        key.validate().map(|()| key)
    }

    /// A key as an event of the domain keeps it. It is validated before a provider is asked under it.
    #[must_use]
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether every provider can take it: 1 to 200 printable ASCII characters without spaces fit in any header. A key
    /// made of a saga's id need not.
    ///
    /// # Errors
    /// [`InvalidKey`] if it is empty, too long, or holds another character.
    pub fn validate(&self) -> Result<(), InvalidKey> {
        let fits = (1..=MAX_KEY_CHARACTERS).contains(&self.0.len());
        if fits && self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        Err(InvalidKey {
            characters: self.0.chars().count(),
        })
    }

    /// As the provider gets it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that some provider could not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idempotency key must be 1 to {MAX_KEY_CHARACTERS} printable ASCII characters without spaces, got {characters}"
)]
pub struct InvalidKey {
    /// How many characters it has.
    characters: usize,
}

/// The longest time for which a provider's wish to be left alone counts.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A call that did not succeed. The reasons are stored and shown: short, for people, without secrets. The functions that
/// make a failure see to the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It did not happen, and never will under this key.
    #[error("{0}")]
    Declined(String),
    /// It did not happen this time.
    #[error("{reason}")]
    Transient {
        /// Why.
        reason: String,
        /// How long the provider wants to be left alone, if it said so.
        retry_after: Option<Duration>,
    },
    /// Nobody knows.
    #[error("{reason}")]
    Unknown {
        /// Why.
        reason: String,
        /// As with [`CallError::Transient`]: a look-up may be turned away as well.
        retry_after: Option<Duration>,
    },
}

impl CallError {
    /// It did not happen, and never will under this key.
    #[must_use]
    pub fn declined(reason: impl AsRef<str>) -> Self {
        Self::Declined(readable(reason.as_ref()))
    }

    /// It did not happen this time; it may be tried again when the step's table says.
    #[must_use]
    pub fn transient(reason: impl AsRef<str>) -> Self {
        let (reason, wait) = (readable(reason.as_ref()), None);
        Self::Transient {
            reason,
            retry_after: wait,
        }
    }

    /// Nobody knows.
    #[must_use]
    pub fn unknown(reason: impl AsRef<str>) -> Self {
        let (reason, wait) = (readable(reason.as_ref()), None);
        Self::Unknown {
            reason,
            retry_after: wait,
        }
    }

    /// Why, whatever follows from it.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Declined(reason)
            | Self::Transient { reason, .. }
            | Self::Unknown { reason, .. } => reason,
        }
    }

    /// The same with the time for which the provider wants to be left alone: the step is not tried again before. More
    /// than [`MAX_RETRY_AFTER`] counts as that. What was refused for good is not tried again anyway.
    #[must_use]
    pub fn with_retry_after(mut self, asked: Option<Duration>) -> Self {
        match &mut self {
            Self::Declined(_) => {}
            Self::Transient {
                retry_after: wait, ..
            }
            | Self::Unknown {
                retry_after: wait, ..
            } => *wait = asked,
        }
        self
    }

    /// How long the provider wants to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Declined(_) => None,
            Self::Transient {
                retry_after: wait, ..
            }
            | Self::Unknown {
                retry_after: wait, ..
            } => *wait,
        }
    }
}

/// No provider is asked under such a key, so nothing happens under it.
impl From<InvalidKey> for CallError {
    fn from(error: InvalidKey) -> Self {
        Self::declined(error.to_string())
    }
}

/// A provider's words, cut to what an event and a log line can take: one line, not too long.
#[must_use]
pub fn readable(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words
        .join(" ")
        .chars()
        .take(MAX_REASON_CHARACTERS)
        .collect()
}

/// What a provider knows about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationStatus<T> {
    /// The action took effect.
    Done(T),
    /// The provider has it and has not finished.
    Pending,
    /// Never seen; it may still arrive.
    Absent,
    /// The provider said no.
    Declined(String),
    /// It was undone, and the key is closed.
    Compensated,
}

impl<T> OperationStatus<T> {
    /// The same, with what was done in other words.
    ///
    /// # Errors
    /// That of `done`.
    pub fn try_map<U, E>(
        self,
        done: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<OperationStatus<U>, E> {
        Ok(match self {
            Self::Done(value) => OperationStatus::Done(done(value)?),
            Self::Pending => OperationStatus::Pending,
            Self::Absent => OperationStatus::Absent,
            Self::Declined(reason) => OperationStatus::Declined(reason),
            Self::Compensated => OperationStatus::Compensated,
        })
    }
}

/// What undoing found. What is stored of it is what it found, not whether the key is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompensationResult {
    /// Whether the action had taken effect, now or before an earlier undoing.
    pub had_effect: bool,
    /// What the provider calls the undoing, if it has a name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether the provider will refuse the action from now on. If it cannot, it is asked again later.
    #[serde(skip, default = "closed")]
    pub key_closed: bool,
}

fn closed() -> bool {
    true
}

impl CompensationResult {
    /// There was nothing to reverse, and the key is closed.
    pub const NOTHING: Self = Self {
        had_effect: false,
        reference: None,
        key_closed: true,
    };
}
