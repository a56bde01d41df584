//! A stock's state and the decisions on it, for its own commands, for a product's, and for sagas.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, Version};
use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::event::{StockClosed, StockEvent, StockHeld, StockUpdated};
use crate::error::{Conflict, DomainError, Entity};
use crate::record::Lifecycle;
use crate::value::{EntityId, Quantity, StockLevel};

/// A product's stock as its events tell it. It is gone once the product is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    version: Version,
    lifecycle: Lifecycle<StockValues>,
    /// What each order holds. A decision copies the state, so the copy shares the map: a product that thousands of
    /// orders hold sells as fast as one that nobody holds.
    reservations: RedBlackTreeMapSync<EntityId, Quantity>,
}

/// What there is of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockValues {
    /// What lies in the shop.
    pub on_hand: StockLevel,
    /// What orders hold of it.
    pub reserved: StockLevel,
    /// The time of the last event.
    pub updated_at: DateTime<Utc>,
}

impl StockValues {
    /// What can be sold.
    #[must_use]
    pub fn available(&self) -> StockLevel {
        self.on_hand.without(self.reserved)
    }
}

impl Stock {
    /// How many events it has.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether it is there, and its values.
    #[must_use]
    pub fn life(&self) -> &Lifecycle<StockValues> {
        &self.lifecycle
    }

    /// What `order` holds of it, if it holds some.
    #[must_use]
    pub fn reservation(&self, order: &EntityId) -> Option<Quantity> {
        self.reservations.get(order).copied()
    }

    /// Which orders hold some of it, and how much.
    pub fn reservations(&self) -> impl Iterator<Item = (&EntityId, Quantity)> {
        self.reservations.iter().map(|(order, held)| (order, *held))
    }

    /// Decides that the new product `product` begins with `on_hand`, also if that is nothing.
    ///
    /// # Errors
    /// `AlreadyExists` if it had stock before.
    pub fn open(
        &self,
        product: &EntityId,
        on_hand: StockLevel,
    ) -> Result<Vec<StockEvent>, DomainError> {
        DomainError::require_new(self.version, Entity::Product, product)?;
        Ok(vec![updated(product, on_hand, StockLevel::ZERO)])
    }

    /// Decides that `on_hand` is what lies in the shop. No events if that is known.
    ///
    /// # Errors
    /// `NotFound` if there is no such product, `BelowReserved` if orders hold more.
    pub fn update(
        &self,
        product: &EntityId,
        on_hand: StockLevel,
    ) -> Result<Vec<StockEvent>, DomainError> {
        let old = self.existing(product)?;
        if on_hand < old.reserved {
            return Err(DomainError::Conflict(Conflict::BelowReserved {
                reserved: old.reserved,
                given: on_hand,
            }));
        }
        if on_hand == old.on_hand {
            return Ok(Vec::new());
        }
        Ok(vec![updated(product, on_hand, old.reserved)])
    }

    /// Decides that the product is deleted. What orders hold stays theirs.
    ///
    /// # Errors
    /// `NotFound` if there is no such product.
    pub fn close(&self, product: &EntityId) -> Result<Vec<StockEvent>, DomainError> {
        self.existing(product)?;
        Ok(vec![StockEvent::Closed(StockClosed {
            product_id: product.clone(),
        })])
    }

    /// Decides that `order` holds `quantity` of it from now on. No events if it holds some already.
    ///
    /// # Errors
    /// `NotFound` if there is no such product any more, `OutOfStock` if others hold too much. Only goods that come in
    /// change the latter, so a caller need not ask again at once.
    pub fn reserve(
        &self,
        product: &EntityId,
        order: &EntityId,
        quantity: Quantity,
    ) -> Result<Vec<StockEvent>, DomainError> {
        if self.reservations.contains_key(order) {
            return Ok(Vec::new());
        }
        let old = self.existing(product)?;
        if old.available() < quantity.into() {
            return Err(DomainError::Conflict(Conflict::OutOfStock {
                product: product.clone(),
                available: old.available(),
                wanted: quantity,
            }));
        }
        Ok(vec![StockEvent::Reserved(StockHeld {
            product_id: product.clone(),
            order_id: order.clone(),
            quantity,
            on_hand: old.on_hand,
            reserved: old.reserved.with(quantity),
        })])
    }

    /// Decides that `order` gives back what it holds, whether the product is still there or not. No events if it holds
    /// nothing.
    #[must_use]
    pub fn release(&self, product: &EntityId, order: &EntityId) -> Vec<StockEvent> {
        let Some((old, quantity)) = self.held(order) else {
            return Vec::new();
        };
        vec![StockEvent::Released(StockHeld {
            product_id: product.clone(),
            order_id: order.clone(),
            quantity,
            on_hand: old.on_hand,
            reserved: old.reserved.without(quantity.into()),
        })]
    }

    /// Decides that what `order` holds leaves the shop, whether the product is still there or not. No events if it
    /// holds nothing.
    #[must_use]
    pub fn deduct(&self, product: &EntityId, order: &EntityId) -> Vec<StockEvent> {
        let Some((old, quantity)) = self.held(order) else {
            return Vec::new();
        };
        vec![StockEvent::Deducted(StockHeld {
            product_id: product.clone(),
            order_id: order.clone(),
            quantity,
            on_hand: old.on_hand.without(quantity.into()),
            reserved: old.reserved.without(quantity.into()),
        })]
    }

    fn held(&self, order: &EntityId) -> Option<(&StockValues, Quantity)> {
        Some((self.lifecycle.last()?, self.reservation(order)?))
    }

    fn existing(&self, product: &EntityId) -> Result<&StockValues, DomainError> {
        let values = self.lifecycle.active();
        values.ok_or_else(|| DomainError::not_found(Entity::Product, product))
    }
}

fn updated(product: &EntityId, on_hand: StockLevel, reserved: StockLevel) -> StockEvent {
    StockEvent::Updated(StockUpdated {
        product_id: product.clone(),
        on_hand,
        reserved,
    })
}

impl Aggregate for Stock {
    const TYPE: &'static str = "stock";
    const SNAPSHOT_VERSION: u32 = 2;
    type Event = StockEvent;

    fn evolve(&mut self, event: &StockEvent, at: DateTime<Utc>) {
        self.version = self.version.next();
        match event {
            StockEvent::Updated(data) => {
                if self.lifecycle.last().is_none() {
                    self.lifecycle = Lifecycle::Active(StockValues {
                        on_hand: data.on_hand,
                        reserved: data.reserved,
                        updated_at: at,
                    });
                }
            }
            StockEvent::Reserved(data) => {
                self.reservations
                    .insert_mut(data.order_id.clone(), data.quantity);
            }
            StockEvent::Released(data) | StockEvent::Deducted(data) => {
                self.reservations.remove_mut(&data.order_id);
            }
            StockEvent::Closed(_) => self.lifecycle.end(),
        }
        let levels = event.levels();
        self.lifecycle.change_last(|stock| {
            if let Some((on_hand, reserved)) = levels {
                stock.on_hand = on_hand;
                stock.reserved = reserved;
            }
            stock.updated_at = at;
        });
    }
}
