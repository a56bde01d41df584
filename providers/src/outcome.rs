//! What a provider answers, and what is known when it does not.

use std::time::Duration;

/// The longest reason that is passed on.
const MAX_REASON_CHARACTERS: usize = 200;

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<T> {
    /// It was done, and holds.
    Done(T),
    /// Nothing has been seen under the key. It may still arrive.
    Absent,
    /// It was refused for good.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// It was undone, or its undo came first: the key is closed.
    Undone,
    /// The provider is at it.
    Pending,
}

impl<T> Standing<T> {
    /// The same, with `done` in other words.
    pub fn map<U>(self, done: impl FnOnce(T) -> U) -> Standing<U> {
        match self {
            Self::Done(value) => Standing::Done(done(value)),
            Self::Absent => Standing::Absent,
            Self::Refused { reason } => Standing::Refused { reason },
            Self::Undone => Standing::Undone,
            Self::Pending => Standing::Pending,
        }
    }
}

/// An undo that succeeded: nothing holds under the key, and nothing will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Whether there was anything to reverse.
    pub happened: bool,
    /// What the provider calls the reversal, such as a refund's id.
    pub reference: Option<String>,
}

impl Undone {
    /// There was nothing to reverse.
    pub const NOTHING: Self = Self {
        happened: false,
        reference: None,
    };
}

/// A call that did not do what was asked. Reasons are for people, short, and without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// For good, and known not to have happened: a declined card, an address that is not served, a closed key.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// For now, and known not to have happened.
    #[error("{reason}")]
    Transient {
        /// Why.
        reason: String,
        /// When the provider wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It may have happened, or may yet: look it up.
    #[error("{reason}")]
    Unknown {
        /// Why.
        reason: String,
        /// When the provider wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl Failure {
    /// Refused for good.
    pub fn refused(reason: impl AsRef<str>) -> Self {
        Self::Refused {
            reason: readable(reason.as_ref()),
        }
    }

    /// Not now.
    pub fn transient(reason: impl AsRef<str>) -> Self {
        Self::Transient {
            reason: readable(reason.as_ref()),
            retry_after: None,
        }
    }

    /// Nobody knows.
    pub fn unknown(reason: impl AsRef<str>) -> Self {
        Self::Unknown {
            reason: readable(reason.as_ref()),
            retry_after: None,
        }
    }

    /// The same, of a call on which more hangs: what it could not tell is now unknown.
    #[must_use]
    pub fn leaving_it_open(self) -> Self {
        match self {
            Self::Transient {
                reason,
                retry_after,
            } => Self::Unknown {
                reason,
                retry_after,
            },
            Self::Refused { reason } => Self::unknown(reason),
            unknown @ Self::Unknown { .. } => unknown,
        }
    }

    /// When the provider wants to be asked again, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Transient { retry_after, .. } | Self::Unknown { retry_after, .. } => *retry_after,
            Self::Refused { .. } => None,
        }
    }

    /// Why, whatever follows from it.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason }
            | Self::Transient { reason, .. }
            | Self::Unknown { reason, .. } => reason,
        }
    }
}

/// A provider's words, cut to what an event and a log line can take: one line, not too long.
pub(super) fn readable(text: &str) -> String {
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
