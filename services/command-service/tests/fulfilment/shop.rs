//! A shop with two products, in which one order is placed.

use std::time::Duration;

use domain::fulfilment::{ArrangeShipping, ProcessPayment};
use domain::order::{GivenLine, Order, OrderLines, PlaceOrder};
use domain::product::CreateProduct;
use domain::stock::{Stock, StockValues, UpdateStock};
use domain::value::{
    EntityId, OrderStatus, Price, ProductName, Reference, StockLevel, TrackingNumber, UserId,
};
use event_sourcing::{Clock, CommandId, Context, Executor, Metadata};
use sagas::EngineBuilder;
use sagas::testing::{FakeProvider, TestEnv};
use tokio::time::Instant;

pub const ORDER: &str = "order-1";
pub const ORDER_SAGA: &str = "saga-1";
/// The ordered quantity and the stock on hand of each product.
pub const GOODS: [(&str, u32, u32); 2] = [("tea", 2, 5), ("cup", 1, 3)];

pub fn id(text: &str) -> EntityId {
    EntityId::parse("id", text).expect("an id")
}

pub fn user() -> UserId {
    UserId::parse("userId", "mika").expect("a user")
}

fn level(pieces: u32) -> StockLevel {
    StockLevel::parse("stockQuantity", pieces.into()).expect("a stock level")
}

/// Creates the products and places the order.
pub async fn open(env: &TestEnv) {
    for command in products() {
        env.execute(&command).await;
    }
    env.execute(&order()).await;
}

/// Creates the products and places the order, on an executor.
pub async fn fill(executor: &Executor, clock: &dyn Clock) {
    let context = |seed| Context {
        command_id: CommandId::from_parts(clock.now(), [seed; 10]),
        deadline: Instant::now() + Duration::from_secs(5),
        metadata: Metadata::default(),
        fence: None,
    };
    for (seed, command) in (1..).zip(products()) {
        executor
            .execute(&command, &context(seed))
            .await
            .expect("a product");
    }
    executor
        .execute(&order(), &context(0))
        .await
        .expect("an order");
}

fn products() -> Vec<CreateProduct> {
    let products = GOODS.iter().map(|(product, _, on_hand)| CreateProduct {
        id: id(product),
        name: ProductName::parse("name", product).expect("a name"),
        description: None,
        price: Price::parse("price", "19.90").expect("a price"),
        category_id: None,
        on_hand: level(*on_hand),
    });
    products.collect()
}

fn order() -> PlaceOrder {
    let lines = GOODS.map(|(product_id, quantity, _)| GivenLine {
        product_id,
        quantity: quantity.into(),
        ..GivenLine::default()
    });
    PlaceOrder {
        id: id(ORDER),
        saga_id: id(ORDER_SAGA),
        user_id: user(),
        lines: OrderLines::parse("items", &lines).expect("lines"),
        shipping_address: None,
        expected_total: None,
    }
}

/// Reduces the stock below the ordered quantities, so that the reservation fails.
pub async fn lose_the_goods(env: &TestEnv) {
    for (product, ..) in GOODS {
        let command = UpdateStock {
            product_id: id(product),
            on_hand: level(0),
        };
        env.execute(&command).await;
    }
}

/// Providers that accept every operation.
pub fn providers(provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
    engine
        .provider(provider.provider::<ProcessPayment>(|_| payment_id()))
        .provider(provider.provider::<ArrangeShipping>(|_| tracking_number()))
}

pub fn payment_id() -> Reference {
    Reference::parse("payment", "pay-1").expect("a name")
}

pub fn tracking_number() -> TrackingNumber {
    TrackingNumber::parse("number", "trk-1").expect("a number")
}

/// What an order holds in a given status.
#[derive(Clone, Copy, Debug)]
pub struct Holds {
    pub status: OrderStatus,
    pub goods: bool,
    pub deals: bool,
}

/// Checks that the order and the stock are both in the expected state.
pub async fn holds(env: &TestEnv, wanted: Holds) -> Result<(), String> {
    let order: Order = env.state(ORDER).await;
    let order = order.values().ok_or("there is no order")?;
    if order.status != wanted.status {
        return Err(format!(
            "the order is {}, not {}",
            order.status, wanted.status
        ));
    }
    let (has_payment, has_shipment) = (order.payment.is_some(), order.shipment.is_some());
    if (has_payment, has_shipment) != (wanted.deals, wanted.deals) {
        return Err(format!("payment: {has_payment}, shipment: {has_shipment}"));
    }
    for (product, quantity, _) in GOODS {
        let stock: Stock = env.state(product).await;
        let Some(StockValues { reserved, .. }) = stock.lifecycle().active() else {
            return Err(format!("there is no stock of {product}"));
        };
        let wanted = if wanted.goods { quantity } else { 0 };
        if reserved.get() != wanted {
            return Err(format!(
                "{} of {product} are reserved, not {wanted}",
                reserved.get()
            ));
        }
    }
    Ok(())
}
