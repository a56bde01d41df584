//! The rules of products.

use contract::proto::{PriceUpParam, ProductUpParam};

use crate::support::{
    Service, assert_conflict, assert_invalid, assert_not_found, named_product, on_both_engines,
    product_change,
};

#[tokio::test]
async fn a_product_is_created_as_requested() {
    on_both_engines(async |service: &Service| {
        let category = service.category("Paper").await;
        let before = service.head().await;
        let created = service
            .create_product(ProductUpParam {
                description: Some("ruled".to_owned()),
                price_decimal: Some("19.9".to_owned()),
                category_id: category.id.clone(),
                stock_quantity: Some(7),
                ..named_product(" Notebook ")
            })
            .await
            .expect("a product");
        assert_eq!(created.name, "Notebook");
        assert_eq!(created.description.as_deref(), Some("ruled"));
        assert_eq!(created.price_decimal, "19.90");
        assert_eq!(created.price, 19);
        assert_eq!(created.version, 1);
        assert_eq!(created.category_id.as_ref(), Some(&category.id));
        assert_eq!(created.category, Some(category));
        let stock = created.stock.expect("the stock that was opened");
        assert_eq!((stock.on_hand, stock.reserved, stock.available), (7, 0, 7));
        assert_eq!(
            service.events_after(before).await,
            ["ProductCreated", "StockUpdated", "CategoryProductAdded"]
        );
    })
    .await;
}

#[tokio::test]
async fn old_clients_give_prices_as_doubles() {
    on_both_engines(async |service: &Service| {
        let with_price = |price| ProductUpParam {
            price,
            price_decimal: None,
            ..named_product("Old")
        };
        for (price, decimal, whole) in [
            (0.01, "0.01", 0),
            (19.99, "19.99", 19),
            (999_999.99, "999999.99", 999_999),
            // Values with the rounding noise of clients' arithmetic.
            (3.0 * 0.1, "0.30", 0),
            (7.0 * 19.99, "139.93", 139),
        ] {
            let created = service.create_product(with_price(price)).await;
            let created = created.expect("a product");
            assert_eq!(
                (created.price_decimal.as_str(), created.price),
                (decimal, whole)
            );
            let unchanged = service.update_product(product_change(&created.id)).await;
            assert_eq!(unchanged.expect("unchanged").price_decimal, decimal);
        }
        for price in [
            0.0,
            0.001,
            19.995,
            999_999.990_5,
            1_000_000.0,
            -1.0,
            f64::NAN,
            f64::INFINITY,
            1e300,
        ] {
            assert_invalid(&service.create_product(with_price(price)).await, "price");
        }
        // The exact text takes precedence.
        let both = ProductUpParam {
            price: 5.0,
            ..named_product("Both")
        };
        let created = service.create_product(both).await.expect("a product");
        assert_eq!(created.price_decimal, "10.00");
    })
    .await;
}

#[tokio::test]
async fn a_product_needs_no_category_and_its_stock_starts_at_zero() {
    on_both_engines(async |service: &Service| {
        let created = service.product("Alone").await;
        assert_eq!((created.category, created.category_id), (None, None));
        assert_eq!(created.stock.map(|stock| stock.on_hand), Some(0));
        assert_eq!(
            service.events_after(0).await,
            ["ProductCreated", "StockUpdated"]
        );
        let unknown = ProductUpParam {
            category_id: "unknown".to_owned(),
            ..named_product("Lost")
        };
        assert_invalid(&service.create_product(unknown).await, "categoryId");
    })
    .await;
}

#[tokio::test]
async fn an_id_can_be_used_only_once() {
    on_both_engines(async |service: &Service| {
        let with_id = || ProductUpParam {
            id: "p-1".to_owned(),
            ..named_product("One")
        };
        service.create_product(with_id()).await.expect("a product");
        assert_conflict(&service.create_product(with_id()).await);
        service.delete_product("p-1").await.expect("deleted");
        assert_conflict(&service.create_product(with_id()).await);
        // Names of products need not be unique.
        service.product("One").await;
        service.product("One").await;
    })
    .await;
}

