//! Each shape that was ever stored stays readable. A fixture is never edited: a new shape gets a new file, a new row here,
//! and an upcaster.

use std::fs;

use domain::category::{
    CategoryCreated, CategoryDeleted, CategoryEvent, CategoryNameEvent, CategoryNameHeld,
    CategoryUpdated, MembershipEvent,
};
use domain::product::{
    ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
use domain::stock::{StockClosed, StockEvent, StockHeld, StockUpdated};
use domain::value::{Money, NameKey};
use event_sourcing::testing::Fixtures;
use event_sourcing::{DecodeError, StoredEvent};

use crate::stored_names::of_domain;
use crate::support::{
    category_name, description, id, level, price, product_name, quantity, reason,
};

pub fn fixtures() -> Fixtures {
    Fixtures::at(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

#[test]
fn category_events() {
    fixtures().event(
        "CategoryCreated",
        1,
        &CategoryEvent::Created(CategoryCreated {
            category_id: id("tea"),
            name: category_name("Tea"),
            description: Some(description("Leaves and herbs")),
        }),
    );
    fixtures().event(
        "CategoryUpdated",
        1,
        &CategoryEvent::Updated(CategoryUpdated {
            category_id: id("tea"),
            name: category_name("Fine Tea"),
            description: None,
        }),
    );
    fixtures().event(
        "CategoryDeleted",
        1,
        &CategoryEvent::Deleted(CategoryDeleted {
            category_id: id("tea"),
        }),
    );
}

#[test]
fn category_name_events() {
    fixtures().event(
        "CategoryNameClaimed",
        1,
        &CategoryNameEvent::Claimed(CategoryNameHeld {
            name_key: NameKey::of("tea"),
            category_id: id("tea"),
        }),
    );
    fixtures().event(
        "CategoryNameReleased",
        1,
        &CategoryNameEvent::Released(CategoryNameHeld {
            name_key: NameKey::of("tea"),
            category_id: id("tea"),
        }),
    );
}

#[test]
fn membership_events() {
    fixtures().event(
        "CategoryProductAdded",
        1,
        &MembershipEvent::added(&id("tea"), &id("sencha")),
    );
    fixtures().event(
        "CategoryProductRemoved",
        1,
        &MembershipEvent::removed(&id("tea"), &id("sencha")),
    );
}

#[test]
fn product_events() {
    fixtures().event(
        "ProductCreated",
        1,
        &ProductEvent::Created(ProductCreated {
            product_id: id("sencha"),
            name: product_name("Sencha"),
            description: None,
            price: price("19.90"),
            category_id: Some(id("tea")),
        }),
    );
    fixtures().event(
        "ProductUpdated",
        1,
        &ProductEvent::Updated(ProductUpdated {
            product_id: id("sencha"),
            name: product_name("Sencha"),
            description: Some(description("First flush")),
            price: price("24.90"),
            category_id: None,
            previous_category_id: Some(id("tea")),
        }),
    );
    let price_changed = ProductEvent::PriceChanged(ProductPriceChanged {
        product_id: id("sencha"),
        old_price: price("19.90"),
        new_price: price("24.90"),
        difference: Money::from_cents(500),
        reason: Some(reason("New harvest")),
    });
    fixtures().event("ProductPriceChanged", 1, &price_changed);
    fixtures().event("ProductPriceChanged", 2, &price_changed);
    fixtures().event(
        "ProductDeleted",
        1,
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
    fixtures().event(
        "StockUpdated",
        1,
        &StockEvent::Updated(StockUpdated {
            product_id: id("sencha"),
            on_hand: level(12),
            reserved: level(0),
        }),
    );
    fixtures().event("StockReserved", 1, &StockEvent::Reserved(held(12, 3)));
    fixtures().event("StockReleased", 1, &StockEvent::Released(held(12, 0)));
    fixtures().event("StockDeducted", 1, &StockEvent::Deducted(held(9, 0)));
    fixtures().event(
        "StockClosed",
        1,
        &StockEvent::Closed(StockClosed {
            product_id: id("sencha"),
        }),
    );
}

#[test]
fn every_version_of_every_event_has_its_fixture() {
    for events in of_domain() {
        (events.expect_fixtures)(&fixtures());
    }
}

/// A fixture that only decodes may have its values in the wrong fields.
#[test]
fn every_fixture_is_compared_with_its_event() {
    let tests = concat!(
        include_str!("stored_shapes.rs"),
        include_str!("stored_orders.rs")
    );
    let tests: String = tests.split_whitespace().collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the fixtures") {
        let file = entry.expect("an entry").file_name();
        let file = file.to_str().expect("a name");
        let Some((name, version)) = file
            .strip_suffix(".json")
            .and_then(|file| file.split_once(".v"))
        else {
            continue;
        };
        let compared = format!("fixtures().event(\"{name}\",{version},");
        assert!(tests.contains(&compared), "compare {file} with its event");
        count += 1;
    }
    assert!(count >= 28, "{count} fixtures");
}

/// Data that no version had are a decode error, and no upcaster panics.
#[test]
fn invalid_data_of_an_older_version_are_an_error() {
    for data in ["null", "[]", "{}", r#"{"old_price_cents":"1"}"#] {
        assert!(matches!(
            ProductEvent::decode("ProductPriceChanged", 1, data),
            Err(DecodeError::Data { .. })
        ));
    }
}

#[test]
fn unknown_names_and_invalid_data_are_errors() {
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
