//! The products of a category. The stream is appended without an expected version, so that products of one category do
//! not conflict; only the deletion of the category requires that the stream has not changed.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::error::{Conflict, DomainError};
use crate::value::EntityId;

/// An event of a category's set of products. Its stream's id is the category's.
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
    pub product_id: EntityId,
}

impl MembershipEvent {
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

/// The number of products of a category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    count: u64,
}

impl Membership {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Checks that the category may be deleted.
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
