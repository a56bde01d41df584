use domain::category::{
    Category, CategoryCreated, CategoryDeleted, CategoryEvent, Membership, MembershipEvent,
};
use domain::product::{
    ChangeProductPrice, CreateProduct, DeleteProduct, Product, ProductCreated, ProductDeleted,
    ProductEvent, ProductPriceChanged, ProductUpdated, UpdateProduct,
};
use domain::stock::{Stock, StockClosed, StockEvent, StockUpdated};
use domain::value::{Money, Patch};
use domain::{Conflict, DomainError, Entity};
use event_sourcing::Version;
use event_sourcing::testing::{GivenStreams, Written, at, given, given_streams, written};

use crate::support::{category_name, description, id, level, price, product_name, reason};

fn created() -> ProductEvent {
    ProductEvent::Created(ProductCreated {
        product_id: id("sencha"),
        name: product_name("Sencha"),
        description: None,
        price: price("20.00"),
        category_id: Some(id("tea")),
    })
}

fn values(amount: &str) -> ProductUpdated {
    ProductUpdated {
        product_id: id("sencha"),
        name: product_name("Sencha"),
        description: None,
        price: price(amount),
        category_id: Some(id("tea")),
        previous_category_id: Some(id("tea")),
    }
}

fn deleted() -> ProductEvent {
    ProductEvent::Deleted(ProductDeleted {
        product_id: id("sencha"),
        category_id: Some(id("tea")),
    })
}

fn price_changed(old: &str, new: &str, why: Option<&str>) -> ProductEvent {
    let difference = price(new).cents() - price(old).cents();
    ProductEvent::PriceChanged(ProductPriceChanged {
        product_id: id("sencha"),
        old_price: price(old),
        new_price: price(new),
        difference: Money::from_cents(difference),
        reason: why.map(reason),
    })
}

fn update() -> UpdateProduct {
    UpdateProduct {
        id: id("sencha"),
        name: None,
        description: Patch::Keep,
        price: None,
        category_id: Patch::Keep,
        expected_version: None,
    }
}

fn cost(amount: &str) -> UpdateProduct {
    UpdateProduct {
        price: Some(price(amount)),
        ..update()
    }
}

fn change_price(amount: &str, why: Option<&str>) -> ChangeProductPrice {
    ChangeProductPrice {
        id: id("sencha"),
        new_price: price(amount),
        reason: why.map(reason),
    }
}

fn create() -> CreateProduct {
    CreateProduct {
        id: id("sencha"),
        name: product_name("Sencha"),
        description: None,
        price: price("20"),
        category_id: Some(id("tea")),
        on_hand: level(5),
    }
}

fn delete() -> DeleteProduct {
    DeleteProduct { id: id("sencha") }
}

fn stocked() -> StockEvent {
    StockEvent::Updated(StockUpdated {
        product_id: id("sencha"),
        on_hand: level(5),
        reserved: level(0),
    })
}

fn category(category: &str) -> CategoryEvent {
    CategoryEvent::Created(CategoryCreated {
        category_id: id(category),
        name: category_name(category),
        description: None,
    })
}

/// Two categories, and a product with this history.
fn sencha(history: impl IntoIterator<Item = ProductEvent>) -> GivenStreams {
    given_streams()
        .with::<Category>("tea", [category("tea")])
        .with::<Category>("gifts", [category("gifts")])
        .with::<Product>("sencha", history)
}

fn to_product(events: impl IntoIterator<Item = ProductEvent>) -> Written {
    written::<Product>("sencha", events)
}

fn entered(category: &str) -> Written {
    written::<Membership>(
        category,
        [MembershipEvent::added(&id(category), &id("sencha"))],
    )
}

fn left(category: &str) -> Written {
    written::<Membership>(
        category,
        [MembershipEvent::removed(&id(category), &id("sencha"))],
    )
}

#[test]
fn creating_a_product_opens_its_stock_and_adds_it_to_its_category() {
    sencha([]).when(&create()).then([
        to_product([created()]),
        written::<Stock>("sencha", [stocked()]),
        entered("tea"),
    ]);
}

#[test]
fn an_id_is_not_reused() {
    let rejection = DomainError::Conflict(Conflict::AlreadyExists {
        entity: Entity::Product,
        id: id("sencha"),
    });
    sencha([created(), deleted()])
        .when(&create())
        .then_rejected(rejection);
}

#[test]
fn a_product_is_added_only_to_an_existing_category() {
    let rejected = |category: &str| {
        DomainError::from(domain::ValidationError {
            field: "categoryId".to_owned(),
            message: format!("categoryId must name an existing category, got \"{category}\""),
        })
    };
    let gone = CategoryEvent::Deleted(CategoryDeleted {
        category_id: id("gone"),
    });
    let shop = || sencha([]).with::<Category>("gone", [category("gone"), gone.clone()]);
    for missing in ["never", "gone"] {
        let create = CreateProduct {
            category_id: Some(id(missing)),
            ..create()
        };
        shop().when(&create).then_rejected(rejected(missing));
        let update = UpdateProduct {
            category_id: Patch::Set(id(missing)),
            ..update()
        };
        shop()
            .with::<Product>("sencha", [created()])
            .when(&update)
            .then_rejected(rejected(missing));
    }
}

