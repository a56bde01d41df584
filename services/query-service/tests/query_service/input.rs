//! Invalid input is rejected with the field, the limit and the given value. The limits of ids, names and terms are
//! tested in `domain`; those of pages, lists and ranges belong to this service.

use contract::query::{
    CategoryByNameRequest, CategoryIdsRequest, CategoryPaginationRequest, CategoryQueryRequest,
    CategorySearchRequest, OrderIdsRequest, OrderListRequest, OrderQueryRequest,
    ProductAdvancedSearchRequest, ProductPaginationRequest, ProductPriceRangeRequest,
    ProductQueryRequest, ProductSearchRequest, ProductSortRequest, ProductWindowRequest,
    ProductsByCategoriesRequest, SagaByOrderRequest, SagaListRequest, UserOrderListRequest,
};
use tonic::{Code, Request, Response, Status};

use crate::support::TestService;

fn rejected<T>(reply: Result<Response<T>, Status>, parts: &[&str]) {
    let Err(status) = reply else {
        panic!("accepted: {parts:?}");
    };
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    for part in parts {
        assert!(
            status.message().contains(part),
            "{part} in {}",
            status.message()
        );
    }
}

#[tokio::test]
async fn invalid_ids_and_names_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let id = || "a\0b".to_owned();
    let request = ProductQueryRequest { id: id() };
    rejected(
        service.products.get_product(request.clone()).await,
        &["id must", "64"],
    );
    rejected(
        service.products.get_product_with_category(request).await,
        &["id must"],
    );
    let request = CategoryQueryRequest { id: id() };
    rejected(service.categories.get_category(request).await, &["id must"]);
    let request = CategoryByNameRequest {
        name: "é".repeat(101),
    };
    let reply = service.categories.get_category_by_name(request).await;
    rejected(reply, &["name must", "got 101"]);
    let term = || "é".repeat(256);
    let request = ProductSearchRequest {
        search_term: term(),
        ..ProductSearchRequest::default()
    };
    rejected(
        service.products.search_products(request).await,
        &["search_term must", "255"],
    );
    let request = CategorySearchRequest {
        search_term: term(),
        ..CategorySearchRequest::default()
    };
    rejected(
        service.categories.search_categories(request).await,
        &["search_term must", "255"],
    );
    service.stop().await;
}

#[tokio::test]
async fn invalid_pages_and_batches_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    for (page, per_page, part) in [
        (0, 10, "page must be at least 1, got 0"),
        (i32::MIN, 10, "page must"),
        (1, 0, "per_page must be 1 to 500, got 0"),
        (1, 501, "got 501"),
        (1, -1, "got -1"),
    ] {
        let request = ProductPaginationRequest {
            page,
            per_page,
            ..ProductPaginationRequest::default()
        };
        rejected(
            service.products.list_products_paginated(request).await,
            &[part],
        );
        let request = CategoryPaginationRequest {
            page,
            per_page,
            ..CategoryPaginationRequest::default()
        };
        rejected(
            service.categories.list_categories_paginated(request).await,
            &[part],
        );
    }
    for (limit, offset, part) in [
        (Some(0), 0, "limit must be 1 to 500, got 0"),
        (Some(501), 0, "got 501"),
        (None, -1, "offset must be at least 0, got -1"),
    ] {
        let request = ProductWindowRequest {
            limit,
            offset,
            category_id: None,
            ..ProductWindowRequest::default()
        };
        rejected(
            service.products.list_products_window(request).await,
            &[part],
        );
    }
    let ids = vec!["a".to_owned(); 501];
    let request = CategoryIdsRequest { ids: ids.clone() };
    let reply = service.categories.get_categories_by_ids(request).await;
    rejected(reply, &["ids must have at most 500 entries, got 501"]);
    let request = ProductsByCategoriesRequest { ids, limit: 1 };
    rejected(
        service.products.get_products_by_categories(request).await,
        &["ids must"],
    );
    let request = ProductsByCategoriesRequest {
        ids: Vec::new(),
        limit: 501,
    };
    rejected(
        service.products.get_products_by_categories(request).await,
        &["limit must"],
    );
    service.stop().await;
}

#[tokio::test]
async fn invalid_price_ranges_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    for (min_price, max_price, parts) in [
        (2.0, 1.0, ["min_price must be at most max_price", "got 2"]),
        (f64::NAN, 1.0, ["min_price", "NaN"]),
        (0.0, f64::NAN, ["max_price", "NaN"]),
        (f64::INFINITY, 1.0, ["min_price must be at most", "inf"]),
        (
            1.0,
            f64::NEG_INFINITY,
            ["min_price must be at most", "got 1"],
        ),
    ] {
        let request = ProductPriceRangeRequest {
            min_price,
            max_price,
            ..ProductPriceRangeRequest::default()
        };
        rejected(
            service.products.get_products_by_price_range(request).await,
            &parts,
        );
        let request = ProductAdvancedSearchRequest {
            min_price,
            max_price,
            ..ProductAdvancedSearchRequest::default()
        };
        if min_price != 0.0 || max_price != 0.0 {
            rejected(
                service.products.search_products_advanced(request).await,
                &parts,
            );
        }
    }
    // A bound is only compared, so it need not be an amount.
    for max_price in [f64::INFINITY, 1e300, 0.995] {
        let request = ProductPriceRangeRequest {
            min_price: -0.001,
            max_price,
            ..ProductPriceRangeRequest::default()
        };
        let found = service.products.get_products_by_price_range(request).await;
        found.expect("an answer");
    }
    let request = ProductPriceRangeRequest {
        min_price_decimal: Some("one".to_owned()),
        ..ProductPriceRangeRequest::default()
    };
    let reply = service.products.get_products_by_price_range(request).await;
    rejected(reply, &["min_price", "\"one\""]);
    service.stop().await;
}

