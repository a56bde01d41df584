//! Orders: placing, cancelling, shipping, delivering, and rejections of each.

use contract::proto::{
    Order, OrderItem, OrderStatus, SagaStatus, ShippingAddress, StartOrderSagaParam, Stock,
};

use crate::fulfilment::{
    cancellation_of, changed, order_of, out_of_carriers_reach, placed, slow_payments, to,
    well_behaved, without_shipping,
};
use crate::support::{
    Service, assert_conflict, assert_invalid, assert_not_found, assert_rejected, at_both_homes,
    on_both_engines, position, with_command_id,
};

const COMMAND: &str = "01890000-0000-7000-8000-000000000001";

impl Service {
    async fn ship(&self, id: &str) -> Result<(Order, bool), contract::proto::Error> {
        changed(self.orders.clone().ship(to(id)).await)
    }

    async fn deliver(&self, id: &str) -> Result<(Order, bool), contract::proto::Error> {
        changed(self.orders.clone().deliver(to(id)).await)
    }

    async fn cancel(&self, id: &str) -> Result<(Order, bool), contract::proto::Error> {
        changed(self.orders.clone().cancel(cancellation_of(id)).await)
    }

    /// The stock of a product, read by setting its current quantity again.
    async fn stock_of(&self, product: &str, on_hand: i64) -> Stock {
        self.update_stock(product, on_hand).await.expect("a stock")
    }
}

#[track_caller]
fn assert_state(result: &Result<(Order, bool), contract::proto::Error>, message: &str) {
    assert_rejected(result, "DOMAIN_ERROR", 9);
    let error = result.as_ref().expect_err("a rejection");
    assert!(error.message.ends_with(message), "{}", error.message);
}

#[tokio::test]
async fn an_order_is_returned_with_its_saga_and_is_fulfilled() {
    on_both_engines(async |service| {
        let (tea, cup) = (
            service.stocked("Tea", 5).await,
            service.stocked("Cup", 5).await,
        );
        let before = service.head().await;
        let param = StartOrderSagaParam {
            shipping_address: Some(ShippingAddress {
                street: "High Street 1".to_owned(),
                city: "Oxford".to_owned(),
                postal_code: "OX1".to_owned(),
            }),
            ..order_of(&[(&tea, 2), (&cup, 1), (&tea, 1)])
        };
        let reply = service.sagas.clone().start_order_saga(param.clone()).await;
        let seen = position(reply.as_ref().expect("a reply"));
        assert_eq!(seen, Some(before + 2), "OrderCreated and SagaStarted");
        let placed = placed(reply).expect("an order");
        assert_eq!(placed.status, "started");
        let order = placed.order.expect("an order");
        assert_eq!(order.status(), OrderStatus::Processing);
        assert_eq!((order.user_id.as_str(), order.version), ("ada", 1));
        assert_eq!(order.total_amount, "40.00");
        assert_eq!(order.shipping_address, param.shipping_address);
        assert_eq!(order.tracking_number, None);
        let item = |product_id: &str, product_name: &str, quantity, subtotal| OrderItem {
            product_id: product_id.to_owned(),
            product_name: product_name.to_owned(),
            quantity,
            unit_price: 10.0,
            subtotal: f64::from(quantity) * 10.0,
            unit_price_decimal: Some("10.00".to_owned()),
            subtotal_decimal: Some(String::from(subtotal)),
        };
        let items = [item(&tea, "Tea", 3, "30.00"), item(&cup, "Cup", 1, "10.00")];
        assert_eq!(order.items, items, "repeated products are added up");

        service.until(&placed.saga_id, SagaStatus::Completed).await;
        let (shipped, unchanged) = service.ship(&order.id).await.expect("a shipment");
        assert_eq!((shipped.status(), unchanged), (OrderStatus::Shipped, false));
        assert!(shipped.tracking_number.is_some());
        let stock = service.stock_of(&tea, 2).await;
        assert_eq!((stock.on_hand, stock.reserved), (2, 0), "3 of 5 have left");
        let (_, unchanged) = service.ship(&order.id).await.expect("no other shipment");
        assert!(unchanged);
        let (delivered, _) = service.deliver(&order.id).await.expect("a delivery");
        assert_eq!(delivered.status(), OrderStatus::Delivered);
        let (_, unchanged) = service.deliver(&order.id).await.expect("no other delivery");
        assert!(unchanged);
        assert_state(
            &service.ship(&order.id).await,
            "is DELIVERED and cannot be shipped",
        );
        assert_state(
            &service.cancel(&order.id).await,
            "is DELIVERED and cannot be cancelled",
        );
    })
    .await;
}

