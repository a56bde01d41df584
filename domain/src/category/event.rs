//! The events of a category's stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{CategoryName, Description, EntityId};

/// An event of a category.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum CategoryEvent {
    #[event(name = "CategoryCreated")]
    Created(CategoryCreated),
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
    pub name: CategoryName,
    pub description: Option<Description>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryDeleted {
    pub category_id: EntityId,
}
