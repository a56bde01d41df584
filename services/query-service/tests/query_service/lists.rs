//! Lists: order, search, paging and limits.

use contract::query::{
    CategoryPaginationRequest, CategorySearchRequest, Empty, Product, ProductAdvancedSearchRequest,
    ProductByCategoryRequest, ProductListResponse, ProductPaginationRequest,
    ProductPriceRangeRequest, ProductSearchRequest, ProductSortRequest, ProductWindowRequest,
};
use tonic::{Response, Status};

use crate::support::{Service, TestService, at, category, product, stock};

type Listed = Result<Response<ProductListResponse>, Status>;

fn ids(reply: Listed) -> Vec<String> {
    let products = reply.expect("answered").into_inner().products;
    products
        .into_iter()
        .map(|product: Product| product.id)
        .collect()
}

/// Products with different orders by name, id and price.
async fn shelf(world: &TestService) -> u64 {
    let mut head = world
        .append(vec![category("k", "Kitchen"), category("g", "garden")])
        .await;
    for (id, name, price, category) in [
        ("3", "Zebra", "5.00", Some("k")),
        ("1", "apple", "5.00", Some("g")),
        ("2", "apple", "7.50", None),
        ("4", "Äpfel 50%_\\", "0.99", Some("k")),
        ("5", "Apple PIE", "5.00", Some("k")),
    ] {
        head = world
            .append(vec![product(id, name, price, category), stock(id, 1, 0)])
            .await;
    }
    head
}

/// Bytes of the name: upper case, lower case, then beyond ASCII.
const BY_NAME: [&str; 5] = ["5", "3", "1", "2", "4"];

#[tokio::test]
async fn lists_are_ordered_by_the_bytes_of_the_name_then_by_id() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        let all = service.products.list_products(at(head, Empty {})).await;
        assert_eq!(ids(all), BY_NAME);
        let reply = service
            .products
            .list_products_with_categories(at(head, Empty {}));
        let list = reply.await.expect("answered").into_inner().products;
        let names: Vec<_> = list
            .iter()
            .map(|product| product.category.as_ref().map(|c| c.name.as_str()))
            .collect();
        let (kitchen, garden) = (Some("Kitchen"), Some("garden"));
        assert_eq!(names, [kitchen, kitchen, garden, None, kitchen]);
        let of = ProductByCategoryRequest {
            category_id: "k".to_owned(),
            ..ProductByCategoryRequest::default()
        };
        let of_category = service
            .products
            .get_products_by_category(at(head, of))
            .await;
        assert_eq!(ids(of_category), ["5", "3", "4"]);
        let reply = service.categories.list_categories(at(head, Empty {})).await;
        let reply = reply.expect("answered").into_inner();
        let names: Vec<_> = reply.categories.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["Kitchen", "garden"]);
        assert!(!reply.truncated);
        service.stop().await;
    }
}

#[tokio::test]
async fn price_lists_are_ordered_by_price_name_and_id() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        let mut sorted = async |order: &str| {
            let request = ProductSortRequest {
                sort_order: order.to_owned(),
            };
            ids(service
                .products
                .list_products_sorted_by_price(at(head, request))
                .await)
        };
        assert_eq!(sorted("asc").await, ["4", "5", "3", "1", "2"]);
        assert_eq!(sorted("").await, ["4", "5", "3", "1", "2"]);
        assert_eq!(sorted("desc").await, ["2", "5", "3", "1", "4"]);
        let mut range = async |min_price: f64, max_price: f64, max_exact: Option<&str>| {
            let request = ProductPriceRangeRequest {
                min_price,
                max_price,
                max_price_decimal: max_exact.map(str::to_owned),
                ..ProductPriceRangeRequest::default()
            };
            ids(service
                .products
                .get_products_by_price_range(at(head, request))
                .await)
        };
        assert_eq!(range(5.0, 7.5, None).await, ["5", "3", "1", "2"]);
        assert_eq!(range(5.0, 7.499, None).await, ["5", "3", "1"]);
        assert_eq!(range(4.991, 4.999, None).await, Vec::<String>::new());
        assert_eq!(range(0.0, 0.0, Some("0.99")).await, ["4"]);
        service.stop().await;
    }
}

#[tokio::test]
async fn search_ignores_case_and_has_no_wildcards() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        let mut search = async |term: &str| {
            let request = ProductSearchRequest {
                search_term: term.to_owned(),
                ..ProductSearchRequest::default()
            };
            ids(service.products.search_products(at(head, request)).await)
        };
        assert_eq!(search("APPLE").await, ["5", "1", "2"]);
        assert_eq!(search("äPFEL").await, ["4"]);
        assert_eq!(search(" pie ").await, ["5"]);
        for special in ["%", "_", "\\", "50%_\\"] {
            assert_eq!(search(special).await, ["4"], "{special}");
        }
        assert_eq!(
            search("'; DROP TABLE products; --").await,
            Vec::<String>::new()
        );
        assert_eq!(search("").await, BY_NAME);
        for (id, name) in [("6", "ΣΊΣΥΦΟΣ"), ("7", "Straße")] {
            world.append(vec![product(id, name, "1.00", None)]).await;
        }
        let head = world.append(vec![category("s", "Straße")]).await;
        let mut search = async |term: &str| {
            let request = ProductSearchRequest {
                search_term: term.to_owned(),
                ..ProductSearchRequest::default()
            };
            ids(service.products.search_products(at(head, request)).await)
        };
        for (term, found) in [
            ("ΣΊΣ", "6"),
            ("σίς", "6"),
            ("STRASSE", "7"),
            ("straẞe", "7"),
            ("ＳＳ", "7"),
        ] {
            assert_eq!(search(term).await, [found], "{term}");
        }
        let request = CategorySearchRequest {
            search_term: "STRASS".to_owned(),
            ..CategorySearchRequest::default()
        };
        let reply = service.categories.search_categories(at(head, request));
        let found = reply.await.expect("answered").into_inner().categories;
        assert_eq!(found.len(), 1);
        let request = CategorySearchRequest {
            search_term: "E".to_owned(),
            ..CategorySearchRequest::default()
        };
        let reply = service
            .categories
            .search_categories(at(head, request))
            .await;
        let found = reply.expect("answered").into_inner().categories;
        assert_eq!(found.len(), 3);
        service.stop().await;
    }
}

