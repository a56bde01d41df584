use std::collections::HashMap;

use domain::order::{GivenLine, Order, OrderEvent, OrderLines, PlaceOrder};
use domain::product::{Product, ProductCreated, ProductEvent, ProductValues};
use domain::value::{EntityId, Money, OrderStatus, ProductName, ShippingAddress, UserId};
use domain::{Conflict, DomainError, Entity, Priced, ValidationError};
use event_sourcing::DomainEvent;
use event_sourcing::testing::given;

use crate::orders::{created, in_status, order};
use crate::support::{address, id, price, product_name, user};

/// The store's limit for the data of one event.
const MAX_EVENT_BYTES: usize = 256 * 1024;

struct Shop(HashMap<EntityId, ProductValues>);

impl Shop {
    fn selling(products: &[(&str, &ProductName, &str)]) -> Self {
        let product = |(product_id, name, cost): &(&str, &ProductName, &str)| {
            let product = given::<Product>([ProductEvent::Created(ProductCreated {
                product_id: id(product_id),
                name: (*name).clone(),
                description: None,
                price: price(cost),
                category_id: None,
            })])
            .state();
            (
                id(product_id),
                product.lifecycle().active().expect("a product").clone(),
            )
        };
        Self(products.iter().map(product).collect())
    }

    fn decide(&self, command: &PlaceOrder) -> Result<Vec<OrderEvent>, DomainError> {
        let created = Order::default().create(command, |id| self.0.get(id));
        created.map(|created| vec![OrderEvent::Created(created)])
    }
}

fn shop() -> Shop {
    Shop::selling(&[
        ("sencha", &product_name("Sencha"), "19.90"),
        ("matcha", &product_name("Matcha"), "0.01"),
    ])
}

fn line(product_id: &str, quantity: i64) -> GivenLine<'_> {
    GivenLine {
        product_id,
        quantity,
        ..GivenLine::default()
    }
}

fn command(lines: &[GivenLine<'_>]) -> PlaceOrder {
    PlaceOrder {
        id: order(),
        saga_id: id("saga-1"),
        user_id: user("mika"),
        lines: OrderLines::parse("items", lines).expect("valid lines"),
        shipping_address: Some(address()),
        expected_total: None,
    }
}

fn cents(cents: i64) -> Money {
    Money::from_cents(cents)
}

fn differs(of: Priced, expected: i64, actual: i64) -> DomainError {
    DomainError::Conflict(Conflict::Amount {
        of,
        expected: cents(expected),
        actual: cents(actual),
    })
}

#[test]
fn an_order_keeps_the_names_and_prices_at_its_creation() {
    assert_eq!(
        shop().decide(&command(&[line("sencha", 3)])),
        Ok(vec![created()])
    );
}

#[test]
fn a_new_order_is_processing() {
    let order = in_status(OrderStatus::Processing);
    let values = order.values().unwrap();
    assert_eq!(values.status, OrderStatus::Processing);
    assert_eq!(values.saga_id, id("saga-1"));
    assert_eq!(values.items[0].subtotal(), cents(5_970));
}

#[test]
fn the_total_is_the_exact_sum() {
    let events = shop().decide(&command(&[line("sencha", 1_000), line("matcha", 7)]));
    let Ok([OrderEvent::Created(data)]) = events.as_deref() else {
        panic!("{events:?}");
    };
    assert_eq!(data.total, cents(1_990_007));
}

#[test]
fn an_id_is_not_reused() {
    let taken = in_status(OrderStatus::Cancelled);
    let shop = shop();
    assert_eq!(
        taken.create(&command(&[line("sencha", 3)]), |id| shop.0.get(id)),
        Err(DomainError::Conflict(Conflict::AlreadyExists {
            entity: Entity::Order,
            id: order(),
        }))
    );
}

#[test]
fn each_missing_product_is_reported_with_its_field() {
    let lines = [
        line("sencha", 1),
        line("gone", 1),
        line("sencha", 1),
        line("never", 1),
    ];
    let finding = |field: &str, given: &str| ValidationError {
        field: field.to_owned(),
        message: format!("{field} must be an existing product, got {given:?}"),
    };
    assert_eq!(
        shop().decide(&command(&lines)),
        Err(DomainError::Validation(vec![
            finding("items[1].productId", "gone"),
            finding("items[3].productId", "never"),
        ]))
    );
}

#[test]
fn an_expected_price_that_differs_is_a_conflict() {
    let shop = shop();
    let with = |unit_price, subtotal| {
        let known = GivenLine {
            unit_price,
            subtotal,
            ..line("sencha", 2)
        };
        shop.decide(&command(&[line("sencha", 1), known]))
    };
    assert!(with(Some(cents(1_990)), Some(cents(3_980))).is_ok());
    assert_eq!(
        with(Some(cents(1_989)), None),
        Err(differs(Priced::Unit(id("sencha")), 1_989, 1_990))
    );
    // The subtotal is of the line, not of all lines with the product.
    let rejection = differs(Priced::Subtotal(id("sencha")), 5_970, 3_980);
    assert_eq!(
        rejection.to_string(),
        "the subtotal of product sencha is 39.80, expected 59.70"
    );
    assert_eq!(with(None, Some(cents(5_970))), Err(rejection));
}

#[test]
fn an_expected_total_that_differs_is_a_conflict() {
    let expecting = |total| PlaceOrder {
        expected_total: Some(cents(total)),
        ..command(&[line("sencha", 3)])
    };
    assert_eq!(shop().decide(&expecting(5_970)), Ok(vec![created()]));
    assert_eq!(
        shop().decide(&expecting(1)),
        Err(differs(Priced::Total, 1, 5_970))
    );
}

/// Every text of 100 lines is full of characters that JSON escapes to six bytes.
#[test]
fn the_largest_order_fits_into_an_event() {
    let name = ProductName::parse("name", &format!("a{}a", "\u{1}".repeat(198))).unwrap();
    let ids: Vec<String> = (0..100).map(|index| format!("{index:0>64}")).collect();
    let products: Vec<_> = ids
        .iter()
        .map(|id| (id.as_str(), &name, "999999.99"))
        .collect();
    let lines: Vec<_> = ids.iter().map(|id| line(id, 1_000)).collect();
    let part = |length| "\u{1}".repeat(length);
    let largest = PlaceOrder {
        user_id: UserId::parse("userId", &part(255)).unwrap(),
        shipping_address: Some(
            ShippingAddress::parse("shippingAddress", &part(255), &part(255), &part(20)).unwrap(),
        ),
        ..command(&lines)
    };
    let events = Shop::selling(&products).decide(&largest);
    let Ok([OrderEvent::Created(data)]) = events.as_deref() else {
        panic!("{events:?}");
    };
    assert_eq!(data.total, cents(100 * 1_000 * 99_999_999));
    let written = OrderEvent::Created(data.clone()).encode().data;
    assert!(written.len() < MAX_EVENT_BYTES, "{} bytes", written.len());
}