#[test]
fn a_price_change_of_more_than_ten_percent_is_recorded_for_audit() {
    for amount in ["22.01", "17.99", "0.01", "999999.99"] {
        sencha([created()]).when(&cost(amount)).then([to_product([
            ProductEvent::Updated(values(amount)),
            price_changed("20.00", amount, None),
        ])]);
    }
}

#[test]
fn a_price_change_of_ten_percent_or_less_is_not_recorded_for_audit() {
    for amount in ["22.00", "18.00", "20.01"] {
        sencha([created()])
            .when(&cost(amount))
            .then([to_product([ProductEvent::Updated(values(amount))])]);
    }
}

#[test]
fn a_small_change_of_a_tiny_price_is_a_large_one() {
    let tiny = [
        created(),
        ProductEvent::Updated(values("0.01")),
        price_changed("20.00", "0.01", None),
    ];
    sencha(tiny).when(&cost("0.02")).then([to_product([
        ProductEvent::Updated(values("0.02")),
        price_changed("0.01", "0.02", None),
    ])]);
}

#[test]
fn a_price_change_with_a_reason_is_always_recorded_for_audit() {
    sencha([created()])
        .when(&change_price("20.01", Some("rounding")))
        .then([to_product([
            ProductEvent::Updated(values("20.01")),
            price_changed("20.00", "20.01", Some("rounding")),
        ])]);
}

#[test]
fn the_same_price_changes_nothing_even_with_a_reason() {
    let sencha = sencha([created()]);
    sencha
        .when(&change_price("20.00", Some("rounding")))
        .then_nothing();
    sencha.when(&cost("20.0")).then_nothing();
}

#[test]
fn a_move_records_both_categories_and_updates_both_memberships() {
    let to = |category_id| UpdateProduct {
        category_id,
        ..update()
    };
    let moved = |category_id| {
        to_product([ProductEvent::Updated(ProductUpdated {
            category_id,
            ..values("20.00")
        })])
    };
    let sencha = sencha([created()]);
    sencha.when(&to(Patch::Set(id("gifts")))).then([
        moved(Some(id("gifts"))),
        left("tea"),
        entered("gifts"),
    ]);
    sencha
        .when(&to(Patch::Clear))
        .then([moved(None), left("tea")]);
    sencha.when(&to(Patch::Set(id("tea")))).then_nothing();
    sencha.when(&update()).then_nothing();
}

#[test]
fn an_update_changes_name_and_description() {
    let rename = UpdateProduct {
        name: Some(product_name("Gyokuro")),
        description: Patch::Set(description("Shaded")),
        expected_version: Some(Version(1)),
        ..update()
    };
    let renamed = ProductEvent::Updated(ProductUpdated {
        name: product_name("Gyokuro"),
        description: Some(description("Shaded")),
        ..values("20.00")
    });
    sencha([created()])
        .when(&rename)
        .then([to_product([renamed])]);
}

#[test]
fn an_update_on_another_version_is_a_conflict() {
    let stale = UpdateProduct {
        expected_version: Some(Version(7)),
        ..cost("21")
    };
    sencha([created()])
        .when(&stale)
        .then_rejected(DomainError::Conflict(Conflict::Version {
            entity: Entity::Product,
            id: id("sencha"),
            expected: Version(7),
            actual: Version(1),
        }));
}

#[test]
fn a_missing_or_deleted_entity_is_not_found() {
    let rejection = DomainError::NotFound {
        entity: Entity::Product,
        id: id("sencha"),
    };
    for history in [vec![], vec![created(), deleted()]] {
        let sencha = sencha(history);
        sencha.when(&update()).then_rejected(rejection.clone());
        sencha.when(&delete()).then_rejected(rejection.clone());
        let price = change_price("1", None);
        sencha.when(&price).then_rejected(rejection.clone());
    }
}

#[test]
fn a_deletion_closes_the_stock_and_leaves_the_category() {
    let closed = StockEvent::Closed(StockClosed {
        product_id: id("sencha"),
    });
    sencha([created()])
        .with::<Stock>("sencha", [stocked()])
        .when(&delete())
        .then([
            to_product([deleted()]),
            written::<Stock>("sencha", [closed]),
            left("tea"),
        ]);
}

#[test]
fn the_state_is_the_fold_of_its_events() {
    let history = [
        created(),
        ProductEvent::Updated(values("30.00")),
        price_changed("20.00", "30.00", None),
    ];
    let product = given::<Product>(history).state();
    let now = product.existing(&id("sencha")).unwrap();
    assert_eq!(now.price, price("30"));
    assert_eq!((now.created_at, now.updated_at), (at(0), at(2)));
    assert_eq!(product.version(), Version(3));
}
