//! The saga: money leaves an account here and arrives at another bank, or is paid back.

use event_sourcing::execute::Lane;
use sagas::{ExternalStep, Role, Saga, SagaDefinition, Step, StepRejected, Writes};
use serde::{Deserialize, Serialize};

use crate::account::{Account, deposit, withdraw};

/// The data of the saga, and the request to the other bank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub from: String,
    pub to: String,
    pub cents: i64,
}

#[derive(Clone, Debug)]
pub struct Payout;

impl Saga for Payout {
    const NAME: &'static str = "payout";
    const STREAM: &'static str = "payout_saga";
    type Data = Order;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[SagaDefinition::new(
        1,
        &[&[WITHDRAW], &[Step::external::<Send>()]],
    )];
}

const WITHDRAW: Step<Payout> =
    Step::<Payout>::local("withdraw", Role::Compensatable, |order, reads| {
        let account = reads.state::<Account>(&order.from)?;
        let withdrawn = withdraw(&account, order.cents)
            .map_err(|rejection| StepRejected(format!("{rejection:?}")))?;
        Ok(Writes::none().and::<Account>(&*order.from, withdrawn))
    })
    .undone_by(|order, _| Ok(Writes::none().and::<Account>(&*order.from, deposit(order.cents))))
    .writing(|order| vec![Lane::write::<Account>(&order.from)]);

/// Sends the money to the other bank.
pub struct Send;

impl ExternalStep for Send {
    const NAME: &'static str = "send";
    type Saga = Payout;
    type Request = Order;
    /// The other bank's receipt.
    type Response = String;

    fn request(order: &Order) -> Order {
        order.clone()
    }
}
