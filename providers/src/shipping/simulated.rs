//! Shipping without a carrier.

use async_trait::async_trait;
use domain::value::Money;
use sagas::{Failure, Key, Standing, Undone};
use uuid::Uuid;

use super::{Arrangement, Shipment, Shipping};
use crate::simulated::provider::Asked;
use crate::simulated::{Action, Kind, Provider, Verdict};

/// A carrier in the command database.
#[derive(Debug)]
pub struct SimulatedShipping(Provider);

impl SimulatedShipping {
    /// The shipments that `provider`, one of [`Kind::Shipment`], makes.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self(provider)
    }
}

#[async_trait]
impl Shipping for SimulatedShipping {
    async fn arrange(&self, key: &Key, shipment: &Shipment) -> Result<Arrangement, Failure> {
        let asked = Asked {
            action: action(key, shipment),
            refusal: "the carrier does not take it",
        };
        let tracking_number = self.0.act(asked).await?;
        Ok(Arrangement { tracking_number })
    }

    async fn look_up(&self, key: &Key) -> Result<Standing<Arrangement>, Failure> {
        let standing = self.0.look_up(key).await?;
        standing.try_map(|tracking_number| Ok(Arrangement { tracking_number }))
    }

    async fn undo(&self, key: &Key, shipment: &Shipment) -> Result<Undone, Failure> {
        self.0.undo(action(key, shipment)).await
    }
}

/// Its references follow from the key, so that a repeat makes the same.
fn action(key: &Key, shipment: &Shipment) -> Action {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("shipment:{key}").as_bytes());
    let number = format!("{:X}", id.simple());
    let pieces: i64 = shipment
        .items
        .iter()
        .map(|item| i64::from(item.quantity.get()))
        .sum();
    Action {
        kind: Kind::Shipment,
        key: key.clone(),
        order_id: shipment.order_id.clone(),
        // The book counts in hundredths.
        amount: Money::from_cents(pieces * 100),
        verdict: Verdict::Done(format!("TRK-{}", &number[..16])),
        undo_reference: format!("CANCEL-{}", &number[..16]),
    }
}
