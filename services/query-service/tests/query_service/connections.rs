//! Parts of lists: which rows they have, in which order, and what they say about the rest of the list.

use contract::query::{
    CategoryConnectionRequest, CategorySort, CategorySortField, OrderConnectionRequest,
    OrderPeriod, OrderSort, OrderStatus, PageInfo, PageSlice, ProductConnectionRequest,
    ProductConnectionResponse, ProductSort, ProductSortField, RowKey, SortDirection,
};
use tonic::{Code, Status};

use crate::order_events::OrderOf;
use crate::support::{Service, TestService, at, category, position, product};

const ASC: i32 = SortDirection::Asc as i32;
const DESC: i32 = SortDirection::Desc as i32;

/// Products of different orders by name, price and id; "1" and "2" share the name, "1", "3" and "5" the price.
async fn shelf(world: &TestService) -> u64 {
    let mut head = 0;
    for (id, name, price, category) in [
        ("3", "Zebra", "5.00", Some("k")),
        ("1", "apple", "5.00", Some("g")),
        ("2", "apple", "7.50", None),
        ("4", "Äpfel 50%_\\", "0.99", Some("k")),
        ("5", "Apple PIE", "5.00", Some("k")),
    ] {
        head = world.append(vec![product(id, name, price, category)]).await;
    }
    head
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn by(field: ProductSortField, direction: i32) -> Option<ProductSort> {
    Some(ProductSort {
        field: field.into(),
        direction,
    })
}

async fn part(
    service: &mut Service,
    head: u64,
    category: Option<&str>,
    sort: Option<ProductSort>,
    slice: PageSlice,
) -> ProductConnectionResponse {
    let request = ProductConnectionRequest {
        category_id: category.map(str::to_owned),
        sort,
        slice: Some(slice),
    };
    let reply = service.products.list_products_connection(at(head, request));
    let reply = reply.await.expect("answered");
    assert!(position(&reply) >= head);
    reply.into_inner()
}

fn ids(part: &ProductConnectionResponse) -> Vec<&str> {
    let products = part.edges.iter().filter_map(|edge| edge.product.as_ref());
    products.map(|product| product.id.as_str()).collect()
}

fn keys(part: &ProductConnectionResponse) -> Vec<RowKey> {
    let keys = part.edges.iter().filter_map(|edge| edge.key.clone());
    keys.collect()
}

fn first(rows: i32) -> PageSlice {
    PageSlice {
        first: Some(rows),
        ..PageSlice::default()
    }
}

#[tokio::test]
async fn each_order_is_total_in_both_directions() {
    use ProductSortField::{CreatedAt, Name, Price, Unspecified};
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        for (sort, category, expected) in [
            (None, None, vec!["5", "3", "1", "2", "4"]),
            (by(Unspecified, 0), None, vec!["5", "3", "1", "2", "4"]),
            (by(Name, DESC), None, vec!["4", "2", "1", "3", "5"]),
            (by(Price, ASC), None, vec!["4", "5", "3", "1", "2"]),
            (by(Price, DESC), None, vec!["2", "1", "3", "5", "4"]),
            (by(CreatedAt, ASC), None, vec!["3", "1", "2", "4", "5"]),
            (by(CreatedAt, DESC), None, vec!["5", "4", "2", "1", "3"]),
            (by(Name, ASC), Some("k"), vec!["5", "3", "4"]),
            (by(Price, DESC), Some("k"), vec!["3", "5", "4"]),
            (by(CreatedAt, DESC), Some("none"), vec![]),
        ] {
            let all = part(&mut service, head, category, sort, first(100)).await;
            assert_eq!(ids(&all), expected, "{sort:?}");
            let page = all.page.expect("set");
            assert_eq!(page, PageInfo::default(), "nothing else, and not counted");
        }
        service.stop().await;
    }
}

