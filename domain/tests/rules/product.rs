use domain::product::{
    ChangeProductPrice, CreateProduct, Move, Product, ProductCreated, ProductDeleted, ProductEvent,
    ProductPriceChanged, ProductUpdated, UpdateProduct,
};
use domain::value::Patch;
use domain::{Conflict, DomainError, Entity};
use event_sourcing::Version;
use event_sourcing::testing::{at, given};

use crate::support::{description, id, price, product_name, reason};

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

fn noted(old: &str, new: &str, why: Option<&str>) -> ProductEvent {
    ProductEvent::PriceChanged(ProductPriceChanged {
        product_id: id("sencha"),
        old_price: price(old),
        new_price: price(new),
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

#[test]
fn a_new_id_makes_a_product_and_is_not_given_twice() {
    let create = CreateProduct {
        id: id("sencha"),
        name: product_name("Sencha"),
        description: None,
        price: price("20"),
        category_id: Some(id("tea")),
    };
    given::<Product>([])
        .when(|product| product.create(&create))
        .then([created()]);
    given::<Product>([created(), deleted()])
        .when(|product| product.create(&create))
        .then_refused(DomainError::Conflict(Conflict::IdTaken {
            entity: Entity::Product,
            id: id("sencha"),
        }));
}

#[test]
fn a_price_change_of_more_than_ten_percent_is_noted() {
    for amount in ["22.01", "17.99", "0.01", "999999.99"] {
        given::<Product>([created()])
            .when(|product| product.update(&cost(amount)))
            .then([
                ProductEvent::Updated(values(amount)),
                noted("20.00", amount, None),
            ]);
    }
}

#[test]
fn a_price_change_of_ten_percent_or_less_is_not_noted() {
    for amount in ["22.00", "18.00", "20.01"] {
        given::<Product>([created()])
            .when(|product| product.update(&cost(amount)))
            .then([ProductEvent::Updated(values(amount))]);
    }
}

#[test]
fn a_small_change_of_a_tiny_price_is_a_large_one() {
    let tiny = [
        created(),
        ProductEvent::Updated(values("0.01")),
        noted("20.00", "0.01", None),
    ];
    given::<Product>(tiny)
        .when(|product| product.update(&cost("0.02")))
        .then([
            ProductEvent::Updated(values("0.02")),
            noted("0.01", "0.02", None),
        ]);
}

#[test]
fn a_price_change_with_a_reason_is_noted_whatever_its_size() {
    given::<Product>([created()])
        .when(|product| product.change_price(&change_price("20.01", Some("rounding"))))
        .then([
            ProductEvent::Updated(values("20.01")),
            noted("20.00", "20.01", Some("rounding")),
        ]);
}

#[test]
fn the_same_price_changes_nothing_even_with_a_reason() {
    given::<Product>([created()])
        .when(|product| product.change_price(&change_price("20.00", Some("rounding"))))
        .then_nothing();
    given::<Product>([created()])
        .when(|product| product.update(&cost("20.0")))
        .then_nothing();
}

#[test]
fn an_update_tells_the_category_before_and_after() {
    let to = |category_id| UpdateProduct {
        category_id,
        ..update()
    };
    given::<Product>([created()])
        .when(|product| product.update(&to(Patch::Set(id("gifts")))))
        .then([ProductEvent::Updated(ProductUpdated {
            category_id: Some(id("gifts")),
            ..values("20.00")
        })]);
    given::<Product>([created()])
        .when(|product| product.update(&to(Patch::Clear)))
        .then([ProductEvent::Updated(ProductUpdated {
            category_id: None,
            ..values("20.00")
        })]);
    given::<Product>([created()])
        .when(|product| product.update(&to(Patch::Set(id("tea")))))
        .then_nothing();
}

#[test]
fn a_move_names_what_the_product_leaves_and_enters() {
    let product = given::<Product>([created()]).state();
    let to = |category_id| UpdateProduct {
        category_id,
        ..update()
    };
    assert_eq!(product.moved_category(&update()), Ok(None));
    assert_eq!(product.moved_category(&to(Patch::Set(id("tea")))), Ok(None));
    let gone = Move {
        from: Some(id("tea")),
        to: None,
    };
    assert_eq!(product.moved_category(&to(Patch::Clear)), Ok(Some(gone)));
}

#[test]
fn an_update_changes_name_and_description() {
    let rename = UpdateProduct {
        name: Some(product_name("Gyokuro")),
        description: Patch::Set(description("Shaded")),
        expected_version: Some(Version(1)),
        ..update()
    };
    given::<Product>([created()])
        .when(|product| product.update(&rename))
        .then([ProductEvent::Updated(ProductUpdated {
            name: product_name("Gyokuro"),
            description: Some(description("Shaded")),
            ..values("20.00")
        })]);
}

#[test]
fn an_update_on_another_version_is_a_conflict() {
    let stale = UpdateProduct {
        expected_version: Some(Version(7)),
        ..cost("21")
    };
    given::<Product>([created()])
        .when(|product| product.update(&stale))
        .then_refused(DomainError::Conflict(Conflict::Version {
            entity: Entity::Product,
            id: id("sencha"),
            expected: Version(7),
            actual: Version(1),
        }));
}

#[test]
fn what_never_was_or_is_deleted_is_not_found() {
    let refusal = DomainError::NotFound {
        entity: Entity::Product,
        id: id("sencha"),
    };
    for history in [vec![], vec![created(), deleted()]] {
        let product = given::<Product>(history).state();
        assert_eq!(product.update(&update()), Err(refusal.clone()));
        assert_eq!(product.delete(&id("sencha")), Err(refusal.clone()));
        let price = change_price("1", None);
        assert_eq!(product.change_price(&price), Err(refusal.clone()));
    }
}

#[test]
fn a_deletion_tells_the_category_that_it_leaves() {
    given::<Product>([created()])
        .when(|product| product.delete(&id("sencha")))
        .then([deleted()]);
}

#[test]
fn the_state_is_the_fold_of_its_events() {
    let history = [
        created(),
        ProductEvent::Updated(values("30.00")),
        noted("20.00", "30.00", None),
    ];
    let product = given::<Product>(history).state();
    let now = product.existing(&id("sencha")).unwrap();
    assert_eq!(now.price, price("30"));
    assert_eq!((now.created_at, now.updated_at), (at(0), at(2)));
    assert_eq!(product.version(), Version(3));
}
