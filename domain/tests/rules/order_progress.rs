use domain::order::{Order, OrderAct, OrderEvent, OrderObstacle};
use domain::value::{Money, OrderStatus};
use event_sourcing::testing::given;

use crate::orders::{
    cancelled, confirmed, created, delivered, in_status, no_shipment, not_found, order, payment,
    refund, rejected, requested, shipment, shipped, wrong_status,
};
use crate::support::{reference, tracking};

fn paid(key: &str) -> OrderEvent {
    OrderEvent::PaymentProcessed(payment(key))
}

fn refunded() -> OrderEvent {
    OrderEvent::PaymentRefunded(refund())
}

fn arranged(key: &str) -> OrderEvent {
    OrderEvent::ShippingArranged(shipment(key))
}

fn given_up() -> OrderEvent {
    OrderEvent::ShippingCancelled(no_shipment())
}

#[test]
fn an_order_without_events_is_not_found() {
    let nothing = Order::default();
    assert_eq!(nothing.confirm(&order()), Err(not_found()));
    assert_eq!(nothing.ship(&order()), Err(not_found()));
    assert_eq!(nothing.deliver(&order()), Err(not_found()));
    assert_eq!(not_found().to_string(), "order order-1 does not exist");
}

#[test]
fn an_order_has_its_payment_and_shipment() {
    let order = given::<Order>([created(), paid("k"), arranged("l")]).state();
    let values = order.values().unwrap();
    let payment = values.payment.as_ref().unwrap();
    assert_eq!(payment.payment_id, reference("pay-1"));
    assert_eq!(payment.key, reference("k"));
    assert_eq!(payment.amount, Money::from_cents(5_970));
    let shipment = values.shipment.as_ref().unwrap();
    assert_eq!(shipment.tracking_number, tracking("TRACK-1"));
    assert_eq!(shipment.key, reference("l"));
    let snapshot = serde_json::to_string(&order).unwrap();
    assert_eq!(serde_json::from_str::<Order>(&snapshot).unwrap(), order);
}

#[test]
fn an_undone_payment_or_shipment_is_removed() {
    let history = [created(), paid("k"), arranged("l"), given_up(), refunded()];
    let order = given::<Order>(history).state();
    let values = order.values().unwrap();
    assert_eq!((&values.payment, &values.shipment), (&None, &None));
}

#[test]
fn an_order_is_confirmed_once() {
    given::<Order>([created(), paid("k"), arranged("k")])
        .when(|values| values.confirm(&order()))
        .then([confirmed()]);
    for status in [
        OrderStatus::Confirmed,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
    ] {
        assert_eq!(in_status(status).confirm(&order()), Ok(vec![]));
    }
    for status in [OrderStatus::Cancelled, OrderStatus::Failed] {
        assert_eq!(
            in_status(status).confirm(&order()),
            Err(wrong_status(status, OrderAct::Confirm))
        );
    }
}

#[test]
fn an_order_that_is_being_cancelled_is_not_confirmed() {
    given::<Order>([created(), requested(None)])
        .when(|values| values.confirm(&order()))
        .then_rejected(rejected(OrderObstacle::BeingCancelled, OrderAct::Confirm));
}

#[test]
fn only_a_confirmed_order_is_shipped() {
    given::<Order>([created(), confirmed()])
        .when(|values| values.ship(&order()))
        .then([shipped()]);
    assert_eq!(in_status(OrderStatus::Shipped).ship(&order()), Ok(vec![]));
    for status in [
        OrderStatus::Processing,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
        OrderStatus::Failed,
    ] {
        assert_eq!(
            in_status(status).ship(&order()),
            Err(wrong_status(status, OrderAct::Ship))
        );
    }
}

#[test]
fn an_order_that_is_being_cancelled_is_not_shipped() {
    let rejection = rejected(OrderObstacle::BeingCancelled, OrderAct::Ship);
    assert_eq!(
        rejection.to_string(),
        "order order-1 is being cancelled and cannot be shipped"
    );
    given::<Order>([created(), confirmed(), requested(Some("saga-2"))])
        .when(|values| values.ship(&order()))
        .then_rejected(rejection);
}

#[test]
fn only_a_shipped_order_is_delivered() {
    given::<Order>([created(), confirmed(), shipped()])
        .when(|values| values.deliver(&order()))
        .then([delivered()]);
    assert_eq!(
        in_status(OrderStatus::Delivered).deliver(&order()),
        Ok(vec![])
    );
    for status in [
        OrderStatus::Processing,
        OrderStatus::Confirmed,
        OrderStatus::Cancelled,
        OrderStatus::Failed,
    ] {
        assert_eq!(
            in_status(status).deliver(&order()),
            Err(wrong_status(status, OrderAct::Deliver))
        );
    }
    assert_eq!(
        wrong_status(OrderStatus::Confirmed, OrderAct::Deliver).to_string(),
        "order order-1 is CONFIRMED and cannot be delivered"
    );
}

#[test]
fn a_second_created_event_changes_only_the_version() {
    let order = given::<Order>([created(), cancelled(None), created()]).state();
    assert_eq!(order.values().unwrap().status, OrderStatus::Cancelled);
    assert_eq!(order.version().0, 3);
}
