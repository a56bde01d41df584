//! The saga `cancel_order`.

use async_trait::async_trait;
use domain::fulfilment::{CancelOrderSaga, UndoCall, UndoneDeal, Unfulfilment};
use domain::order::{
    Order, OrderCancellationRequested, OrderConfirmed, OrderEvent, OrderPaymentProcessed,
    OrderShippingArranged,
};
use domain::stock::{StockEvent, StockHeld};
use domain::value::OrderStatus;
use event_sourcing::saga::Outcome;
use event_sourcing::testing::saga::{End, Scenario, World, check};

use crate::shop::{History, counted, id, is_left, level, ordered, quantity, reference, tracking};

/// A confirmed order whose customer has changed their mind.
struct Regretted;

fn confirmed() -> Vec<OrderEvent> {
    let order = ordered();
    let order_id = id("order-1");
    vec![
        OrderEvent::PaymentProcessed(OrderPaymentProcessed {
            order_id: order_id.clone(),
            payment_id: reference("payment-1"),
            key: reference("saga-1/process_payment/0"),
            amount: order.total,
        }),
        OrderEvent::ShippingArranged(OrderShippingArranged {
            order_id: order_id.clone(),
            tracking_number: tracking("JP-1"),
            key: reference("saga-1/arrange_shipping/0"),
        }),
        OrderEvent::Confirmed(OrderConfirmed {
            order_id: order_id.clone(),
        }),
        OrderEvent::CancellationRequested(OrderCancellationRequested {
            order_id,
            reason: None,
            requested_by: None,
            saga_id: Some(id("saga-2")),
        }),
    ]
}

#[async_trait]
impl Scenario for Regretted {
    type Saga = CancelOrderSaga;

    async fn begin(&self, world: &World) -> String {
        let mut order = vec![OrderEvent::Created(ordered())];
        order.extend(confirmed());
        let held = StockHeld {
            product_id: id("sencha"),
            order_id: id("order-1"),
            quantity: quantity(3),
            on_hand: level(10),
            reserved: level(3),
        };
        let history = History::<CancelOrderSaga> {
            order,
            stock: vec![counted(10), StockEvent::Reserved(held)],
            saga: None,
        };
        world.execute(&history).await;
        let order: Order = world.state("order-1").await;
        let data = Unfulfilment::of(order.values().expect("the order"));
        world
            .begin::<CancelOrderSaga>("saga-2", "order-1", data)
            .await;
        "saga-2".to_owned()
    }

    fn answer(&self, _call: &UndoCall) -> UndoneDeal {
        UndoneDeal {
            happened: true,
            reference: Some(reference("refund-1")),
        }
    }

    async fn check(&self, end: &End<'_, CancelOrderSaga>) -> Result<(), String> {
        if end.outcome != Outcome::Completed {
            return Err("it can only complete".to_owned());
        }
        is_left(end.world, OrderStatus::Cancelled, None, false).await
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_confirmed_order_whatever_fails() {
    check(Regretted).await;
}