#[tokio::test]
async fn an_unconfirmed_order_can_be_neither_shipped_nor_delivered() {
    at_both_homes(async |home| {
        let service = home.start_like(&slow_payments()).await;
        let tea = service.stocked("Tea", 5).await;
        let (order_id, saga_id) = service.place(&[(&tea, 2)]).await;
        let at_payment = |saga: &contract::proto::Saga| saga.current_step() == "process_payment";
        service.until_saga(&saga_id, at_payment).await;
        let head = service.head().await;
        assert_state(
            &service.ship(&order_id).await,
            "is PROCESSING and cannot be shipped",
        );
        assert_state(
            &service.deliver(&order_id).await,
            "is PROCESSING and cannot be delivered",
        );
        assert_eq!(service.head().await, head, "nothing was written");
        service.leave().await;
    })
    .await;
}

#[tokio::test]
async fn an_unknown_order_is_not_found_and_an_invalid_id_is_named() {
    on_both_engines(async |service| {
        assert_not_found(&service.ship("unknown").await);
        assert_not_found(&service.deliver("unknown").await);
        assert_not_found(&service.cancel("unknown").await);
        assert_invalid(&service.ship("naïve").await, "id");
        assert_invalid(&service.deliver("").await, "id");
        assert_invalid(&service.cancel("a b").await, "orderId");
        let mut param = cancellation_of("unknown");
        param.reason = Some("\0".to_owned());
        let cancelled = service.orders.clone().cancel(param).await;
        assert_invalid(&changed(cancelled), "reason");
        assert_eq!(service.head().await, 0, "nothing was written");
    })
    .await;
}

/// Makes one field of an order invalid.
type Spoil = fn(&mut StartOrderSagaParam);

#[tokio::test]
async fn each_invalid_field_of_an_order_is_named() {
    let cases: [(&str, Spoil); 9] = [
        ("userId", |order| order.customer_id = "\0".to_owned()),
        ("orderId", |order| order.order_id = "an id".to_owned()),
        ("items", |order| order.items.clear()),
        ("items[0].productId", |order| {
            order.items[0].product_id = "nothing".to_owned();
        }),
        ("items[1].quantity", |order| {
            order.items.push(order.items[0].clone());
            order.items[1].quantity = 1_001;
        }),
        ("shippingAddress.street", |order| {
            order.shipping_address = Some(ShippingAddress {
                street: "x".repeat(256),
                ..ShippingAddress::default()
            });
        }),
        ("items[0].unitPrice", |order| {
            order.items[0].unit_price = f64::NAN;
        }),
        ("items[1].subtotal", |order| {
            order.items.push(order.items[0].clone());
            order.items[1].subtotal_decimal = Some("many".to_owned());
        }),
        ("totalAmount", |order| {
            order.total_amount_decimal = Some("1.234".to_owned());
        }),
    ];
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let head = service.head().await;
        for (field, spoil) in &cases {
            let mut order = order_of(&[(&tea, 1)]);
            spoil(&mut order);
            let reply = service.sagas.clone().start_order_saga(order).await;
            assert_invalid(&placed(reply), field);
        }
        assert_eq!(service.head().await, head, "nothing was written");
    })
    .await;
}

