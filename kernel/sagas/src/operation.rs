//! An action at a provider: its key, how a call of it fails, its status, and the result of its compensation.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest key that a provider must accept.
const MAX_KEY_CHARACTERS: usize = 200;
/// The longest reason that is stored and shown.
const MAX_REASON_CHARACTERS: usize = 200;

/// The idempotency key of one action at a provider, the same for all tries: saga, step and epoch. The epoch is incremented
/// only when an operator asks for another try after the provider has declined under the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationKey(String);

impl OperationKey {
    /// The key of a step.
    #[must_use]
    pub fn new(saga_id: &str, step: &str, epoch: u32) -> Self {
        Self(format!("{saga_id}/{step}/{epoch}"))
    }

    /// Parses a key.
    ///
    /// # Errors
    /// [`InvalidKey`], as with [`Self::validate`].
    pub fn try_new(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let key = Self(text.into());
        key.validate().map(|()| key)
    }

    /// A key as an event of the domain stores it, without validation. It is validated before a provider is called with it.
    #[must_use]
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Checks that every provider can accept it: 1 to 200 printable ASCII characters without spaces, which fit in any HTTP
    /// header. A key made from an arbitrary saga id may fail.
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

    /// The key as it is sent to the provider.
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

/// A key that some providers would not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idempotency key must be 1 to {MAX_KEY_CHARACTERS} printable ASCII characters without spaces, got {characters}"
)]
pub struct InvalidKey {
    /// How many characters it has.
    characters: usize,
}

/// Upper limit of a provider's `retry_after`.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How a call failed. Reasons are stored and shown to operators and clients, so they must not contain secrets. The
/// constructors shorten them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It had no effect, and never will under this key.
    #[error("{0}")]
    Declined(String),
    /// It had no effect; a retry may succeed.
    #[error("{reason}")]
    Transient {
        /// Why.
        reason: String,
        /// The minimum pause before the next try, if the provider asked for one.
        retry_after: Option<Duration>,
    },
    /// The outcome is unknown: the call may or may not have taken effect.
    #[error("{reason}")]
    Unknown {
        /// Why.
        reason: String,
        /// As with [`CallError::Transient`]: a look-up may be rate limited as well.
        retry_after: Option<Duration>,
    },
}

impl CallError {
    /// It had no effect, and never will under this key.
    #[must_use]
    pub fn declined(reason: impl AsRef<str>) -> Self {
        Self::Declined(readable(reason.as_ref()))
    }

    /// It had no effect; it is retried according to the step's [`RetryPolicy`](crate::RetryPolicy).
    #[must_use]
    pub fn transient(reason: impl AsRef<str>) -> Self {
        let (reason, retry_after) = (readable(reason.as_ref()), None);
        Self::Transient {
            reason,
            retry_after,
        }
    }

    /// The outcome is unknown: the provider is asked before another try.
    #[must_use]
    pub fn unknown(reason: impl AsRef<str>) -> Self {
        let (reason, retry_after) = (readable(reason.as_ref()), None);
        Self::Unknown {
            reason,
            retry_after,
        }
    }

    /// Why the call failed.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Declined(reason)
            | Self::Transient { reason, .. }
            | Self::Unknown { reason, .. } => reason,
        }
    }

    /// Sets the minimum pause before the next try, as the provider asked for. The engine limits it to [`MAX_RETRY_AFTER`]. No
    /// effect on [`CallError::Declined`], which is not retried.
    #[must_use]
    pub fn with_retry_after(mut self, asked: Option<Duration>) -> Self {
        match &mut self {
            Self::Declined(_) => {}
            Self::Transient { retry_after, .. } | Self::Unknown { retry_after, .. } => {
                *retry_after = asked;
            }
        }
        self
    }

    /// The minimum pause before the next try, if the provider asked for one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Declined(_) => None,
            Self::Transient { retry_after, .. } | Self::Unknown { retry_after, .. } => *retry_after,
        }
    }
}

/// No provider is called with an invalid key, so nothing can take effect under it.
impl From<InvalidKey> for CallError {
    fn from(error: InvalidKey) -> Self {
        Self::declined(error.to_string())
    }
}

/// Shortens a provider's text for events and log lines: one line of at most 200 characters, without control characters.
#[must_use]
pub fn readable(text: &str) -> String {
    let parts: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|part| !part.is_empty())
        .collect();
    parts
        .join(" ")
        .chars()
        .take(MAX_REASON_CHARACTERS)
        .collect()
}

/// The status of an action, by its key, as a provider reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationStatus<T> {
    /// The action took effect.
    Done(T),
    /// The provider has received it and has not finished.
    Pending,
    /// Unknown to the provider; it may still arrive.
    Absent,
    /// The provider declined it.
    Declined(String),
    /// It was undone, and the key is closed.
    Compensated,
}

impl<T> OperationStatus<T> {
    /// Converts the response.
    ///
    /// # Errors
    /// The error of `done`.
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

/// The result of a compensation. Stored without `key_closed`, since it is recorded only once the key is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompensationResult {
    /// Whether the action had taken effect, also if an earlier compensation has undone it.
    pub had_effect: bool,
    /// The provider's reference of the compensation, such as a refund's id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether the provider rejects the action from now on. If not, the compensation is repeated later.
    #[serde(skip, default = "closed")]
    pub key_closed: bool,
}

fn closed() -> bool {
    true
}

impl CompensationResult {
    /// There was nothing to undo, and the key is closed.
    pub const NOTHING: Self = Self {
        had_effect: false,
        reference: None,
        key_closed: true,
    };

    /// Why a compensation of an action that took effect has failed, if the provider found nothing to undo. It is
    /// retried, and then suspends the saga: whether the effect remains is for an operator to find out.
    pub(super) const UNKNOWN_ACTION: &'static str = "the provider does not know this action, which took effect: it is another provider, or it has lost its records";
}
