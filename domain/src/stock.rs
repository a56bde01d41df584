//! What is on hand of a product, and what orders hold of it. A stream of its own beside the product's, so that
//! selling does not wait for editing.

use chrono::{DateTime, Utc};
use event_sourcing::upcast;
use event_sourcing::{Aggregate, DecodeError, DomainEvent, EncodedEvent, Version};
use serde::{Deserialize, Serialize};

use crate::codec::encode;
use crate::error::{Conflict, DomainError, Entity};
use crate::life::Life;
use crate::value::{EntityId, StockLevel};

/// What happens to a product's stock. Its stream's id is the product's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockEvent {
    /// Somebody counted, or goods came in.
    Updated(StockUpdated),
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

/// `StockClosed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockClosed {
    /// The product.
    pub product_id: EntityId,
}

impl DomainEvent for StockEvent {
    fn encode(&self) -> EncodedEvent {
        match self {
            Self::Updated(data) => encode("StockUpdated", 1, data),
            Self::Closed(data) => encode("StockClosed", 1, data),
        }
    }

    fn decode(event_type: &str, schema_version: u32, data: &str) -> Result<Self, DecodeError> {
        match event_type {
            "StockUpdated" => {
                upcast::read(event_type, schema_version, data, &[]).map(Self::Updated)
            }
            "StockClosed" => upcast::read(event_type, schema_version, data, &[]).map(Self::Closed),
            other => Err(DecodeError::UnknownType {
                event_type: other.to_owned(),
            }),
        }
    }
}

/// A product's stock as its events tell it. It is gone once the product is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    version: Version,
    life: Life<StockValues>,
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
    pub fn life(&self) -> &Life<StockValues> {
        &self.life
    }

    /// Decides that the new product `product` begins with `on_hand`, also if that is nothing.
    ///
    /// # Errors
    /// `IdTaken` if it had stock before.
    pub fn open(
        &self,
        product: &EntityId,
        on_hand: StockLevel,
    ) -> Result<Vec<StockEvent>, DomainError> {
        if self.version != Version::NONE {
            return Err(DomainError::Conflict(Conflict::IdTaken {
                entity: Entity::Product,
                id: product.clone(),
            }));
        }
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

    fn existing(&self, product: &EntityId) -> Result<&StockValues, DomainError> {
        self.life.alive().ok_or_else(|| DomainError::NotFound {
            entity: Entity::Product,
            id: product.clone(),
        })
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
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = StockEvent;

    fn evolve(&mut self, event: &StockEvent, at: DateTime<Utc>) {
        self.version = self.version.next();
        match event {
            StockEvent::Updated(data) => {
                self.life = Life::Alive(StockValues {
                    on_hand: data.on_hand,
                    reserved: data.reserved,
                    updated_at: at,
                });
            }
            StockEvent::Closed(_) => {
                self.life.change(|stock| stock.updated_at = at);
                self.life.end();
            }
        }
    }
}
