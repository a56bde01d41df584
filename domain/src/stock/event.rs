//! The events of a stock stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{EntityId, Quantity, StockLevel};

/// What happens to a product's stock. Its stream's id is the product's.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum StockEvent {
    /// Somebody counted, or goods came in.
    #[event(name = "StockUpdated")]
    Updated(StockUpdated),
    /// An order holds some of it from now on.
    #[event(name = "StockReserved")]
    Reserved(StockHeld),
    /// An order gave back what it held.
    #[event(name = "StockReleased")]
    Released(StockHeld),
    /// What an order held left the shop.
    #[event(name = "StockDeducted")]
    Deducted(StockHeld),
    /// The product was deleted.
    #[event(name = "StockClosed")]
    Closed(StockClosed),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockUpdated {
    pub product_id: EntityId,
    /// What is on hand from now on.
    pub on_hand: StockLevel,
    /// What orders hold of it.
    pub reserved: StockLevel,
}

/// `StockReserved`, `StockReleased`, `StockDeducted`: what an order holds, begins or ceases to be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockHeld {
    pub product_id: EntityId,
    pub order_id: EntityId,
    /// How much the order holds from now on, or held until now.
    pub quantity: Quantity,
    /// What is on hand from now on.
    pub on_hand: StockLevel,
    /// What all orders hold of it from now on.
    pub reserved: StockLevel,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockClosed {
    pub product_id: EntityId,
}

impl StockEvent {
    /// What is on hand and what is reserved behind the event; nothing if it changes neither.
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
