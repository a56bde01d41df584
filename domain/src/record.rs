//! Entities that are created once, change, and are deleted: categories and products.

use chrono::{DateTime, Utc};
use event_sourcing::Version;
use serde::{Deserialize, Serialize};

use crate::error::{Conflict, DomainError, Entity};
use crate::value::EntityId;

/// The state of an entity, folded from its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<T> {
    version: Version,
    lifecycle: Lifecycle<T>,
}

/// The values of a [`Record`].
pub trait Values {
    /// The kind of entity, for errors.
    const ENTITY: Entity;

    /// Sets the time of the last event.
    fn set_updated_at(&mut self, at: DateTime<Utc>);
}

/// A deleted entity stays deleted: its id is never reused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifecycle<T> {
    /// Before the first event.
    #[default]
    NotCreated,
    /// With its current values.
    Active(T),
    /// With its last values.
    Deleted(T),
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self {
            version: Version::NONE,
            lifecycle: Lifecycle::NotCreated,
        }
    }
}

impl<T: Values> Record<T> {
    /// The version of its stream: its number of events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle<T> {
        &self.lifecycle
    }

    /// The values, if it is active. `id` is for the error.
    ///
    /// # Errors
    /// `NotFound` if it never existed or is deleted.
    pub fn existing(&self, id: &EntityId) -> Result<&T, DomainError> {
        let values = self.lifecycle.active();
        values.ok_or_else(|| DomainError::not_found(T::ENTITY, id))
    }

    /// As [`Self::existing`], and checks the version, if the client expects one.
    pub(crate) fn existing_at(
        &self,
        id: &EntityId,
        expected: Option<Version>,
    ) -> Result<&T, DomainError> {
        let values = self.existing(id)?;
        match expected {
            Some(expected) if expected != self.version => {
                Err(DomainError::Conflict(Conflict::Version {
                    entity: T::ENTITY,
                    id: id.clone(),
                    expected,
                    actual: self.version,
                }))
            }
            Some(_) | None => Ok(values),
        }
    }

    /// Rejects an id that is or was in use.
    pub(crate) fn require_new(&self, id: &EntityId) -> Result<(), DomainError> {
        DomainError::require_new(self.version, T::ENTITY, id)
    }

    pub(crate) fn create(&mut self, values: T) {
        self.version = self.version.next();
        self.lifecycle = Lifecycle::Active(values);
    }

    pub(crate) fn change(&mut self, at: DateTime<Utc>, change: impl FnOnce(&mut T)) {
        self.version = self.version.next();
        if let Lifecycle::Active(values) = &mut self.lifecycle {
            change(values);
            values.set_updated_at(at);
        }
    }

    pub(crate) fn delete(&mut self, at: DateTime<Utc>) {
        self.change(at, |_| {});
        self.lifecycle.end();
    }
}

impl<T> Lifecycle<T> {
    /// The values, if it is active.
    #[must_use]
    pub fn active(&self) -> Option<&T> {
        match self {
            Self::Active(values) => Some(values),
            Self::NotCreated | Self::Deleted(_) => None,
        }
    }

    /// The current or last values, unless it was never created.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        match self {
            Self::Active(values) | Self::Deleted(values) => Some(values),
            Self::NotCreated => None,
        }
    }

    /// Changes the current or last values.
    pub(crate) fn change_last(&mut self, change: impl FnOnce(&mut T)) {
        match self {
            Self::Active(values) | Self::Deleted(values) => change(values),
            Self::NotCreated => {}
        }
    }

    pub(crate) fn end(&mut self) {
        *self = match std::mem::replace(self, Self::NotCreated) {
            Self::Active(values) | Self::Deleted(values) => Self::Deleted(values),
            Self::NotCreated => Self::NotCreated,
        };
    }
}
