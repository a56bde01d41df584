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
    Reserved(StockReserved),
    /// An order gave back what it held.
    Released(StockReleased),
    /// What an order held left the shop.
    Deducted(StockDeducted),
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

/// `StockReserved`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReserved {
    /// The product.
    pub product_id: EntityId,
    /// The order that holds it.
    pub order_id: EntityId,
    /// How much it holds.
    pub quantity: Quantity,
    /// What is on hand.
    pub on_hand: StockLevel,
    /// What orders hold of it from now on, this one included.
    pub reserved: StockLevel,
}

/// `StockReleased`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReleased {
    /// The product.
    pub product_id: EntityId,
    /// The order that held it.
    pub order_id: EntityId,
    /// How much it held.
    pub quantity: Quantity,
    /// What is on hand.
    pub on_hand: StockLevel,
    /// What orders hold of it from now on.
    pub reserved: StockLevel,
}

/// `StockDeducted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockDeducted {
    /// The product.
    pub product_id: EntityId,
    /// The order that held it.
    pub order_id: EntityId,
    /// How much left.
    pub quantity: Quantity,
    /// What is on hand from now on.
    pub on_hand: StockLevel,
    /// What orders hold of it from now on.
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
            Self::Reserved(data) => Some((data.on_hand, data.reserved)),
            Self::Released(data) => Some((data.on_hand, data.reserved)),
            Self::Deducted(data) => Some((data.on_hand, data.reserved)),
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
