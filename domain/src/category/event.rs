//! The events of a category's stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{CategoryName, Description, EntityId};

/// What happens to a category.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum CategoryEvent {
    #[event(name = "CategoryCreated")]
    Created(CategoryCreated),
    /// Another name or description.
    #[event(name = "CategoryUpdated")]
    Updated(CategoryUpdated),
    #[event(name = "CategoryDeleted")]
    Deleted(CategoryDeleted),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryCreated {
    pub category_id: EntityId,
    pub name: CategoryName,
    pub description: Option<Description>,
}

/// `CategoryUpdated`: all values after the update, changed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryUpdated {
    pub category_id: EntityId,
    /// Its name from now on.
    pub name: CategoryName,
    /// Its description from now on.
    pub description: Option<Description>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryDeleted {
    pub category_id: EntityId,
}
