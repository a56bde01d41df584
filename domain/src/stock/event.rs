//! The events of a stock stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{EntityId, Quantity, StockLevel};

/// An event of a product's stock. Its stream's id is the product's.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum StockEvent {
    /// The level was set, after a count or a delivery of goods.
    #[event(name = "StockUpdated")]
    Updated(StockUpdated),
    /// An order has reserved some of it.
    #[event(name = "StockReserved")]
    Reserved(StockHeld),
    /// An order has released its reservation.
    #[event(name = "StockReleased")]
    Released(StockHeld),
    /// The reserved quantity of an order was shipped.
    #[event(name = "StockDeducted")]
    Deducted(StockHeld),
    /// The product was deleted.
    #[event(name = "StockClosed")]
    Closed(StockClosed),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockUpdated {
    pub product_id: EntityId,
    /// The level on hand after the event.
    pub on_hand: StockLevel,
    /// The level reserved by all orders after the event.
    pub reserved: StockLevel,
}

/// `StockReserved`, `StockReleased`, `StockDeducted`: the start or the end of an order's reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockHeld {
    pub product_id: EntityId,
    pub order_id: EntityId,
    /// The quantity of the reservation.
    pub quantity: Quantity,
    /// The level on hand after the event.
    pub on_hand: StockLevel,
    /// The level reserved by all orders after the event.
    pub reserved: StockLevel,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockClosed {
    pub product_id: EntityId,
}

impl StockEvent {
    /// The levels on hand and reserved after the event; none if it changes neither.
    #[must_use]
    pub fn levels(&self) -> Option<(StockLevel, StockLevel)> {
        match self {
            Self::Updated(data) => Some((data.on_hand, data.reserved)),
            Self::Reserved(data) | Self::Released(data) | Self::Deducted(data) => {
                Some((data.on_hand, data.reserved))
            }
            Self::Closed(_) => None,
        }
    }
}