/// The part of `list`, by its definition.
fn expected(list: &[RowKey], slice: &PageSlice) -> (Vec<RowKey>, bool, bool) {
    let place = |key: &RowKey| list.iter().position(|one| one == key);
    let start = slice.after.as_ref().and_then(place);
    let end = slice.before.as_ref().and_then(place);
    let from = start.map_or(0, |start| start + 1);
    let to = end.unwrap_or(list.len()).max(from);
    let (mut previous, mut next) = (start.is_some(), end.is_some());
    let mut range = &list[from..to];
    if let Some(rows) = slice.first.and_then(|rows| usize::try_from(rows).ok())
        && range.len() > rows
    {
        (range, next) = (&range[..rows], true);
    }
    if let Some(rows) = slice.last.and_then(|rows| usize::try_from(rows).ok())
        && range.len() > rows
    {
        (range, previous) = (&range[range.len() - rows..], true);
    }
    (range.to_vec(), next, previous)
}

#[tokio::test]
async fn every_part_has_its_rows_and_knows_what_is_beyond_them() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        for sort in [None, by(ProductSortField::Price, DESC)] {
            let list = keys(&part(&mut service, head, None, sort, first(100)).await);
            let places = || [None].into_iter().chain(list.iter().cloned().map(Some));
            for (after, before) in places().flat_map(|a| places().map(move |b| (a.clone(), b))) {
                for (first, last) in [1, 2, 5]
                    .into_iter()
                    .flat_map(|n| [(Some(n), None), (None, Some(n))])
                {
                    let slice = PageSlice {
                        first,
                        last,
                        after: after.clone(),
                        before: before.clone(),
                        count: false,
                    };
                    let got = part(&mut service, head, None, sort, slice.clone()).await;
                    let page = got.page.expect("set");
                    let found = (keys(&got), page.has_next_page, page.has_previous_page);
                    assert_eq!(found, expected(&list, &slice), "{slice:?} of {list:?}");
                }
            }
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn a_key_is_a_place_also_without_its_row() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = shelf(&world).await;
        let key = |name: &str, id: &str| RowKey {
            number: None,
            name: Some(name.to_owned()),
            id: id.to_owned(),
        };
        for (key, expected) in [
            (key("apple", "15"), vec!["2", "4"]),
            (key("", "0"), vec!["5", "3", "1", "2", "4"]),
            (key("Ω", "1"), vec![]),
        ] {
            let slice = PageSlice {
                after: Some(key),
                ..first(100)
            };
            assert_eq!(
                ids(&part(&mut service, head, None, None, slice).await),
                expected
            );
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn rows_are_counted_if_that_is_requested() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        shelf(&world).await;
        let head = world
            .append(vec![category("k", "Kitchen"), category("g", "garden")])
            .await;
        let counted = PageSlice {
            count: true,
            ..first(1)
        };
        for (category, total) in [(None, 5), (Some("k"), 3), (Some("none"), 0)] {
            // The second answer may be cached.
            for _ in 0..2 {
                let got = part(&mut service, head, category, None, counted.clone()).await;
                assert_eq!(got.page.expect("set").total_count, Some(total));
            }
        }
        let head = world
            .append(vec![product("6", "new", "1", Some("k"))])
            .await;
        let got = part(&mut service, head, Some("k"), None, counted.clone()).await;
        assert_eq!(got.page.expect("set").total_count, Some(4));
        let sort = CategorySort {
            field: CategorySortField::CreatedAt.into(),
            direction: DESC,
        };
        for (sort, name) in [(None, "Kitchen"), (Some(sort), "Kitchen")] {
            let request = CategoryConnectionRequest {
                sort,
                slice: Some(counted.clone()),
            };
            let reply = service
                .categories
                .list_categories_connection(at(head, request));
            let reply = reply.await.expect("answered").into_inner();
            let found = reply.edges[0].category.as_ref().expect("set");
            assert_eq!(found.name, name);
            let page = reply.page.expect("set");
            assert_eq!((page.total_count, page.has_next_page), (Some(2), true));
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn orders_are_selected_by_user_status_and_time() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let mut head = 0;
        for (id, user) in [("o1", "ann"), ("o2", "bob"), ("o3", "ann"), ("o4", "ann")] {
            let order = OrderOf { id, user };
            head = world.append(vec![order.created()]).await;
            if ["o2", "o4"].contains(&id) {
                head = world.append(vec![order.confirmed()]).await;
            }
        }
        let mut read = async |request: OrderConnectionRequest| {
            let reply = service
                .orders
                .list_orders_connection(at(head, request))
                .await;
            let edges = reply.expect("answered").into_inner().edges;
            let pairs = edges.into_iter().map(|edge| {
                let micros = edge.key.and_then(|key| key.number).expect("a time");
                (edge.order.expect("set").id, micros)
            });
            pairs.unzip::<_, _, Vec<String>, Vec<i64>>()
        };
        let all = OrderConnectionRequest {
            slice: Some(first(100)),
            ..OrderConnectionRequest::default()
        };
        let (found, times) = read(all.clone()).await;
        assert_eq!(found, ["o4", "o3", "o2", "o1"]);
        let period = |from: Option<i64>, before: Option<i64>| OrderConnectionRequest {
            period: Some(OrderPeriod {
                created_from_micros: from,
                created_before_micros: before,
            }),
            ..all.clone()
        };
        for (request, expected) in [
            (period(Some(times[1]), None), &["o4", "o3"][..]),
            (period(None, Some(times[1])), &["o2", "o1"]),
            (period(Some(times[2]), Some(times[0])), &["o3", "o2"]),
            (period(Some(times[0]), Some(times[0])), &[]),
            (
                OrderConnectionRequest {
                    user_id: Some("ann".to_owned()),
                    ..period(None, Some(times[0]))
                },
                &["o3", "o1"],
            ),
            (
                OrderConnectionRequest {
                    status: Some(OrderStatus::Confirmed.into()),
                    sort: Some(OrderSort {
                        field: 0,
                        direction: ASC,
                    }),
                    ..all.clone()
                },
                &["o2", "o4"],
            ),
        ] {
            assert_eq!(read(request.clone()).await.0, expected, "{request:?}");
        }
        service.stop().await;
    }
}

/// The ids of a part of the orders of a period, whether the list continues before it, and its number of rows.
async fn orders_of(
    service: &mut Service,
    head: u64,
    (from, before): (Option<i64>, Option<i64>),
    (direction, after): (i32, Option<RowKey>),
) -> (Vec<String>, bool, Option<i64>) {
    let request = OrderConnectionRequest {
        period: Some(OrderPeriod {
            created_from_micros: from,
            created_before_micros: before,
        }),
        sort: Some(OrderSort {
            field: 0,
            direction,
        }),
        slice: Some(PageSlice {
            after,
            count: true,
            ..first(100)
        }),
        ..OrderConnectionRequest::default()
    };
    let reply = service.orders.list_orders_connection(at(head, request));
    let reply = reply.await.expect("answered").into_inner();
    let page = reply.page.expect("set");
    let orders = reply.edges.into_iter().filter_map(|edge| edge.order);
    let ids = orders.map(|order| order.id).collect();
    (ids, page.has_previous_page, page.total_count)
}

#[tokio::test]
async fn a_part_of_a_period_has_what_both_have() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let mut head = 0;
        for id in ["o1", "o2", "o3", "o4"] {
            let order = OrderOf { id, user: "ann" };
            head = world.append(vec![order.created()]).await;
        }
        let request = OrderConnectionRequest {
            slice: Some(first(100)),
            sort: Some(OrderSort {
                field: 0,
                direction: ASC,
            }),
            ..OrderConnectionRequest::default()
        };
        let all = service.orders.list_orders_connection(at(head, request));
        let all = all.await.expect("answered").into_inner().edges;
        let keys: Vec<RowKey> = all.into_iter().filter_map(|edge| edge.key).collect();
        let time = |key: &RowKey| key.number.expect("a time");
        let ends = || std::iter::once(None).chain(keys.iter().map(Some));
        for (from, before) in ends().flat_map(|from| ends().map(move |before| (from, before))) {
            let period = (from.map(time), before.map(time));
            if matches!(period, (Some(from), Some(before)) if from > before) {
                continue;
            }
            let is_in = |key: &&RowKey| {
                let time = time(key);
                period.0.is_none_or(|from| time >= from) && period.1.is_none_or(|end| time < end)
            };
            let total = keys.iter().filter(is_in).count();
            for (direction, after) in [ASC, DESC]
                .into_iter()
                .flat_map(|it| ends().map(move |key| (it, key)))
            {
                let is_after = |key: &RowKey| {
                    after.is_none_or(|after| match direction {
                        DESC => time(key) < time(after),
                        _ => time(key) > time(after),
                    })
                };
                let (rest, start): (Vec<_>, Vec<_>) =
                    keys.iter().filter(is_in).partition(|key| is_after(key));
                let mut expected: Vec<String> = rest.iter().map(|key| key.id.clone()).collect();
                if direction == DESC {
                    expected.reverse();
                }
                let part = orders_of(&mut service, head, period, (direction, after.cloned())).await;
                let total = i64::try_from(total).ok();
                let expected = (expected, !start.is_empty(), total);
                assert_eq!(part, expected, "{period:?} {direction} {after:?}");
            }
        }
        service.stop().await;
    }
}

