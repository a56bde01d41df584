//! What a provider of payments promises.

use std::fmt::Debug;

use async_trait::async_trait;
use domain::value::{EntityId, Money, UserId};
use sagas::{Failure, Key, Standing, Undone};

/// Money to take. The same key always carries the same charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What it is for.
    pub order_id: EntityId,
    /// Who pays.
    pub user_id: UserId,
    /// How much.
    pub amount: Money,
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What the provider calls it.
    pub payment_id: String,
}

/// Takes money, at most once for each key. A call may be dropped at any moment; what was sent may still happen.
#[async_trait]
pub trait Payments: Debug + Send + Sync {
    /// Takes the whole amount, or finds that it was taken under this key.
    ///
    /// # Errors
    /// [`Failure`]; refused also if the key is closed.
    async fn charge(&self, key: &Key, charge: &Charge) -> Result<Payment, Failure>;

    /// What holds under the key.
    ///
    /// # Errors
    /// [`Failure`]; it is not known what holds.
    async fn look_up(&self, key: &Key) -> Result<Standing<Payment>, Failure>;

    /// Gives back all that was taken under the key, and closes the key: a charge that comes later is refused.
    /// Money that was given back already is a success.
    ///
    /// # Errors
    /// [`Failure`]; it is to be tried again.
    async fn undo(&self, key: &Key, charge: &Charge) -> Result<Undone, Failure>;
}
