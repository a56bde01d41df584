//! An action at a provider: its key, how a call of it failed, what became of it, and what undoing it found.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Names one action at a provider, whatever the number of tries: saga, step and epoch. The epoch grows only when a
/// person asks for another try after the provider had refused the key for good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// The key of a step.
    #[must_use]
    pub fn new(saga_id: &str, step: &str, epoch: u32) -> Self {
        Self(format!("{saga_id}/{step}/{epoch}"))
    }

    /// As the provider gets it.
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

/// The longest time for which a provider's wish to be left alone counts.
pub const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A call that did not succeed. The reasons are stored and shown: short, for people, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It did not happen, and never will under this key.
    #[error("{0}")]
    Refused(String),
    /// It did not happen this time.
    #[error("{reason}")]
    NotDone {
        /// Why.
        reason: String,
        /// How long the provider wants to be left alone, if it said so.
        wait: Option<Duration>,
    },
    /// Nobody knows.
    #[error("{reason}")]
    Unknown {
        /// Why.
        reason: String,
        /// As with [`Failure::NotDone`]: a look-up may be turned away as well.
        wait: Option<Duration>,
    },
}

impl Failure {
    /// It did not happen this time; it may be tried again when the step's table says.
    #[must_use]
    pub fn not_done(reason: impl Into<String>) -> Self {
        let (reason, wait) = (reason.into(), None);
        Self::NotDone { reason, wait }
    }

    /// Nobody knows.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        let (reason, wait) = (reason.into(), None);
        Self::Unknown { reason, wait }
    }

    /// The same with the time for which the provider wants to be left alone: the step is not tried again before. More
    /// than [`LONGEST_WAIT`] counts as that. What was refused for good is not tried again anyway.
    #[must_use]
    pub fn not_before(mut self, asked: Option<Duration>) -> Self {
        match &mut self {
            Self::Refused(_) => {}
            Self::NotDone { wait, .. } | Self::Unknown { wait, .. } => *wait = asked,
        }
        self
    }

    /// How long the provider wants to be left alone.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused(_) => None,
            Self::NotDone { wait, .. } | Self::Unknown { wait, .. } => *wait,
        }
    }
}

/// What a provider knows about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<T> {
    /// The action took effect.
    Done(T),
    /// The provider has it and has not finished.
    Pending,
    /// Never seen; it may still arrive.
    Absent,
    /// The provider said no.
    Refused(String),
    /// It was undone, and the key is closed.
    Undone,
}

/// What undoing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Whether the action had taken effect, now or before an earlier undoing.
    pub happened: bool,
    /// What the provider calls the undoing, if it has a name for it.
    pub reference: Option<String>,
    /// Whether the provider will refuse the action from now on. If it cannot, it is asked again later.
    pub closed: bool,
}
