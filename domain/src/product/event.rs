//! The events of a product's stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{Description, EntityId, Price, ProductName, Reason};

/// What happens to a product.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum ProductEvent {
    /// Its first event.
    #[event(name = "ProductCreated")]
    Created(ProductCreated),
    /// Other values.
    #[event(name = "ProductUpdated")]
    Updated(ProductUpdated),
    /// A note for audit beside [`Self::Updated`], which alone changes the price.
    #[event(name = "ProductPriceChanged")]
    PriceChanged(ProductPriceChanged),
    /// Its last event.
    #[event(name = "ProductDeleted")]
    Deleted(ProductDeleted),
}

/// `ProductCreated`. Its stock is told by a `StockUpdated` in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductCreated {
    /// Its id.
    pub product_id: EntityId,
    /// Its name.
    pub name: ProductName,
    /// Its description.
    pub description: Option<Description>,
    /// Its price.
    #[serde(rename = "price_cents")]
    pub price: Price,
    /// Its category.
    pub category_id: Option<EntityId>,
}

/// `ProductUpdated`: all values behind the update, changed or not, and the category before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductUpdated {
    /// Its id.
    pub product_id: EntityId,
    /// Its name from now on.
    pub name: ProductName,
    /// Its description from now on.
    pub description: Option<Description>,
    /// Its price from now on.
    #[serde(rename = "price_cents")]
    pub price: Price,
    /// Its category from now on.
    pub category_id: Option<EntityId>,
    /// Its category until now; it moved if that is another one.
    pub previous_category_id: Option<EntityId>,
}

/// `ProductPriceChanged`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductPriceChanged {
    /// The product.
    pub product_id: EntityId,
    /// The price until now.
    #[serde(rename = "old_price_cents")]
    pub old_price: Price,
    /// The price from now on.
    #[serde(rename = "new_price_cents")]
    pub new_price: Price,
    /// Why, if somebody said so.
    pub reason: Option<Reason>,
}

/// `ProductDeleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDeleted {
    /// Its id.
    pub product_id: EntityId,
    /// The category that it leaves.
    pub category_id: Option<EntityId>,
}
