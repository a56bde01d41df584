//! A category's state.

use chrono::{DateTime, Utc};
use event_sourcing::Aggregate;
use serde::{Deserialize, Serialize};

use super::event::CategoryEvent;
use crate::error::{DomainError, Entity};
use crate::record::{Record, Values};
use crate::value::{CategoryName, Description, EntityId, invalid};

/// The state of a category.
pub type Category = Record<CategoryValues>;

/// The values of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryValues {
    pub id: EntityId,
    pub name: CategoryName,
    pub description: Option<Description>,
    /// The time of its first event.
    pub created_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
}

impl Values for CategoryValues {
    const ENTITY: Entity = Entity::Category;

    fn set_updated_at(&mut self, at: DateTime<Utc>) {
        self.updated_at = at;
    }
}

impl Category {
    /// Checks that a product may be added to it.
    ///
    /// # Errors
    /// `Validation` on `categoryId` if it never existed or is deleted.
    pub fn accept_product(&self, id: &EntityId) -> Result<(), DomainError> {
        if self.lifecycle().active().is_some() {
            return Ok(());
        }
        let rule = format!("name an existing category, got \"{id}\"");
        Err(invalid("categoryId", &rule).into())
    }
}

impl Aggregate for Category {
    const TYPE: &'static str = "category";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = CategoryEvent;

    fn evolve(&mut self, event: &CategoryEvent, at: DateTime<Utc>) {
        match event {
            CategoryEvent::Created(data) => self.create(CategoryValues {
                id: data.category_id.clone(),
                name: data.name.clone(),
                description: data.description.clone(),
                created_at: at,
                updated_at: at,
            }),
            CategoryEvent::Updated(data) => self.change(at, |category| {
                category.name = data.name.clone();
                category.description.clone_from(&data.description);
            }),
            CategoryEvent::Deleted(_) => self.delete(at),
        }
    }
}