#[tokio::test]
async fn a_price_that_is_not_current_is_a_conflict() {
    let wrong: [Spoil; 6] = [
        |order| order.items[0].unit_price = 9.5,
        |order| order.items[0].unit_price_decimal = Some("10.01".to_owned()),
        |order| order.items[0].subtotal = 10.0,
        |order| order.items[0].subtotal_decimal = Some("19.99".to_owned()),
        |order| order.total_amount = 21.0,
        |order| order.total_amount_decimal = Some("0.00".to_owned()),
    ];
    let right: [Spoil; 2] = [
        |order| {
            order.items[0].unit_price = 10.0;
            order.items[0].subtotal = 20.0;
            order.total_amount = 20.0;
        },
        // The exact value takes precedence over the rounded one.
        |order| {
            order.total_amount = 7.0;
            order.total_amount_decimal = Some("20".to_owned());
        },
    ];
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 100).await;
        let place = async |spoil: &Spoil| {
            let mut order = order_of(&[(&tea, 2)]);
            spoil(&mut order);
            placed(service.sagas.clone().start_order_saga(order).await)
        };
        for spoil in &wrong {
            assert_conflict(&place(spoil).await);
        }
        for spoil in &right {
            place(spoil).await.expect("an order");
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_can_be_used_once_and_a_shortage_cancels_the_order() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 1).await;
        let order = StartOrderSagaParam {
            order_id: "o-1".to_owned(),
            ..order_of(&[(&tea, 2)])
        };
        let reply = service.sagas.clone().start_order_saga(order.clone()).await;
        let first = placed(reply).expect("an order");
        let second = service.sagas.clone().start_order_saga(order).await;
        assert_conflict(&placed(second));
        let saga = service.until(&first.saga_id, SagaStatus::Compensated).await;
        let reason = saga.failure_reason();
        assert!(reason.contains("has 1 available, 2 wanted"), "{reason}");
        let (order, unchanged) = service.cancel("o-1").await.expect("cancelled already");
        assert_eq!((order.status(), unchanged), (OrderStatus::Cancelled, true));
    })
    .await;
}

