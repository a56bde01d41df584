//! The events of a product's stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value::{Description, EntityId, Money, Price, ProductName, Reason};

/// An event of a product.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum ProductEvent {
    #[event(name = "ProductCreated")]
    Created(ProductCreated),
    #[event(name = "ProductUpdated")]
    Updated(ProductUpdated),
    /// For audit, in addition to [`Self::Updated`], which alone changes the price.
    #[event(name = "ProductPriceChanged", version = 2, upcast = [price_changed_v1_to_v2])]
    PriceChanged(ProductPriceChanged),
    #[event(name = "ProductDeleted")]
    Deleted(ProductDeleted),
}

/// `ProductCreated`. The same commit holds a `StockUpdated` with its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductCreated {
    pub product_id: EntityId,
    pub name: ProductName,
    pub description: Option<Description>,
    #[serde(rename = "price_cents")]
    pub price: Price,
    pub category_id: Option<EntityId>,
}

/// `ProductUpdated`: all values after the update, changed or not, and the category before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductUpdated {
    pub product_id: EntityId,
    pub name: ProductName,
    pub description: Option<Description>,
    #[serde(rename = "price_cents")]
    pub price: Price,
    pub category_id: Option<EntityId>,
    /// Its category before the update.
    pub previous_category_id: Option<EntityId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductPriceChanged {
    pub product_id: EntityId,
    #[serde(rename = "old_price_cents")]
    pub old_price: Price,
    #[serde(rename = "new_price_cents")]
    pub new_price: Price,
    /// The increase; negative for a decrease. Since version 2, so that an audit need not compute it.
    #[serde(rename = "difference_cents")]
    pub difference: Money,
    pub reason: Option<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDeleted {
    pub product_id: EntityId,
    /// The category that it is removed from.
    pub category_id: Option<EntityId>,
}

impl ProductPriceChanged {
    /// The change of a product's price from `old` to `new`.
    #[must_use]
    pub fn new(product_id: &EntityId, old: Price, new: Price, reason: Option<Reason>) -> Self {
        Self {
            product_id: product_id.clone(),
            old_price: old,
            new_price: new,
            difference: Money::from_cents(new.cents() - old.cents()),
            reason,
        }
    }
}

fn price_changed_v1_to_v2(mut old: Value) -> Value {
    let cents = |name: &str| old.get(name).and_then(Value::as_i64);
    let difference = cents("new_price_cents")
        .zip(cents("old_price_cents"))
        .and_then(|(new, old)| new.checked_sub(old));
    if let (Some(data), Some(difference)) = (old.as_object_mut(), difference) {
        data.insert("difference_cents".to_owned(), difference.into());
    }
    old
}