#[tokio::test]
async fn invalid_sorting_and_advanced_searches_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let request = ProductSortRequest {
        sort_order: "upwards".to_owned(),
    };
    let reply = service
        .products
        .list_products_sorted_by_price(request)
        .await;
    rejected(
        reply,
        &["sort_order must be \"asc\" or \"desc\", got \"upwards\""],
    );
    for (request, part) in [
        (
            ProductAdvancedSearchRequest {
                sort_by: "age".to_owned(),
                ..ProductAdvancedSearchRequest::default()
            },
            "sort_by must be \"name\" or \"price\", got \"age\"",
        ),
        (
            ProductAdvancedSearchRequest {
                limit: -1,
                ..ProductAdvancedSearchRequest::default()
            },
            "limit must be 1 to 500, got -1",
        ),
        (
            ProductAdvancedSearchRequest {
                offset: -1,
                ..ProductAdvancedSearchRequest::default()
            },
            "offset must be at least 0, got -1",
        ),
        (
            ProductAdvancedSearchRequest {
                category_id: "no id".to_owned(),
                ..ProductAdvancedSearchRequest::default()
            },
            "category_id must",
        ),
    ] {
        rejected(
            service.products.search_products_advanced(request).await,
            &[part],
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn invalid_metadata_and_large_messages_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    for value in ["-1", "abc", "9223372036854775808"] {
        let mut request = Request::new(ProductQueryRequest { id: "p".to_owned() });
        let value = value.parse().expect("metadata");
        request.metadata_mut().insert("x-min-position", value);
        rejected(
            service.products.get_product(request).await,
            &["x-min-position must"],
        );
    }
    let request = ProductSearchRequest {
        search_term: "x".repeat(1024 * 1024),
        ..ProductSearchRequest::default()
    };
    let error = service.products.search_products(request).await;
    assert_eq!(error.expect_err("too large").code(), Code::OutOfRange);
    service.stop().await;
}

#[tokio::test]
async fn invalid_requests_for_orders_and_sagas_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let request = OrderQueryRequest { id: "x".repeat(65) };
    rejected(service.orders.get_order(request).await, &["id must", "64"]);
    let request = SagaByOrderRequest {
        order_id: "a\0b".to_owned(),
    };
    rejected(
        service.sagas.get_saga_by_order(request).await,
        &["order_id must", "64"],
    );
    let request = UserOrderListRequest {
        user_id: "é".repeat(256),
        ..UserOrderListRequest::default()
    };
    rejected(
        service.orders.list_user_orders(request).await,
        &["user_id must", "255"],
    );
    let ids = OrderIdsRequest {
        ids: vec!["a".to_owned(); 501],
    };
    let parts = ["ids must", "500", "got 501"];
    rejected(service.orders.get_orders(ids.clone()).await, &parts);
    rejected(service.sagas.get_sagas_by_orders(ids).await, &parts);
    service.stop().await;
}

#[tokio::test]
async fn invalid_lists_of_orders_and_sagas_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    for (limit, offset, part) in [
        (Some(0), 0, "limit must be 1 to 500, got 0"),
        (Some(501), 0, "got 501"),
        (Some(i32::MIN), 0, "limit must"),
        (None, -1, "offset must be at least 0, got -1"),
    ] {
        let request = OrderListRequest {
            limit,
            offset,
            status: None,
            ..OrderListRequest::default()
        };
        rejected(service.orders.list_orders(request).await, &[part]);
        let request = UserOrderListRequest {
            limit,
            offset,
            user_id: "ann".to_owned(),
            status: None,
            ..UserOrderListRequest::default()
        };
        rejected(service.orders.list_user_orders(request).await, &[part]);
        let request = SagaListRequest {
            limit,
            offset,
            ..SagaListRequest::default()
        };
        rejected(service.sagas.list_sagas(request).await, &[part]);
    }
    for status in [0, 8, -1, i32::MAX] {
        let given = format!("got number {status}");
        let request = OrderListRequest {
            status: Some(status),
            ..OrderListRequest::default()
        };
        rejected(
            service.orders.list_orders(request).await,
            &["status must", "PENDING", "FAILED", &given],
        );
        let request = SagaListRequest {
            statuses: vec![1, status],
            ..SagaListRequest::default()
        };
        rejected(
            service.sagas.list_sagas(request).await,
            &["statuses must", "STARTED", "SUSPENDED", &given],
        );
    }
    let types = "type must be order or cancel_order, got ";
    for (saga_type, step, part) in [
        (Some("refund"), None, format!("{types}\"refund\"")),
        (Some(""), None, format!("{types}\"\"")),
        (None, Some(""), "step must".to_owned()),
    ] {
        let request = SagaListRequest {
            r#type: saga_type.map(str::to_owned),
            step: step.map(str::to_owned),
            ..SagaListRequest::default()
        };
        rejected(service.sagas.list_sagas(request).await, &[&part]);
    }
    service.stop().await;
}
