//! Payments without a bank.

use async_trait::async_trait;
use sagas::{Failure, Key, Standing, Undone};
use uuid::Uuid;

use super::{Charge, Payment, Payments};
use crate::simulated::provider::Asked;
use crate::simulated::{Action, Kind, Provider, Verdict};

/// A bank in the command database.
#[derive(Debug)]
pub struct SimulatedPayments(Provider);

impl SimulatedPayments {
    /// The payments that `provider`, one of [`Kind::Payment`], makes.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self(provider)
    }
}

#[async_trait]
impl Payments for SimulatedPayments {
    async fn charge(&self, key: &Key, charge: &Charge) -> Result<Payment, Failure> {
        let asked = Asked {
            action: action(key, charge),
            refusal: "the card was declined",
        };
        let payment_id = self.0.act(asked).await?;
        Ok(Payment { payment_id })
    }

    async fn look_up(&self, key: &Key) -> Result<Standing<Payment>, Failure> {
        let standing = self.0.look_up(key).await?;
        standing.try_map(|payment_id| Ok(Payment { payment_id }))
    }

    async fn undo(&self, key: &Key, charge: &Charge) -> Result<Undone, Failure> {
        self.0.undo(action(key, charge)).await
    }
}

/// Its references follow from the key, so that a repeat makes the same.
fn action(key: &Key, charge: &Charge) -> Action {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("payment:{key}").as_bytes()).simple();
    Action {
        kind: Kind::Payment,
        key: key.clone(),
        order_id: charge.order_id.clone(),
        amount: charge.amount,
        verdict: Verdict::Done(format!("pay_{id}")),
        undo_reference: format!("refund_{id}"),
    }
}
