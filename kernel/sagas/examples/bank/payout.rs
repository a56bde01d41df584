//! The saga: money leaves an account here and arrives at another bank, or comes back.

use std::time::Duration;

use event_sourcing::execute::Lane;
use sagas::{Kind, Refusal, RetryPolicy, Role, Saga, Step, Table, Writes};
use serde::{Deserialize, Serialize};

use crate::account::{Account, deposit, withdraw};

/// What it begins with, and also what it asks of the other bank.
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
    const DEFINITION: u32 = 1;
    type Data = Order;
    /// The other bank's receipt.
    type Output = String;
    type Call = Order;

    fn table(definition: u32) -> Option<&'static Table<Self>> {
        static V1: Table<Payout> = Table {
            stages: &[&[WITHDRAW], &[SEND]],
            until_pivot: Duration::from_mins(5),
            completed: |_, _, _| Ok(Writes::none()),
            compensated: |_, _, _| Ok(Writes::none()),
            failed: |_, _, _| Ok(Writes::none()),
        };
        (definition == 1).then_some(&V1)
    }

    fn learn(_order: &mut Order, _receipt: &String) {}
}

const WITHDRAW: Step<Payout> = Step {
    name: "withdraw",
    role: Role::Compensatable,
    kind: Kind::Local {
        action: |order, reads| {
            let account = reads.state::<Account>(&order.from)?;
            let withdrawn = withdraw(&account, order.cents)
                .map_err(|refusal| Refusal(format!("{refusal:?}")))?;
            Ok(Writes::none().and::<Account>(&*order.from, withdrawn))
        },
        undo: Some(
            |order, _| Ok(Writes::none().and::<Account>(&*order.from, deposit(order.cents))),
        ),
    },
    lanes: |order| vec![Lane::write::<Account>(&order.from)],
    timeout: Duration::from_secs(5),
    deadline: Duration::from_secs(30),
    retry: RetryPolicy::DEFAULT,
};

const SEND: Step<Payout> = Step {
    name: "send",
    kind: Kind::External {
        call: Order::clone,
        done: |_, _, _| Writes::none(),
        undone: Some(|_, _| Writes::none()),
    },
    lanes: |_| Vec::new(),
    ..WITHDRAW
};
