//! The three parts of an aggregate's life.

use serde::{Deserialize, Serialize};

/// Nothing yet, there, or gone. What is gone stays gone: its id is not given again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life<T> {
    /// Before the first event.
    #[default]
    Unborn,
    /// There, with its present values.
    Alive(T),
    /// Deleted, with its last values.
    Gone(T),
}

impl<T> Life<T> {
    /// The values, if it is there.
    #[must_use]
    pub fn alive(&self) -> Option<&T> {
        match self {
            Self::Alive(values) => Some(values),
            Self::Unborn | Self::Gone(_) => None,
        }
    }

    /// The present or last values, unless it never was.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        match self {
            Self::Alive(values) | Self::Gone(values) => Some(values),
            Self::Unborn => None,
        }
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(&mut T)) {
        match self {
            Self::Alive(values) => change(values),
            Self::Unborn | Self::Gone(_) => {}
        }
    }

    /// Changes the present or the last values.
    pub(crate) fn change_last(&mut self, change: impl FnOnce(&mut T)) {
        match self {
            Self::Alive(values) | Self::Gone(values) => change(values),
            Self::Unborn => {}
        }
    }

    pub(crate) fn end(&mut self) {
        *self = match std::mem::replace(self, Self::Unborn) {
            Self::Alive(values) | Self::Gone(values) => Self::Gone(values),
            Self::Unborn => Self::Unborn,
        };
    }
}
