//! The rows of categories and products for given events.

use domain::category::{
    Category, CategoryCreated, CategoryDeleted, CategoryEvent, CategoryUpdated, Membership,
    MembershipEvent,
};
use domain::product::{
    Product, ProductCreated, ProductDeleted, ProductEvent, ProductPriceChanged, ProductUpdated,
};
use domain::stock::{Stock, StockClosed, StockEvent, StockHeld, StockUpdated};
use domain::value::{CategoryName, Description, Price, ProductName, Quantity, StockLevel};
use event_sourcing::testing::{Log, Projected, at, given_log};
use event_sourcing::{EncodedEvent, Position};
use query_service::projections::{Categories, CategoryRow, ProductRow, Products};

use crate::support::entity;

fn category_created() -> CategoryEvent {
    CategoryEvent::Created(CategoryCreated {
        category_id: entity("c"),
        name: CategoryName::parse("name", " Große Äpfel ").expect("a name"),
        description: None,
    })
}

fn product_created() -> ProductEvent {
    ProductEvent::Created(ProductCreated {
        product_id: entity("p"),
        name: ProductName::parse("name", "Lamp").expect("a name"),
        description: None,
        price: price("19.90"),
        category_id: Some(entity("c")),
    })
}

fn stock(on_hand: i64, reserved: i64) -> StockEvent {
    let level = |count| StockLevel::parse("quantity", count).expect("a level");
    StockEvent::Updated(StockUpdated {
        product_id: entity("p"),
        on_hand: level(on_hand),
        reserved: level(reserved),
    })
}

fn price(text: &str) -> Price {
    Price::parse("price", text).expect("a price")
}

fn micros(second: u32) -> i64 {
    at(second).timestamp_micros()
}

fn category_of(log: Log) -> Option<CategoryRow> {
    let mut rows = log.when_projected::<Categories>().rows();
    rows.remove("c")
}

fn product_of(log: Log) -> Option<ProductRow> {
    let mut rows = log.when_projected::<Products>().rows();
    rows.remove("p")
}

#[test]
fn a_category_has_its_product_count_independent_of_its_version() {
    let added = MembershipEvent::added(&entity("c"), &entity("p"));
    let removed = MembershipEvent::removed(&entity("c"), &entity("p"));
    let updated = CategoryEvent::Updated(CategoryUpdated {
        category_id: entity("c"),
        name: CategoryName::parse("name", "Pears").expect("a name"),
        description: Some(Description::parse("description", "sweet").expect("a text")),
    });
    let log = given_log()
        .with::<Category>("c", &category_created())
        .with::<Membership>("c", &added)
        .with::<Membership>("c", &added);
    assert_eq!(
        category_of(log),
        Some(CategoryRow {
            id: "c".to_owned(),
            name: "Große Äpfel".to_owned(),
            name_key: "grosse äpfel".to_owned(),
            description: None,
            product_count: 2,
            version: 1,
            created_at: micros(0),
            updated_at: micros(2),
        })
    );
    let log = given_log()
        .with::<Category>("c", &category_created())
        .with::<Membership>("c", &added)
        .with::<Category>("c", &updated)
        .with::<Membership>("c", &removed);
    let row = category_of(log).expect("a row");
    assert_eq!((row.product_count, row.version), (0, 2));
    assert_eq!(
        (row.name.as_str(), row.name_key.as_str()),
        ("Pears", "pears")
    );
    assert_eq!(row.description.as_deref(), Some("sweet"));
    assert_eq!((row.created_at, row.updated_at), (micros(0), micros(3)));
}

#[test]
fn a_deleted_category_stays_deleted() {
    let deleted = CategoryEvent::Deleted(CategoryDeleted {
        category_id: entity("c"),
    });
    let late = MembershipEvent::added(&entity("c"), &entity("p"));
    let log = given_log()
        .with::<Category>("c", &category_created())
        .with::<Category>("c", &deleted)
        .with::<Membership>("c", &late);
    assert_eq!(category_of(log), None);
}

