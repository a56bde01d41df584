//! The events of a stock stream.

use event_sourcing::upcast;
use event_sourcing::{DecodeError, DomainEvent, EncodedEvent};
use serde::{Deserialize, Serialize};

use crate::codec::encode;
use crate::value::{EntityId, Quantity, StockLevel};

/// What happens to a product's stock. Its stream's id is the product's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockEvent {
    /// Somebody counted, or goods came in.
    Updated(StockUpdated),
    /// An order holds some of it from now on.
    Reserved(StockHeld),
    /// An order gave back what it held.
    Released(StockHeld),
    /// What an order held left the shop.
    Deducted(StockHeld),
    /// The product was deleted.
    Closed(StockClosed),
}

/// `StockUpdated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockUpdated {
    /// The product.
    pub product_id: EntityId,
    /// What is on hand from now on.
    pub on_hand: StockLevel,
    /// What orders hold of it.
    pub reserved: StockLevel,
}

/// `StockReserved`, `StockReleased`, `StockDeducted`: what an order holds, begins or ceases to be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockHeld {
    /// The product.
    pub product_id: EntityId,
    /// The order.
    pub order_id: EntityId,
    /// How much the order holds from now on, or held until now.
    pub quantity: Quantity,
    /// What is on hand from now on.
    pub on_hand: StockLevel,
    /// What all orders hold of it from now on.
    pub reserved: StockLevel,
}

/// `StockClosed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockClosed {
    /// The product.
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

impl DomainEvent for StockEvent {
    fn encode(&self) -> EncodedEvent {
        match self {
            Self::Updated(data) => encode("StockUpdated", 1, data),
            Self::Reserved(data) => encode("StockReserved", 1, data),
            Self::Released(data) => encode("StockReleased", 1, data),
            Self::Deducted(data) => encode("StockDeducted", 1, data),
            Self::Closed(data) => encode("StockClosed", 1, data),
        }
    }

    fn decode(event_type: &str, schema_version: u32, data: &str) -> Result<Self, DecodeError> {
        let (name, version) = (event_type, schema_version);
        match event_type {
            "StockUpdated" => upcast::read(name, version, data, &[]).map(Self::Updated),
            "StockReserved" => upcast::read(name, version, data, &[]).map(Self::Reserved),
            "StockReleased" => upcast::read(name, version, data, &[]).map(Self::Released),
            "StockDeducted" => upcast::read(name, version, data, &[]).map(Self::Deducted),
            "StockClosed" => upcast::read(name, version, data, &[]).map(Self::Closed),
            other => Err(DecodeError::UnknownType {
                event_type: other.to_owned(),
            }),
        }
    }
}