fn rejected(error: &Status, part: &str) {
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(error.message().contains(part), "{part} in {error}");
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn key(number: Option<i64>, name: Option<&str>, id: &str) -> Option<RowKey> {
    Some(RowKey {
        number,
        name: name.map(str::to_owned),
        id: id.to_owned(),
    })
}

/// Parts of a list that cannot be requested, and what the error says.
fn invalid_parts() -> Vec<(PageSlice, Option<ProductSort>, &'static str)> {
    let with = |after, before| PageSlice {
        after,
        before,
        ..first(1)
    };
    let sized = |first, last| PageSlice {
        first,
        last,
        ..PageSlice::default()
    };
    vec![
        (
            sized(None, None),
            None,
            "slice.first must be set, or slice.last",
        ),
        (sized(Some(1), Some(1)), None, "slice.last must be absent"),
        (
            sized(Some(0), None),
            None,
            "slice.first must be 1 to 100, got 0",
        ),
        (
            sized(None, Some(101)),
            None,
            "slice.last must be 1 to 100, got 101",
        ),
        (sized(Some(-1), None), None, "got -1"),
        (
            with(key(Some(1), Some("a"), "1"), None),
            None,
            "slice.after.number must be absent",
        ),
        (
            with(None, key(None, None, "1")),
            None,
            "slice.before.name must be set",
        ),
        (
            with(key(None, Some("a\0"), "1"), None),
            None,
            "slice.after.name must not contain",
        ),
        (
            with(key(None, Some("a"), "a b"), None),
            None,
            "slice.after.id must",
        ),
        (
            with(key(None, Some("a"), "1"), None),
            by(ProductSortField::Price, ASC),
            "slice.after.number must be set",
        ),
        (
            first(1),
            Some(ProductSort {
                field: 9,
                direction: 0,
            }),
            "sort.field must be one of NAME, PRICE, CREATED_AT, got number 9",
        ),
        (
            first(1),
            by(ProductSortField::Name, 7),
            "sort.direction must be one of ASC, DESC, got number 7",
        ),
    ]
}

#[tokio::test]
async fn invalid_parts_are_rejected() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    for (slice, sort, part) in invalid_parts() {
        let request = ProductConnectionRequest {
            category_id: None,
            sort,
            slice: Some(slice),
        };
        let reply = service.products.list_products_connection(request).await;
        rejected(&reply.expect_err("invalid"), part);
    }
    let request = OrderConnectionRequest {
        period: Some(OrderPeriod {
            created_from_micros: Some(2),
            created_before_micros: Some(1),
        }),
        slice: Some(first(1)),
        ..OrderConnectionRequest::default()
    };
    let reply = service.orders.list_orders_connection(request).await;
    rejected(
        &reply.expect_err("invalid"),
        "period.created_from_micros must be at most",
    );
    service.stop().await;
}
