//! The saga `cancel_order`.

use async_trait::async_trait;
use command_service::commands::CancelOrder;
use domain::fulfilment::{CancelOrderSaga, UndoCall, UndoneDeal};
use domain::order::{
    Order, OrderConfirmed, OrderEvent, OrderPaymentProcessed, OrderShippingArranged,
    RequestCancellation,
};
use domain::stock::Stock;
use domain::value::{OrderStatus, Quantity, Reference, TrackingNumber};
use event_sourcing::Command;
use event_sourcing::execute::{DecideError, Lane, States, UnitOfWork};
use sagas::Outcome;
use sagas::testing::{End, Scenario, World, check};

use crate::shop::{self, GOODS, Holds, ORDER, holds, id};

/// What the saga `order` has done when it has completed.
struct Confirm;

impl Command for Confirm {
    const NAME: &'static str = "confirm";
    type Rejection = String;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Order>(ORDER)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
        let name = |text| Reference::parse("reference", text).expect("a name");
        let total = work.state::<Order>(ORDER)?;
        let total = total.values().expect("an order").total;
        let done = [
            OrderEvent::PaymentProcessed(OrderPaymentProcessed {
                order_id: id(ORDER),
                payment_id: name("pay-1"),
                key: name("saga-1/process_payment/0"),
                amount: total,
            }),
            OrderEvent::ShippingArranged(OrderShippingArranged {
                order_id: id(ORDER),
                tracking_number: TrackingNumber::parse("number", "trk-1").expect("a number"),
                key: name("saga-1/arrange_shipping/0"),
            }),
            OrderEvent::Confirmed(OrderConfirmed {
                order_id: id(ORDER),
            }),
        ];
        work.append::<Order>(ORDER, &done)?;
        for (product, quantity, _) in GOODS {
            let stock = work.state::<Stock>(product)?;
            let quantity = Quantity::parse("quantity", quantity.into()).expect("a quantity");
            let reserved = stock.reserve(&id(product), &id(ORDER), quantity);
            work.append::<Stock>(product, &reserved.expect("enough of it"))?;
        }
        Ok(())
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

struct Undo;

#[async_trait]
impl Scenario for Undo {
    type Saga = CancelOrderSaga;

    async fn begin(&self, world: &World) -> String {
        shop::open(world).await;
        world.execute(&Confirm).await;
        let command = CancelOrder(RequestCancellation {
            order_id: id(ORDER),
            reason: None,
            requested_by: None,
            cancel_saga_id: id("saga-2"),
        });
        world.execute(&command).await;
        "saga-2".to_owned()
    }

    fn answer(&self, call: &UndoCall) -> UndoneDeal {
        let key = match call {
            UndoCall::CancelShipping { key, .. } | UndoCall::RefundPayment { key, .. } => key,
        };
        assert!(
            key.as_ref()
                .is_some_and(|key| key.as_str().starts_with("saga-1/"))
        );
        UndoneDeal {
            happened: true,
            reference: None,
        }
    }

    async fn check(&self, end: &End<'_, CancelOrderSaga>) -> Result<(), String> {
        if end.outcome != Outcome::Completed {
            return Err(format!("it ended as {:?}", end.outcome));
        }
        let wanted = Holds {
            status: OrderStatus::Cancelled,
            goods: false,
            deals: false,
        };
        holds(end.world, wanted).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_order_holds_nothing_whatever_fails() {
    let report = check(Undo).await;
    assert!(report.cases > 20, "{report:?}");
}