#[tokio::test]
async fn a_product_moves_between_categories() {
    on_both_engines(async |service: &Service| {
        let (a, b) = (service.category("A").await, service.category("B").await);
        let id = service.product("Wanderer").await.id;
        let to = |category: &str| ProductUpParam {
            category_id: category.to_owned(),
            ..product_change(&id)
        };
        let before = service.head().await;
        let moved = service.update_product(to(&a.id)).await.expect("moved");
        assert_eq!(
            moved.category.map(|category| category.name),
            Some("A".to_owned())
        );
        service.update_product(to(&b.id)).await.expect("moved");
        service.update_product(to(&b.id)).await.expect("unchanged");
        assert_invalid(&service.update_product(to("unknown")).await, "categoryId");
        let out = ProductUpParam {
            clear_category: true,
            ..product_change(&id)
        };
        let out = service.update_product(out).await.expect("moved out");
        assert_eq!(
            (out.category, out.category_id, out.version),
            (None, None, 4)
        );
        assert_eq!(
            service.events_after(before).await,
            [
                "ProductUpdated",
                "CategoryProductAdded",
                "ProductUpdated",
                "CategoryProductRemoved",
                "CategoryProductAdded",
                "ProductUpdated",
                "CategoryProductRemoved",
            ]
        );
        service.delete_category(&a.id).await.expect("empty");
        service.delete_category(&b.id).await.expect("empty");
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    on_both_engines(async |service: &Service| {
        let category = service.category("Kept").await;
        let created = service
            .create_product(ProductUpParam {
                description: Some("as it was".to_owned()),
                category_id: category.id.clone(),
                ..named_product("Before")
            })
            .await
            .expect("a product");
        let renamed = service
            .update_product(ProductUpParam {
                name: "After".to_owned(),
                ..product_change(&created.id)
            })
            .await
            .expect("renamed");
        assert_eq!(renamed.name, "After");
        assert_eq!(renamed.price_decimal, created.price_decimal);
        assert_eq!(renamed.description, created.description);
        assert_eq!(renamed.category_id, created.category_id);
        let before = service.head().await;
        let same = service
            .update_product(ProductUpParam {
                name: "After".to_owned(),
                price: 10.0,
                category_id: category.id.clone(),
                ..product_change(&created.id)
            })
            .await
            .expect("unchanged");
        assert_eq!((same.version, service.head().await), (2, before));
        let cleared = service
            .update_product(ProductUpParam {
                clear_description: true,
                expected_version: Some(2),
                ..product_change(&created.id)
            })
            .await
            .expect("cleared");
        assert_eq!(cleared.description, None);
        let stale = ProductUpParam {
            name: "Stale".to_owned(),
            expected_version: Some(2),
            ..product_change(&created.id)
        };
        assert_conflict(&service.update_product(stale).await);
    })
    .await;
}

#[tokio::test]
async fn a_large_price_change_appends_an_audit_event() {
    on_both_engines(async |service: &Service| {
        let id = service.product("Priced").await.id;
        let to = |price: &str, reason: Option<&str>| PriceUpParam {
            id: id.clone(),
            new_price: price.to_owned(),
            reason: reason.map(str::to_owned),
        };
        let before = service.head().await;
        // 10 % of 10.00 is not more than 10 %.
        service
            .change_price(to("11.00", None))
            .await
            .expect("changed");
        assert_eq!(service.events_after(before).await, ["ProductUpdated"]);
        let before = service.head().await;
        let changed = service.change_price(to("9.89", Some("sale"))).await;
        assert_eq!(changed.expect("changed").price_decimal, "9.89");
        let both = ["ProductUpdated", "ProductPriceChanged"];
        assert_eq!(service.events_after(before).await, both);
        let before = service.head().await;
        let updated = ProductUpParam {
            price_decimal: Some("20".to_owned()),
            ..product_change(&id)
        };
        service.update_product(updated).await.expect("changed");
        assert_eq!(service.events_after(before).await, both);
        let before = service.head().await;
        service
            .change_price(to("20.00", Some("again")))
            .await
            .expect("unchanged");
        assert_eq!(service.head().await, before);
    })
    .await;
}

#[tokio::test]
async fn commands_on_a_deleted_or_unknown_product_are_not_found() {
    on_both_engines(async |service: &Service| {
        let category = service.category("Emptied").await;
        let created = ProductUpParam {
            category_id: category.id.clone(),
            ..named_product("Gone")
        };
        let gone = service.create_product(created).await.expect("a product").id;
        let before = service.head().await;
        let deleted = service.delete_product(&gone).await.expect("deleted");
        assert_eq!((deleted.name.as_str(), deleted.version), ("Gone", 2));
        assert_eq!(
            service.events_after(before).await,
            ["ProductDeleted", "StockClosed", "CategoryProductRemoved"]
        );
        let before = service.head().await;
        for id in [gone.as_str(), "never-was"] {
            let rename = ProductUpParam {
                name: "Back".to_owned(),
                ..product_change(id)
            };
            assert_not_found(&service.update_product(rename).await);
            let price = PriceUpParam {
                id: id.to_owned(),
                new_price: "1".to_owned(),
                reason: None,
            };
            assert_not_found(&service.change_price(price).await);
            assert_not_found(&service.update_stock(id, 1).await);
            assert_not_found(&service.delete_product(id).await);
        }
        assert_eq!(service.head().await, before);
        service.delete_category(&category.id).await.expect("empty");
    })
    .await;
}