#[tokio::test]
async fn advanced_search_filters_by_the_fields_that_are_set() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        let mut search = async |request: ProductAdvancedSearchRequest| {
            ids(service
                .products
                .search_products_advanced(at(head, request))
                .await)
        };
        let empty = ProductAdvancedSearchRequest::default;
        assert_eq!(search(empty()).await, BY_NAME);
        let request = ProductAdvancedSearchRequest {
            name: "apple".to_owned(),
            sort_by: "price".to_owned(),
            sort_order: "desc".to_owned(),
            ..empty()
        };
        assert_eq!(search(request).await, ["2", "5", "1"]);
        let request = ProductAdvancedSearchRequest {
            category_id: "k".to_owned(),
            min_price: 1.0,
            ..empty()
        };
        assert_eq!(search(request).await, ["5", "3"]);
        let request = ProductAdvancedSearchRequest {
            max_price: 5.0,
            limit: 2,
            offset: 1,
            ..empty()
        };
        assert_eq!(search(request).await, ["3", "1"]);
        let request = ProductAdvancedSearchRequest {
            sort_order: "desc".to_owned(),
            ..empty()
        };
        assert_eq!(search(request).await, ["4", "2", "1", "3", "5"]);
        service.stop().await;
    }
}

#[tokio::test]
async fn pages_and_windows_are_parts_of_the_list() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        let mut page = async |page: i32, per_page: i32| {
            let request = ProductPaginationRequest {
                page,
                per_page,
                ..ProductPaginationRequest::default()
            };
            ids(service
                .products
                .list_products_paginated(at(head, request))
                .await)
        };
        assert_eq!(page(1, 2).await, ["5", "3"]);
        assert_eq!(page(3, 2).await, ["4"]);
        assert_eq!(page(i32::MAX, 500).await, Vec::<String>::new());
        let request = CategoryPaginationRequest {
            page: 2,
            per_page: 1,
            ..CategoryPaginationRequest::default()
        };
        let reply = service
            .categories
            .list_categories_paginated(at(head, request));
        let found = reply.await.expect("answered").into_inner().categories;
        assert_eq!(found[0].name, "garden");
        let mut window = async |category: Option<&str>, limit: Option<i32>, offset: i32| {
            let request = ProductWindowRequest {
                category_id: category.map(str::to_owned),
                limit,
                offset,
                ..ProductWindowRequest::default()
            };
            ids(service
                .products
                .list_products_window(at(head, request))
                .await)
        };
        assert_eq!(window(None, None, 0).await, BY_NAME);
        assert_eq!(window(Some("k"), Some(2), 1).await, ["3", "4"]);
        service.stop().await;
    }
}

async fn many(world: &TestService, count: usize) -> u64 {
    let mut head = 0;
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(250) {
        let writes = chunk
            .iter()
            .flat_map(|number| {
                let id = format!("p{number:04}");
                [
                    product(&id, &format!("Product {number:04}"), "1", Some("c")),
                    category(&format!("c{number:04}"), &format!("Category {number:04}")),
                ]
            })
            .collect();
        head = world.append(writes).await;
    }
    head
}

async fn truncations(service: &mut Service, head: u64) -> [(usize, bool); 4] {
    let of = |reply: Listed| {
        let reply = reply.expect("answered").into_inner();
        (reply.products.len(), reply.truncated)
    };
    let all = of(service.products.list_products(at(head, Empty {})).await);
    let window = ProductWindowRequest {
        category_id: Some("c".to_owned()),
        ..ProductWindowRequest::default()
    };
    let window = of(service
        .products
        .list_products_window(at(head, window))
        .await);
    let page = ProductPaginationRequest {
        page: 1,
        per_page: 500,
        ..ProductPaginationRequest::default()
    };
    let page = of(service
        .products
        .list_products_paginated(at(head, page))
        .await);
    let categories = service.categories.list_categories(at(head, Empty {})).await;
    let categories = categories.expect("answered").into_inner();
    [
        all,
        window,
        page,
        (categories.categories.len(), categories.truncated),
    ]
}

#[tokio::test]
async fn lists_without_paging_return_500_rows_and_report_truncation() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = many(&world, 500).await;
        let whole = (500, false);
        assert_eq!(truncations(&mut service, head).await, [whole; 4]);
        let one_more = vec![product("q", "Q", "1", Some("c")), category("d", "D")];
        let head = world.append(one_more).await;
        let cut = (500, true);
        // A page is never reported as truncated; the next page has the remaining rows.
        assert_eq!(
            truncations(&mut service, head).await,
            [cut, cut, whole, cut]
        );
        service.stop().await;
    }
}
