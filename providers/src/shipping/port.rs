//! What a provider of shipping promises.

use std::fmt::Debug;

use async_trait::async_trait;
use domain::value::{EntityId, Quantity};
use sagas::{Failure, Key, Standing, Undone};

/// What is to be sent where. The same key always carries the same shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// What it is for.
    pub order_id: EntityId,
    /// Where it goes; without one it is fetched.
    pub address: Option<Address>,
    /// What is in it.
    pub items: Vec<Parcel>,
}

/// Where somebody lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// Town.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
}

/// Pieces of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Of which.
    pub product_id: EntityId,
    /// How many.
    pub quantity: Quantity,
}

/// A shipment that will be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// What the customer can follow it by.
    pub tracking_number: String,
}

/// Arranges shipments, at most once for each key. A call may be dropped at any moment; what was sent may still
/// happen.
#[async_trait]
pub trait Shipping: Debug + Send + Sync {
    /// Arranges the shipment, or finds that it was arranged under this key.
    ///
    /// # Errors
    /// [`Failure`]; refused also if the key is closed.
    async fn arrange(&self, key: &Key, shipment: &Shipment) -> Result<Arrangement, Failure>;

    /// What holds under the key.
    ///
    /// # Errors
    /// [`Failure`]; it is not known what holds.
    async fn look_up(&self, key: &Key) -> Result<Standing<Arrangement>, Failure>;

    /// Cancels what was arranged under the key, and closes the key: an arrangement that comes later is refused. What
    /// was cancelled already is a success.
    ///
    /// # Errors
    /// [`Failure`]; it is to be tried again.
    async fn undo(&self, key: &Key, shipment: &Shipment) -> Result<Undone, Failure>;
}
