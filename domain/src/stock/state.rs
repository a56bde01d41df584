//! A stock's state and its decisions, for the commands on stock and products, and for sagas.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, Version};
use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::event::{StockClosed, StockEvent, StockHeld, StockUpdated};
use crate::error::{Conflict, DomainError, Entity};
use crate::record::Lifecycle;
use crate::value::{EntityId, Quantity, StockLevel};

/// The state of a product's stock. It is deleted together with the product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    version: Version,
    lifecycle: Lifecycle<StockValues>,
    /// The reservation of each order. A persistent map, because each decision copies the state: the copy shares it, so
    /// that thousands of reservations cost no more than none.
    reservations: RedBlackTreeMapSync<EntityId, Quantity>,
}

/// The values of a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockValues {
    pub on_hand: StockLevel,
    /// The part of `on_hand` that orders have reserved.
    pub reserved: StockLevel,
    /// The time of the last event.
    pub updated_at: DateTime<Utc>,
}

impl StockValues {
    /// The level that can be sold.
    #[must_use]
    pub fn available(&self) -> StockLevel {
        self.on_hand.without(self.reserved)
    }
}

impl Stock {
    /// The version of its stream: its number of events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle<StockValues> {
        &self.lifecycle
    }

    /// The quantity that `order` has reserved.
    #[must_use]
    pub fn reservation(&self, order: &EntityId) -> Option<Quantity> {
        self.reservations.get(order).copied()
    }

    /// The open reservations, by order.
    pub fn reservations(&self) -> impl Iterator<Item = (&EntityId, Quantity)> {
        self.reservations.iter().map(|(order, held)| (order, *held))
    }

    /// Opens the stock of a new product, also with `on_hand` zero.
    ///
    /// # Errors
    /// `AlreadyExists` if the stream has events.
    pub fn open(
        &self,
        product: &EntityId,
        on_hand: StockLevel,
    ) -> Result<Vec<StockEvent>, DomainError> {
        DomainError::require_new(self.version, Entity::Product, product)?;
        Ok(vec![updated(product, on_hand, StockLevel::ZERO)])
    }

    /// Sets the level on hand. No events if it is the same.
    ///
    /// # Errors
    /// `NotFound` if there is no such product, `BelowReserved` if orders have reserved more.
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

    /// Closes the stock of a deleted product. Reservations remain.
    ///
    /// # Errors
    /// `NotFound` if there is no such product.
    pub fn close(&self, product: &EntityId) -> Result<Vec<StockEvent>, DomainError> {
        self.existing(product)?;
        Ok(vec![StockEvent::Closed(StockClosed {
            product_id: product.clone(),
        })])
    }

    /// Reserves `quantity` for `order`. No events if it has a reservation.
    ///
    /// # Errors
    /// `NotFound` if the product does not exist or is deleted, `OutOfStock` if too little is available. The latter does not
    /// change until stock is updated or released, so an immediate retry is useless.
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

    /// Releases the reservation of `order`, also if the product is deleted. No events without a reservation.
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

    /// Deducts the reservation of `order` from the level on hand, also if the product is deleted. No events without a
    /// reservation.
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