#[tokio::test]
async fn a_declined_shipment_refunds_the_payment_and_releases_the_stock() {
    at_both_homes(async |home| {
        let service = home.start_like(&without_shipping()).await;
        let tea = service.stocked("Tea", 5).await;
        let (order_id, saga_id) = service.place(&[(&tea, 2)]).await;
        let saga = service.until(&saga_id, SagaStatus::Compensated).await;
        assert_eq!(
            saga.completed_steps,
            ["reserve_inventory", "process_payment"]
        );
        assert!(
            saga.compensated_steps
                .ends_with(&["process_payment".to_owned(), "reserve_inventory".to_owned()])
        );
        let stock = service.stock_of(&tea, 5).await;
        assert_eq!((stock.on_hand, stock.reserved), (5, 0));
        assert_state(
            &service.ship(&order_id).await,
            "is CANCELLED and cannot be shipped",
        );
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_order_can_be_cancelled_while_the_carrier_is_unreachable() {
    at_both_homes(async |home| {
        let service = home.start_like(&out_of_carriers_reach()).await;
        let tea = service.stocked("Tea", 5).await;
        let (order_id, saga_id) = service.place(&[(&tea, 2)]).await;
        // By now the first attempt was looked up at the carrier, without a result.
        service
            .until_saga(&saga_id, |saga| saga.attempts >= 3)
            .await;
        service.cancel(&order_id).await.expect("a cancellation");
        service.until(&saga_id, SagaStatus::Compensated).await;
        let stock = service.stock_of(&tea, 5).await;
        assert_eq!((stock.on_hand, stock.reserved), (5, 0));
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_order_is_cancelled_while_its_saga_is_running() {
    at_both_homes(async |home| {
        let service = home.start_like(&slow_payments()).await;
        let tea = service.stocked("Tea", 5).await;
        let (order_id, saga_id) = service.place(&[(&tea, 2)]).await;
        let (order, unchanged) = service.cancel(&order_id).await.expect("a cancellation");
        assert_eq!(
            (order.status(), unchanged),
            (OrderStatus::Processing, false),
            "the request is stored; the saga starts compensation"
        );
        let (_, unchanged) = service.cancel(&order_id).await.expect("a repeated request");
        assert!(unchanged);
        assert_state(&service.ship(&order_id).await, "cannot be shipped");
        let (_, events) = service.show(&saga_id).await.expect("a saga");
        let wishes = events
            .iter()
            .filter(|event| event.event_type == "SagaCancelRequested");
        let why: Vec<_> = wishes.map(contract::proto::SagaEvent::why).collect();
        assert_eq!(why, ["changed my mind"]);
        service.leave().await;
    })
    .await;
}

#[tokio::test]
async fn a_confirmed_order_is_compensated_by_a_separate_saga() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let (order_id, first) = service.confirmed(&[(&tea, 2)]).await;
        let stock = service.stock_of(&tea, 5).await;
        assert_eq!((stock.on_hand, stock.reserved), (5, 2));
        let (order, unchanged) = service.cancel(&order_id).await.expect("a cancellation");
        assert_eq!((order.status(), unchanged), (OrderStatus::Confirmed, false));
        let second = service.latest_saga(&order_id).await;
        assert_ne!(second, first);
        let saga = service.until(&second, SagaStatus::Completed).await;
        assert_eq!(saga.r#type, "cancel_order");
        let undone = ["cancel_shipping", "refund_payment", "release_inventory"];
        assert_eq!(saga.completed_steps, undone);
        assert_eq!(service.stock_of(&tea, 5).await.reserved, 0);
        let first = service.until(&first, SagaStatus::Completed).await;
        assert_eq!(first.r#type, "order", "the first one stays as it was");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_command_returns_the_first_reply() {
    at_both_homes(async |home| {
        let service = home.start_like(&well_behaved()).await;
        let tea = service.stocked("Tea", 5).await;
        let order = order_of(&[(&tea, 2)]);
        let place = async || {
            let request = with_command_id(order.clone(), COMMAND);
            placed(service.sagas.clone().start_order_saga(request).await).expect("an order")
        };
        let first = place().await;
        let saga = service.until(&first.saga_id, SagaStatus::Completed).await;
        let id = saga.order_id;
        assert_eq!(
            place().await,
            first,
            "the order is still PROCESSING in the first reply"
        );

        let ship_id = COMMAND.replace("01890000", "01890001");
        let ship = async || {
            let request = with_command_id(to(&id), &ship_id);
            let reply = service.orders.clone().ship(request).await;
            let seen = position(reply.as_ref().expect("a reply"));
            (changed(reply).expect("a shipment"), seen)
        };
        let first = ship().await;
        service.deliver(&id).await.expect("a delivery");
        let head = service.head().await;
        assert_eq!(
            ship().await,
            first,
            "the order is still SHIPPED in the first reply"
        );
        let reused = with_command_id(to(&id), COMMAND);
        assert_conflict(&changed(service.orders.clone().deliver(reused).await));
        let reused = with_command_id(cancellation_of(&id), &ship_id);
        assert_conflict(&changed(service.orders.clone().cancel(reused).await));
        assert_eq!(service.head().await, head, "nothing was written");
        service.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_repeated_cancellation_returns_the_first_reply() {
    on_both_engines(async |service| {
        let tea = service.stocked("Tea", 5).await;
        let (id, _) = service.confirmed(&[(&tea, 2)]).await;
        let cancel = async || {
            let request = with_command_id(cancellation_of(&id), COMMAND);
            changed(service.orders.clone().cancel(request).await).expect("a cancellation")
        };
        let (first, _) = cancel().await;
        let saga_id = service.latest_saga(&id).await;
        service.until(&saga_id, SagaStatus::Completed).await;
        let (second, _) = cancel().await;
        assert_eq!(
            second, first,
            "the order is still CONFIRMED in the first reply"
        );
        assert_eq!(service.latest_saga(&id).await, saga_id);
    })
    .await;
}