#[test]
fn a_product_has_its_stock_independent_of_its_version() {
    let updated = ProductEvent::Updated(ProductUpdated {
        product_id: entity("p"),
        name: ProductName::parse("name", "Ｌamp 2").expect("a name"),
        description: Some(Description::parse("description", "bright").expect("a text")),
        price: price("39.90"),
        category_id: None,
        previous_category_id: Some(entity("c")),
    });
    let noted = ProductPriceChanged::new(&entity("p"), price("19.90"), price("39.90"), None);
    let noted = ProductEvent::PriceChanged(noted);
    let log = given_log()
        .with::<Product>("p", &product_created())
        .with::<Stock>("p", &stock(7, 0));
    let row = product_of(log).expect("a row");
    assert_eq!((row.version, row.on_hand, row.reserved), (1, 7, 0));
    assert_eq!((row.created_at, row.updated_at), (micros(0), micros(1)));
    let log = given_log()
        .with::<Product>("p", &product_created())
        .with::<Stock>("p", &stock(7, 2))
        .with::<Product>("p", &updated)
        .with::<Product>("p", &noted);
    assert_eq!(
        product_of(log),
        Some(ProductRow {
            id: "p".to_owned(),
            name: "Ｌamp 2".to_owned(),
            name_key: "lamp 2".to_owned(),
            description: Some("bright".to_owned()),
            price_cents: 3_990,
            category_id: None,
            on_hand: 7,
            reserved: 2,
            version: 3,
            created_at: micros(0),
            updated_at: micros(3),
        })
    );
}

#[test]
fn reservations_and_deductions_of_orders_change_the_row() {
    let level = |count| StockLevel::parse("quantity", count).expect("a level");
    let held = |on_hand, reserved| StockHeld {
        product_id: entity("p"),
        order_id: entity("o"),
        quantity: Quantity::parse("quantity", 2).expect("a quantity"),
        on_hand: level(on_hand),
        reserved: level(reserved),
    };
    let log = || {
        given_log()
            .with::<Product>("p", &product_created())
            .with::<Stock>("p", &stock(7, 0))
            .with::<Stock>("p", &StockEvent::Reserved(held(7, 2)))
    };
    let row = product_of(log()).expect("a row");
    assert_eq!((row.on_hand, row.reserved, row.available()), (7, 2, 5));
    assert_eq!((row.version, row.updated_at), (1, micros(2)));
    for (event, on_hand) in [
        (StockEvent::Released(held(7, 0)), 7),
        (StockEvent::Deducted(held(5, 0)), 5),
    ] {
        let row = product_of(log().with::<Stock>("p", &event)).expect("a row");
        assert_eq!((row.on_hand, row.reserved), (on_hand, 0));
    }
}

#[test]
fn a_stock_event_of_a_deleted_product_does_not_restore_its_row() {
    let deleted = ProductEvent::Deleted(ProductDeleted {
        product_id: entity("p"),
        category_id: Some(entity("c")),
    });
    let closed = StockEvent::Closed(StockClosed {
        product_id: entity("p"),
    });
    let log = given_log()
        .with::<Product>("p", &product_created())
        .with::<Product>("p", &deleted)
        .with::<Stock>("p", &closed)
        .with::<Stock>("p", &stock(5, 0));
    assert_eq!(product_of(log), None);
}

#[test]
fn an_unreadable_event_parks_the_projection_before_it() {
    let unreadable = EncodedEvent {
        event_type: "ProductUpdated",
        schema_version: 99,
        data: "{}".to_owned(),
    };
    let log = given_log()
        .with::<Product>("p", &product_created())
        .with_encoded(event_sourcing::StreamId::new("product", "p"), unreadable)
        .with::<Stock>("p", &stock(5, 0));
    let Projected { rows, parked } = log.when_projected::<Products>();
    let parked = parked.expect("parked");
    assert_eq!(parked.position, Position(2));
    assert!(parked.reason.contains("99"), "{}", parked.reason);
    assert_eq!(rows["p"].on_hand, 0, "events after it are not folded");
}
