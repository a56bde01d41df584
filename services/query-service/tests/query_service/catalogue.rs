//! Single objects, batches, statistics.

use contract::query::{
    CategoryByNameRequest, CategoryExistsRequest, CategoryIdsRequest,
    CategoryProductStatisticsRequest, CategoryQueryRequest, Empty, ProductByNameRequest,
    ProductExistsRequest, ProductIdsRequest, ProductQueryRequest, ProductsByCategoriesRequest,
};
use tonic::Code;

use crate::support::{
    TestService, added, at, category, category_deleted, error_position, position, product,
    product_deleted, product_updated, removed, stock, stock_closed,
};

#[tokio::test]
async fn a_category_is_returned_with_all_fields() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world.append(vec![category("c", " Tea \u{1F375} ")]).await;
        let head = world.append(vec![added("c", "p")]).await;
        let request = || CategoryQueryRequest { id: "c".to_owned() };
        let reply = service.categories.get_category(at(head, request()));
        let reply = reply.await.expect("found");
        assert_eq!(position(&reply), head);
        let found = reply.into_inner().category.expect("a category");
        assert_eq!(
            (found.id.as_str(), found.name.as_str()),
            ("c", "Tea \u{1F375}")
        );
        assert_eq!((found.version, found.product_count), (1, 1));
        assert_eq!(found.description, None);
        assert!(found.created_at_micros < found.updated_at_micros);
        assert_eq!(found.created_at, found.created_at_micros / 1_000_000);
        assert_eq!(found.updated_at, found.updated_at_micros / 1_000_000);

        let by_name = CategoryByNameRequest {
            name: "  Tea \u{1F375}".to_owned(),
        };
        let reply = service.categories.get_category_by_name(at(head, by_name));
        let reply = reply.await.expect("found").into_inner();
        assert_eq!(reply.category, Some(found));
        let other_case = CategoryByNameRequest {
            name: "tea \u{1F375}".to_owned(),
        };
        let error = service
            .categories
            .get_category_by_name(at(head, other_case));
        assert_eq!(error.await.expect_err("exact").code(), Code::NotFound);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_product_is_returned_with_all_fields_and_its_category() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world.append(vec![category("c", "Tea")]).await;
        world
            .append(vec![
                product("p", "Green", "19.90", Some("c")),
                stock("p", 10, 0),
                added("c", "p"),
            ])
            .await;
        let head = world.append(vec![stock("p", 10, 3)]).await;
        let request = || ProductQueryRequest { id: "p".to_owned() };
        let plain = service.products.get_product(at(head, request())).await;
        let plain = plain.expect("found").into_inner().product.expect("set");
        assert_eq!(plain.category, None);
        assert_eq!(
            (plain.price_decimal.as_str(), plain.category_id.as_str()),
            ("19.90", "c")
        );
        assert!((plain.price - 19.9).abs() < f64::EPSILON);
        assert_eq!(plain.version, 1);
        let levels = (
            plain.stock_quantity,
            plain.on_hand_quantity,
            plain.reserved_quantity,
        );
        assert_eq!(levels, (7, 10, 3));

        let full = service
            .products
            .get_product_with_category(at(head, request()));
        let full = full
            .await
            .expect("found")
            .into_inner()
            .product
            .expect("set");
        let its_category = full.category.clone().expect("a category");
        assert_eq!(
            (its_category.name.as_str(), its_category.product_count),
            ("Tea", 1)
        );
        let mut without = full;
        without.category = None;
        assert_eq!(without, plain);

        let by_name = ProductByNameRequest {
            name: " Green ".to_owned(),
        };
        let reply = service
            .products
            .get_product_by_name(at(head, by_name))
            .await;
        assert_eq!(reply.expect("found").into_inner().product, Some(plain));
        service.stop().await;
    }
}

#[tokio::test]
async fn changes_and_deletions_are_visible_at_their_position() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world
            .append(vec![category("a", "A"), category("b", "B")])
            .await;
        world
            .append(vec![
                product("p", "P", "1", Some("a")),
                stock("p", 0, 0),
                added("a", "p"),
            ])
            .await;
        let moved = product_updated("p", "P2", Some("new"), "2.50", [Some("a"), Some("b")]);
        let head = world
            .append(vec![moved, removed("a", "p"), added("b", "p")])
            .await;
        let request = || ProductQueryRequest { id: "p".to_owned() };
        let reply = service
            .products
            .get_product_with_category(at(head, request()));
        let found = reply
            .await
            .expect("found")
            .into_inner()
            .product
            .expect("set");
        assert_eq!((found.name.as_str(), found.version), ("P2", 2));
        assert_eq!(found.description.as_deref(), Some("new"));
        assert_eq!(found.category.expect("moved").id, "b");
        let ids = CategoryIdsRequest {
            ids: ["b", "unknown", "a", "a", "not an id!"]
                .map(str::to_owned)
                .to_vec(),
        };
        let reply = service
            .categories
            .get_categories_by_ids(at(head, ids))
            .await;
        let list = reply.expect("found").into_inner().categories;
        let counts: Vec<_> = list
            .iter()
            .map(|c| (c.id.as_str(), c.product_count))
            .collect();
        assert_eq!(counts, [("a", 0), ("b", 1)]);

        let head = world
            .append(vec![
                product_deleted("p", Some("b")),
                stock_closed("p"),
                removed("b", "p"),
            ])
            .await;
        let error = service.products.get_product(at(head, request())).await;
        let error = error.expect_err("deleted");
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error_position(&error), Some(head));
        service.stop().await;
    }
}

