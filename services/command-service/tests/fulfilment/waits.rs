//! A provider's wish to be left alone reaches the sagas, whatever it was asked.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use command_service::fulfilment::ProviderEffects;
use domain::fulfilment::{CancelOrderSaga, FulfilmentCall, Goods, OrderSaga, UndoCall};
use domain::value::{Money, Quantity, Reference};
use providers::{Arrangement, Charge, Payment, Payments, Shipment, Shipping};
use sagas::{Effects, Failure, Key, Standing, Undone};

use crate::shop::{id, user};

const WAIT: Duration = Duration::from_secs(7);

/// Turns everybody away for a while.
#[derive(Debug)]
struct Busy;

impl Busy {
    fn wait<T>() -> Result<T, Failure> {
        Err(Failure::not_done("busy").not_before(Some(WAIT)))
    }
}

#[async_trait]
impl Payments for Busy {
    async fn charge(&self, _: &Key, _: &Charge) -> Result<Payment, Failure> {
        Self::wait()
    }

    async fn look_up(&self, _: &Key) -> Result<Standing<Payment>, Failure> {
        Self::wait()
    }

    async fn undo(&self, _: &Key, _: &Charge) -> Result<Undone, Failure> {
        Self::wait()
    }
}

#[async_trait]
impl Shipping for Busy {
    async fn arrange(&self, _: &Key, _: &Shipment) -> Result<Arrangement, Failure> {
        Self::wait()
    }

    async fn look_up(&self, _: &Key) -> Result<Standing<Arrangement>, Failure> {
        Self::wait()
    }

    async fn undo(&self, _: &Key, _: &Shipment) -> Result<Undone, Failure> {
        Self::wait()
    }
}

fn pay() -> FulfilmentCall {
    FulfilmentCall::Pay {
        order_id: id("o-1"),
        user_id: user(),
        amount: Money::from_cents(1_234),
    }
}

fn ship() -> FulfilmentCall {
    FulfilmentCall::Ship {
        order_id: id("o-1"),
        user_id: user(),
        goods: vec![Goods {
            product_id: id("tea"),
            quantity: Quantity::parse("quantity", 3).expect("a quantity"),
        }],
        address: None,
    }
}

#[track_caller]
fn assert_waits<T>(answer: Result<T, Failure>) {
    let failure = answer.err().expect("it fails");
    assert!(matches!(failure, Failure::NotDone { .. }), "{failure:?}");
    assert_eq!(failure.wait(), Some(WAIT), "{failure:?}");
}

#[tokio::test]
async fn what_a_provider_asks_for_reaches_the_sagas() {
    let effects = ProviderEffects {
        payments: Arc::new(Busy),
        shipping: Arc::new(Busy),
    };
    let order: &dyn Effects<OrderSaga> = &effects;
    for (step, call) in [("process_payment", pay()), ("arrange_shipping", ship())] {
        let key = Key::new("saga-1", step, 0);
        assert_waits(order.act(&key, &call).await);
        assert_waits(order.look_up(&key, &call).await);
        assert_waits(order.undo(&key, &call).await);
    }
    let key = Reference::parse("key", "saga-1/arrange_shipping/0").ok();
    let cancel = UndoCall::CancelShipping {
        order_id: id("o-1"),
        goods: Vec::new(),
        address: None,
        key,
    };
    let refund = UndoCall::RefundPayment {
        order_id: id("o-1"),
        user_id: user(),
        amount: Money::from_cents(1_234),
        key: Reference::parse("key", "saga-1/process_payment/0").ok(),
    };
    for call in [cancel, refund] {
        let key = Key::new("saga-2", "undo", 0);
        assert_waits(Effects::<CancelOrderSaga>::act(&effects, &key, &call).await);
    }
}
