//! What another company does for an order, and whether it was undone.

use serde::{Deserialize, Serialize};

use crate::value::Reference;

/// A deal with a provider. The key that it was made under tells a repeated answer from a second deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deal<T> {
    /// Nothing is known to have happened.
    #[default]
    None,
    /// It holds.
    Made {
        /// What the provider was asked with.
        key: Reference,
        /// What it gave.
        what: T,
    },
    /// It was undone.
    Undone {
        /// What the provider had been asked with, if that was heard before the undo.
        key: Option<Reference>,
    },
}

/// What an answer under some key is to a deal.
pub(super) enum Answer {
    News,
    Repeat,
    Second,
}

impl<T> Deal<T> {
    /// What the provider gave, if it still holds.
    #[must_use]
    pub fn made(&self) -> Option<&T> {
        match self {
            Self::Made { what, .. } => Some(what),
            Self::None | Self::Undone { .. } => None,
        }
    }

    /// What it was made under, if it still holds.
    #[must_use]
    pub fn key(&self) -> Option<&Reference> {
        match self {
            Self::Made { key, .. } => Some(key),
            Self::None | Self::Undone { .. } => None,
        }
    }

    /// Whether the deal is known to be undone.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        matches!(self, Self::Undone { .. })
    }

    pub(super) fn answer(&self, heard: &Reference) -> Answer {
        match self {
            Self::Made { key, .. } if key == heard => Answer::Repeat,
            Self::Made { .. } => Answer::Second,
            Self::Undone { key: Some(key) } if key == heard => Answer::Repeat,
            Self::None | Self::Undone { .. } => Answer::News,
        }
    }

    pub(super) fn undo(&mut self) {
        let key = match std::mem::take(self) {
            Self::Made { key, .. } => Some(key),
            Self::Undone { key } => key,
            Self::None => None,
        };
        *self = Self::Undone { key };
    }
}
