//! A shop with one product, and commands that write its history.

use domain::order::{Order, OrderCreated, OrderEvent, OrderItem};
use domain::stock::{Stock, StockEvent, StockUpdated};
use domain::value::{
    EntityId, OrderStatus, Price, ProductName, Quantity, Reference, StockLevel, TrackingNumber,
    UserId,
};
use event_sourcing::Command;
use event_sourcing::execute::{Lane, States, Stop, Work};
use event_sourcing::saga::{EventOf, Saga, SagaState};
use event_sourcing::testing::saga::World;

pub fn id(text: &str) -> EntityId {
    EntityId::parse("id", text).expect("a valid id")
}

pub fn reference(text: &str) -> Reference {
    Reference::parse("reference", text).expect("a valid reference")
}

pub fn tracking(text: &str) -> TrackingNumber {
    TrackingNumber::parse("trackingNumber", text).expect("a valid number")
}

pub fn quantity(pieces: i64) -> Quantity {
    Quantity::parse("quantity", pieces).expect("a valid quantity")
}

pub fn level(pieces: i64) -> StockLevel {
    StockLevel::parse("quantity", pieces).expect("a valid level")
}

/// So many pieces are on hand.
pub fn counted(pieces: i64) -> StockEvent {
    StockEvent::Updated(StockUpdated {
        product_id: id("sencha"),
        on_hand: level(pieces),
        reserved: level(0),
    })
}

/// An order for three pieces.
pub fn ordered() -> OrderCreated {
    let item = OrderItem {
        product_id: id("sencha"),
        product_name: ProductName::parse("name", "Sencha").expect("a valid name"),
        quantity: quantity(3),
        price: Price::parse("price", "4.50").expect("a valid price"),
    };
    OrderCreated {
        order_id: id("order-1"),
        saga_id: id("saga-1"),
        user_id: UserId::parse("userId", "aki").expect("a valid user"),
        total: item.subtotal(),
        items: vec![item],
        shipping_address: None,
    }
}

/// Writes down what has happened.
pub struct History<S: Saga> {
    pub order: Vec<OrderEvent>,
    pub stock: Vec<StockEvent>,
    pub saga: Option<EventOf<S>>,
}

impl<S: Saga> Command for History<S> {
    type Refusal = String;
    type Answer = ();
    const FIRST_EVENTS: &'static [&'static str] = &["OrderCreated", "StockUpdated"];

    fn lanes(&self) -> Vec<Lane> {
        vec![
            Lane::write::<Order>("order-1"),
            Lane::write::<Stock>("sencha"),
        ]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<String>> {
        work.append::<Order>("order-1", &self.order)?;
        work.append::<Stock>("sencha", &self.stock)?;
        if let Some(started) = &self.saga {
            work.append::<SagaState<S>>(started.saga_id(), std::slice::from_ref(started))?;
        }
        Ok(())
    }

    fn answer(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

/// Checks what the order's stream and the product's say at the end.
pub async fn is_left(
    world: &World,
    status: OrderStatus,
    held: Option<i64>,
    is_paid: bool,
) -> Result<(), String> {
    let order: Order = world.state("order-1").await;
    let stock: Stock = world.state("sencha").await;
    let values = order.values().ok_or("there is no order")?;
    let deals = (values.payment.is_some(), values.shipment.is_some());
    let kept = stock.reservation(&id("order-1"));
    if values.status == status && kept == held.map(quantity) && deals == (is_paid, is_paid) {
        return Ok(());
    }
    Err(format!("{values:?} with {kept:?} held"))
}
