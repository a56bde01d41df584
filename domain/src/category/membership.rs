//! Which products come into a category and leave it. The stream is written without a requirement, so that products
//! of one category do not wait for each other; only the deletion of the category requires that it stands still.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::error::{Conflict, DomainError};
use crate::value::EntityId;

/// What happens to a category's set of products. Its stream's id is the category's.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum MembershipEvent {
    #[event(name = "CategoryProductAdded")]
    Added(CategoryProduct),
    #[event(name = "CategoryProductRemoved")]
    Removed(CategoryProduct),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryProduct {
    pub category_id: EntityId,
    /// The product that comes or leaves.
    pub product_id: EntityId,
}

impl MembershipEvent {
    /// `product` comes into `category`.
    #[must_use]
    pub fn added(category: &EntityId, product: &EntityId) -> Self {
        Self::Added(CategoryProduct::new(category, product))
    }

    #[must_use]
    pub fn removed(category: &EntityId, product: &EntityId) -> Self {
        Self::Removed(CategoryProduct::new(category, product))
    }
}

impl CategoryProduct {
    fn new(category: &EntityId, product: &EntityId) -> Self {
        Self {
            category_id: category.clone(),
            product_id: product.clone(),
        }
    }
}

/// How many products a category has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    count: u64,
}

impl Membership {
    /// How many products belong to it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the category may be deleted.
    ///
    /// # Errors
    /// `CategoryInUse` if products belong to it.
    pub fn require_empty(&self, category: &EntityId) -> Result<(), DomainError> {
        if self.count == 0 {
            return Ok(());
        }
        Err(DomainError::Conflict(Conflict::CategoryInUse {
            id: category.clone(),
            count: self.count,
        }))
    }
}

impl Aggregate for Membership {
    const TYPE: &'static str = "category_membership";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = MembershipEvent;

    fn evolve(&mut self, event: &MembershipEvent, _at: DateTime<Utc>) {
        self.count = match event {
            MembershipEvent::Added(_) => self.count.saturating_add(1),
            MembershipEvent::Removed(_) => self.count.saturating_sub(1),
        };
    }
}
