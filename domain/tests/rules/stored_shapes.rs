//! Each shape that was ever stored stays readable. A fixture is never edited: a new shape gets a new file, a new row
//! here, and an upcaster.

use std::fmt::Debug;

use domain::category::{
    CategoryCreated, CategoryDeleted, CategoryEvent, CategoryNameEvent, CategoryNameHeld,
    CategoryUpdated, MembershipEvent,
};
use domain::product::{
    ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
use domain::stock::{StockClosed, StockEvent, StockHeld, StockUpdated};
use domain::value::NameKey;
use event_sourcing::{DecodeError, DomainEvent, StoredEvent};

use crate::support::{
    category_name, description, id, level, price, product_name, quantity, reason,
};

/// Reads the fixture, and expects that today's writer writes the same.
#[track_caller]
pub fn reads<E: DomainEvent + PartialEq + Debug>(event_type: &str, fixture: &str, event: &E) {
    let read = E::decode(event_type, 1, fixture).expect("a shape that was stored");
    assert_eq!(&read, event);
    let written = event.encode();
    assert_eq!(
        (
            written.event_type,
            written.schema_version,
            written.data.as_str()
        ),
        (event_type, 1, fixture.trim_end())
    );
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name, ".v1.json"))
    };
}
pub(crate) use fixture;

#[test]
fn category_events() {
    reads(
        "CategoryCreated",
        fixture!("CategoryCreated"),
        &CategoryEvent::Created(CategoryCreated {
            category_id: id("tea"),
            name: category_name("Tea"),
            description: Some(description("Leaves and herbs")),
        }),
    );
    reads(
        "CategoryUpdated",
        fixture!("CategoryUpdated"),
        &CategoryEvent::Updated(CategoryUpdated {
            category_id: id("tea"),
            name: category_name("Fine Tea"),
            description: None,
        }),
    );
    reads(
        "CategoryDeleted",
        fixture!("CategoryDeleted"),
        &CategoryEvent::Deleted(CategoryDeleted {
            category_id: id("tea"),
        }),
    );
}

#[test]
fn category_name_events() {
    reads(
        "CategoryNameClaimed",
        fixture!("CategoryNameClaimed"),
        &CategoryNameEvent::Claimed(CategoryNameHeld {
            name_key: NameKey::of("tea"),
            category_id: id("tea"),
        }),
    );
    reads(
        "CategoryNameReleased",
        fixture!("CategoryNameReleased"),
        &CategoryNameEvent::Released(CategoryNameHeld {
            name_key: NameKey::of("tea"),
            category_id: id("tea"),
        }),
    );
}

#[test]
fn membership_events() {
    reads(
        "CategoryProductAdded",
        fixture!("CategoryProductAdded"),
        &MembershipEvent::added(&id("tea"), &id("sencha")),
    );
    reads(
        "CategoryProductRemoved",
        fixture!("CategoryProductRemoved"),
        &MembershipEvent::removed(&id("tea"), &id("sencha")),
    );
}

#[test]
fn product_events() {
    reads(
        "ProductCreated",
        fixture!("ProductCreated"),
        &ProductEvent::Created(ProductCreated {
            product_id: id("sencha"),
            name: product_name("Sencha"),
            description: None,
            price: price("19.90"),
            category_id: Some(id("tea")),
        }),
    );
    reads(
        "ProductUpdated",
        fixture!("ProductUpdated"),
        &ProductEvent::Updated(ProductUpdated {
            product_id: id("sencha"),
            name: product_name("Sencha"),
            description: Some(description("First flush")),
            price: price("24.90"),
            category_id: None,
            previous_category_id: Some(id("tea")),
        }),
    );
    reads(
        "ProductPriceChanged",
        fixture!("ProductPriceChanged"),
        &ProductEvent::PriceChanged(ProductPriceChanged {
            product_id: id("sencha"),
            old_price: price("19.90"),
            new_price: price("24.90"),
            reason: Some(reason("New harvest")),
        }),
    );
    reads(
        "ProductDeleted",
        fixture!("ProductDeleted"),
        &ProductEvent::Deleted(ProductDeleted {
            product_id: id("sencha"),
            category_id: Some(id("tea")),
        }),
    );
}

fn held(on_hand: i64, reserved: i64) -> StockHeld {
    StockHeld {
        product_id: id("sencha"),
        order_id: id("order-1"),
        quantity: quantity(3),
        on_hand: level(on_hand),
        reserved: level(reserved),
    }
}

#[test]
fn stock_events() {
    reads(
        "StockUpdated",
        fixture!("StockUpdated"),
        &StockEvent::Updated(StockUpdated {
            product_id: id("sencha"),
            on_hand: level(12),
            reserved: level(0),
        }),
    );
    reads(
        "StockReserved",
        fixture!("StockReserved"),
        &StockEvent::Reserved(held(12, 3)),
    );
    reads(
        "StockReleased",
        fixture!("StockReleased"),
        &StockEvent::Released(held(12, 0)),
    );
    reads(
        "StockDeducted",
        fixture!("StockDeducted"),
        &StockEvent::Deducted(held(9, 0)),
    );
    reads(
        "StockClosed",
        fixture!("StockClosed"),
        &StockEvent::Closed(StockClosed {
            product_id: id("sencha"),
        }),
    );
}

#[test]
fn unknown_names_and_shapes_are_errors() {
    assert!(matches!(
        ProductEvent::decode("ProductPainted", 1, "{}"),
        Err(DecodeError::UnknownType { .. })
    ));
    assert!(matches!(
        ProductEvent::decode("ProductCreated", 2, "{}"),
        Err(DecodeError::UnknownVersion { .. })
    ));
    assert!(matches!(
        ProductEvent::decode("ProductCreated", 1, "{}"),
        Err(DecodeError::Data { .. })
    ));
}