#[tokio::test]
async fn existence_is_reported_at_a_position() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world
            .append(vec![category("a", "A"), category("b", "B")])
            .await;
        world.append(vec![product("p", "P", "1", None)]).await;
        world.append(vec![product_deleted("p", None)]).await;
        let head = world.append(vec![category_deleted("b")]).await;
        let exists = |id: &str| CategoryExistsRequest { id: id.to_owned() };
        for (id, expected) in [("a", true), ("b", false), ("never", false)] {
            let reply = service.categories.category_exists(at(head, exists(id)));
            assert_eq!(
                reply.await.expect("answered").into_inner().exists,
                expected,
                "{id}"
            );
        }
        let gone = ProductExistsRequest { id: "p".to_owned() };
        let reply = service.products.product_exists(at(head, gone)).await;
        assert!(!reply.expect("answered").into_inner().exists);
        service.stop().await;
    }
}

#[tokio::test]
async fn batches_are_ordered_by_name_and_by_category() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let mut head = 0;
        for (id, name, category) in [
            ("p1", "delta", Some("x")),
            ("p2", "alpha", Some("x")),
            ("p3", "charlie", Some("y")),
            ("p4", "bravo", None),
            ("p5", "alpha", Some("x")),
        ] {
            head = world
                .append(vec![product(id, name, "1", category), stock(id, 1, 0)])
                .await;
        }
        let ids = ProductIdsRequest {
            ids: ["p1", "p4", "p2", "p9", "p5", "p2"]
                .map(str::to_owned)
                .to_vec(),
        };
        for _ in 0..2 {
            let reply = service
                .products
                .get_products_by_ids(at(head, ids.clone()))
                .await;
            let list = reply.expect("found").into_inner().products;
            let found: Vec<_> = list.iter().map(|product| product.id.as_str()).collect();
            assert_eq!(found, ["p2", "p5", "p4", "p1"]);
        }
        let by_category = |limit| ProductsByCategoriesRequest {
            ids: ["y", "none", "x"].map(str::to_owned).to_vec(),
            limit,
        };
        let reply = service
            .products
            .get_products_by_categories(at(head, by_category(2)));
        let groups = reply.await.expect("found").into_inner().categories;
        let found: Vec<_> = groups
            .iter()
            .map(|group| {
                let ids: Vec<_> = group.products.iter().map(|p| p.id.as_str()).collect();
                (group.category_id.as_str(), ids, group.truncated)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("y", vec!["p3"], false),
                ("none", vec![], false),
                ("x", vec!["p2", "p5"], true)
            ]
        );
        let reply = service
            .products
            .get_products_by_categories(at(head, by_category(0)));
        let groups = reply.await.expect("found").into_inner().categories;
        assert_eq!(groups[2].products.len(), 3);
        assert!(!groups[2].truncated);
        service.stop().await;
    }
}

#[tokio::test]
async fn statistics_of_nothing_are_zero() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let reply = service
            .products
            .get_product_statistics(at(0, Empty {}))
            .await;
        let figures = reply.expect("answered").into_inner();
        assert_eq!((figures.total_count, figures.has_products), (0, false));
        assert!(figures.average_price.abs() < f64::EPSILON);
        assert_eq!(figures.total_value, "0.00");
        let reply = service
            .categories
            .get_category_statistics(at(0, Empty {}))
            .await;
        let figures = reply.expect("answered").into_inner();
        assert_eq!((figures.total_count, figures.has_categories), (0, false));
        service.stop().await;
    }
}

#[tokio::test]
async fn statistics_do_not_overflow() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let writes = (0..200)
            .flat_map(|number| {
                let id = format!("p{number}");
                [
                    product(&id, "Gold", "999999.99", Some("c")),
                    stock(&id, 1_000_000_000, 0),
                ]
            })
            .collect();
        world.append(writes).await;
        let head = world
            .append(vec![
                product("cheap", "Tin", "0.01", None),
                stock("cheap", 5, 2),
                category("c", "C"),
            ])
            .await;
        let reply = service
            .products
            .get_product_statistics(at(head, Empty {}))
            .await;
        let figures = reply.expect("answered").into_inner();
        assert_eq!((figures.total_count, figures.has_products), (201, true));
        assert_eq!(figures.products_with_timestamps, 201);
        assert_eq!(figures.total_value, "199999998000000000.03");
        assert!((figures.min_price - 0.01).abs() < f64::EPSILON);
        assert!((figures.max_price - 999_999.99).abs() < f64::EPSILON);
        let average = (200.0 * 999_999.99 + 0.01) / 201.0;
        assert!((figures.average_price - average).abs() < 0.001);
        let of = CategoryProductStatisticsRequest {
            category_id: "c".to_owned(),
        };
        let reply = service
            .products
            .get_category_product_statistics(at(head, of));
        let figures = reply.await.expect("answered").into_inner();
        assert_eq!(
            (figures.category_id.as_str(), figures.total_count),
            ("c", 200)
        );
        assert!((figures.min_price - 999_999.99).abs() < f64::EPSILON);
        let reply = service
            .categories
            .get_category_statistics(at(head, Empty {}))
            .await;
        let figures = reply.expect("answered").into_inner();
        assert_eq!(
            (figures.total_count, figures.categories_with_timestamps),
            (1, 1)
        );
        service.stop().await;
    }
}
