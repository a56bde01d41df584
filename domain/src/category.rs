//! Categories. A category's name is also a claim ([`crate::category_name`]), and its products are counted by its
//! membership stream ([`crate::category_membership`]); deciding over all of them is the command side's.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent, Version};
use serde::{Deserialize, Serialize};

use crate::error::{Conflict, DomainError, Entity};
use crate::life::Life;
use crate::validation::ValidationError;
use crate::value::{CategoryName, Description, EntityId, NameKey, Patch};

/// What happens to a category.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum CategoryEvent {
    /// Its first event.
    #[event(name = "CategoryCreated")]
    Created(CategoryCreated),
    /// Another name or description.
    #[event(name = "CategoryUpdated")]
    Updated(CategoryUpdated),
    /// Its last event.
    #[event(name = "CategoryDeleted")]
    Deleted(CategoryDeleted),
}

/// `CategoryCreated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryCreated {
    /// Its id.
    pub category_id: EntityId,
    /// Its name.
    pub name: CategoryName,
    /// Its description.
    pub description: Option<Description>,
}

/// `CategoryUpdated`: all values behind the update, changed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryUpdated {
    /// Its id.
    pub category_id: EntityId,
    /// Its name from now on.
    pub name: CategoryName,
    /// Its description from now on.
    pub description: Option<Description>,
}

/// `CategoryDeleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryDeleted {
    /// Its id.
    pub category_id: EntityId,
}

/// A category as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    version: Version,
    life: Life<CategoryValues>,
}

/// What a category has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryValues {
    /// Its id.
    pub id: EntityId,
    /// Its name.
    pub name: CategoryName,
    /// Its description.
    pub description: Option<Description>,
    /// The time of its first event.
    pub created_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
}

/// Makes a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateCategory {
    /// Its id, never used before.
    pub id: EntityId,
    /// Its name.
    pub name: CategoryName,
    /// Its description.
    pub description: Option<Description>,
}

/// Changes a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateCategory {
    /// Its id.
    pub id: EntityId,
    /// Another name, or nothing to keep it.
    pub name: Option<CategoryName>,
    /// What to do with the description.
    pub description: Patch<Description>,
    /// The version that the client has seen, if it cares.
    pub expected_version: Option<Version>,
}

impl Category {
    /// How many events it has.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether it is there, and its values.
    #[must_use]
    pub fn life(&self) -> &Life<CategoryValues> {
        &self.life
    }

    /// The values of the category that the client calls `id`.
    ///
    /// # Errors
    /// `NotFound` if it never was or is deleted.
    pub fn existing(&self, id: &EntityId) -> Result<&CategoryValues, DomainError> {
        self.life.alive().ok_or_else(|| DomainError::NotFound {
            entity: Entity::Category,
            id: id.clone(),
        })
    }

    /// Decides on [`CreateCategory`].
    ///
    /// # Errors
    /// `IdTaken`.
    pub fn create(&self, command: &CreateCategory) -> Result<Vec<CategoryEvent>, DomainError> {
        if self.version != Version::NONE {
            return Err(DomainError::Conflict(Conflict::IdTaken {
                entity: Entity::Category,
                id: command.id.clone(),
            }));
        }
        Ok(vec![CategoryEvent::Created(CategoryCreated {
            category_id: command.id.clone(),
            name: command.name.clone(),
            description: command.description.clone(),
        })])
    }

    /// Decides on [`UpdateCategory`]. No events if nothing changes.
    ///
    /// # Errors
    /// `NotFound`, or `Version` if the client has seen another one.
    pub fn update(&self, command: &UpdateCategory) -> Result<Vec<CategoryEvent>, DomainError> {
        let old = self.existing(&command.id)?;
        if let Some(expected) = command.expected_version
            && expected != self.version
        {
            return Err(DomainError::Conflict(Conflict::Version {
                entity: Entity::Category,
                id: command.id.clone(),
                expected,
                actual: self.version,
            }));
        }
        let name = command.name.clone().unwrap_or_else(|| old.name.clone());
        let description = command.description.apply(old.description.as_ref());
        if name == old.name && description == old.description {
            return Ok(Vec::new());
        }
        Ok(vec![CategoryEvent::Updated(CategoryUpdated {
            category_id: old.id.clone(),
            name,
            description,
        })])
    }

    /// The claims that [`UpdateCategory`] moves: the old name key and the new one. Nothing if both are the same.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn moved_key(
        &self,
        command: &UpdateCategory,
    ) -> Result<Option<(NameKey, NameKey)>, DomainError> {
        let old = self.existing(&command.id)?.name.key();
        let new = command.name.as_ref().map(CategoryName::key);
        Ok(new.filter(|new| *new != old).map(|new| (old, new)))
    }

    /// Decides on the deletion. That no product belongs to it is the membership's to say.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: &EntityId) -> Result<Vec<CategoryEvent>, DomainError> {
        let old = self.existing(id)?;
        Ok(vec![CategoryEvent::Deleted(CategoryDeleted {
            category_id: old.id.clone(),
        })])
    }

    /// Whether a product may be put into it.
    ///
    /// # Errors
    /// `Validation` on `categoryId` if it never was or is deleted.
    pub fn accept_product(&self, id: &EntityId) -> Result<(), DomainError> {
        match self.life.alive() {
            Some(_) => Ok(()),
            None => Err(DomainError::from(ValidationError {
                field: "categoryId".to_owned(),
                message: format!("categoryId must name an existing category, got \"{id}\""),
            })),
        }
    }
}

impl Aggregate for Category {
    const TYPE: &'static str = "category";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = CategoryEvent;

    fn evolve(&mut self, event: &CategoryEvent, at: DateTime<Utc>) {
        self.version = self.version.next();
        match event {
            CategoryEvent::Created(data) => {
                self.life = Life::Alive(CategoryValues {
                    id: data.category_id.clone(),
                    name: data.name.clone(),
                    description: data.description.clone(),
                    created_at: at,
                    updated_at: at,
                });
            }
            CategoryEvent::Updated(data) => self.life.change(|category| {
                category.name = data.name.clone();
                category.description.clone_from(&data.description);
                category.updated_at = at;
            }),
            CategoryEvent::Deleted(_) => {
                self.life.change(|category| category.updated_at = at);
                self.life.end();
            }
        }
    }
}
