//! A product's state.

use chrono::{DateTime, Utc};
use event_sourcing::Aggregate;
use serde::{Deserialize, Serialize};

use super::event::{ProductEvent, ProductPriceChanged, ProductUpdated};
use crate::error::Entity;
use crate::record::{Record, Values};
use crate::value::{Description, EntityId, Price, ProductName, Reason};

/// The state of a product.
pub type Product = Record<ProductValues>;

/// The values of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductValues {
    pub id: EntityId,
    pub name: ProductName,
    pub description: Option<Description>,
    pub price: Price,
    pub category_id: Option<EntityId>,
    /// The time of its first event.
    pub created_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
}

impl Values for ProductValues {
    const ENTITY: Entity = Entity::Product;

    fn set_updated_at(&mut self, at: DateTime<Utc>) {
        self.updated_at = at;
    }
}

impl ProductValues {
    /// An update that changes nothing.
    pub(super) fn unchanged(&self) -> ProductUpdated {
        ProductUpdated {
            product_id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            price: self.price,
            category_id: self.category_id.clone(),
            previous_category_id: self.category_id.clone(),
        }
    }

    /// The events of an update. A price change of more than 10 %, and each one with a reason, is recorded for audit as well.
    pub(super) fn changed(
        &self,
        updated: ProductUpdated,
        reason: Option<Reason>,
    ) -> Vec<ProductEvent> {
        if updated == self.unchanged() {
            return Vec::new();
        }
        let price = updated.price;
        let mut events = vec![ProductEvent::Updated(updated)];
        if price != self.price && (reason.is_some() || self.price.changes_much(price)) {
            let noted = ProductPriceChanged::new(&self.id, self.price, price, reason);
            events.push(ProductEvent::PriceChanged(noted));
        }
        events
    }
}

impl Aggregate for Product {
    const TYPE: &'static str = "product";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = ProductEvent;

    fn evolve(&mut self, event: &ProductEvent, at: DateTime<Utc>) {
        match event {
            ProductEvent::Created(data) => self.create(ProductValues {
                id: data.product_id.clone(),
                name: data.name.clone(),
                description: data.description.clone(),
                price: data.price,
                category_id: data.category_id.clone(),
                created_at: at,
                updated_at: at,
            }),
            ProductEvent::Updated(data) => self.change(at, |product| {
                product.name = data.name.clone();
                product.description.clone_from(&data.description);
                product.price = data.price;
                product.category_id.clone_from(&data.category_id);
            }),
            ProductEvent::PriceChanged(_) => self.change(at, |_| {}),
            ProductEvent::Deleted(_) => self.delete(at),
        }
    }
}
