//! Orders over gRPC.

use contract::query::{
    Order, OrderIdsRequest, OrderItem, OrderListRequest, OrderListResponse, OrderQueryRequest,
    OrderStatus, ShippingAddress, UserOrderListRequest,
};
use sagas::event::ResumeKind;
use tonic::{Code, Response, Status};

use crate::order_events::{O, OrderOf, S, SagaOf};
use crate::support::{Service, TestService, at, error_position, position};

fn request() -> OrderQueryRequest {
    OrderQueryRequest { id: "o".to_owned() }
}

async fn read(service: &mut Service, head: u64) -> Order {
    let reply = service.orders.get_order(at(head, request())).await;
    let reply = reply.expect("found");
    assert!(position(&reply) >= head);
    reply.into_inner().order.expect("set")
}

fn ids(reply: Result<Response<OrderListResponse>, Status>) -> Vec<String> {
    let orders = reply.expect("answered").into_inner().orders;
    orders.into_iter().map(|order| order.id).collect()
}

#[tokio::test]
async fn an_order_is_returned_with_all_fields() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world.append(vec![O.created(), S.started()]).await;
        let head = world.append(vec![O.shipping_arranged()]).await;
        let order = read(&mut service, head).await;
        let item = |id: &str, name: &str, quantity, price: &str, subtotal: &str| OrderItem {
            product_id: id.to_owned(),
            product_name: name.to_owned(),
            quantity,
            price: price.to_owned(),
            subtotal: subtotal.to_owned(),
        };
        assert!(order.created_at_micros > 0 && order.updated_at_micros > order.created_at_micros);
        let expected = Order {
            id: "o".to_owned(),
            user_id: "ann".to_owned(),
            status: OrderStatus::Processing.into(),
            total_amount: "39.85".to_owned(),
            items: vec![
                item("p1", "Lamp", 2, "19.90", "39.80"),
                item("p2", "Rug", 1, "0.05", "0.05"),
            ],
            shipping_address: Some(ShippingAddress {
                street: "Main St. 1".to_owned(),
                city: "Öhringen".to_owned(),
                postal_code: "74613".to_owned(),
            }),
            tracking_number: Some("track-1".to_owned()),
            version: 2,
            created_at: order.created_at_micros / 1_000_000,
            updated_at: order.updated_at_micros / 1_000_000,
            created_at_micros: order.created_at_micros,
            updated_at_micros: order.updated_at_micros,
        };
        assert_eq!(order, expected);
        service.stop().await;
    }
}

#[tokio::test]
async fn every_status_is_visible_at_its_position() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let error = service.orders.get_order(at(0, request())).await;
        assert_eq!(error.expect_err("nothing yet").code(), Code::NotFound);
        let commits = [
            (vec![O.created()], OrderStatus::Pending),
            (vec![S.started()], OrderStatus::Processing),
            (vec![S.suspended("pay")], OrderStatus::Failed),
            (vec![S.resumed(ResumeKind::Resume)], OrderStatus::Processing),
            (vec![O.confirmed(), S.completed()], OrderStatus::Confirmed),
            (vec![O.shipped()], OrderStatus::Shipped),
            (vec![O.delivered()], OrderStatus::Delivered),
        ];
        for (commit, expected) in commits {
            let head = world.append(commit).await;
            // The second answer may be cached.
            for _ in 0..2 {
                let order = read(&mut service, head).await;
                assert_eq!(order.status(), expected, "at {head}");
                let ids = OrderIdsRequest {
                    ids: vec!["o".to_owned()],
                };
                let reply = service.orders.get_orders(at(head, ids)).await;
                let orders = reply.expect("answered").into_inner().orders;
                assert_eq!(orders, [order]);
            }
        }
        let other = OrderQueryRequest {
            id: "other".to_owned(),
        };
        let error = service.orders.get_order(at(0, other)).await;
        let error = error.expect_err("there is none");
        assert_eq!(error.code(), Code::NotFound);
        assert!(error_position(&error).is_some());
        service.stop().await;
    }
}

#[tokio::test]
async fn compensated_and_closed_orders_have_their_status() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let ends = [
        ("undone", OrderStatus::Cancelled),
        ("closed", OrderStatus::Failed),
    ];
    let order = |id| OrderOf { id, user: "ann" };
    let saga = |id| SagaOf {
        id,
        order: id,
        saga_type: "order",
    };
    for (id, _) in ends {
        let (order, saga) = (order(id), saga(id));
        world.append(vec![order.created(), saga.started()]).await;
        world.append(vec![saga.suspended("pay")]).await;
    }
    world
        .append(vec![saga("undone").resumed(ResumeKind::Resume)])
        .await;
    world
        .append(vec![
            order("undone").cancelled(),
            saga("undone").compensated(),
        ])
        .await;
    let head = world
        .append(vec![saga("closed").closed(), order("closed").failed()])
        .await;
    for (id, expected) in ends {
        let request = OrderQueryRequest { id: id.to_owned() };
        let reply = service.orders.get_order(at(head, request)).await;
        let order = reply.expect("found").into_inner().order.expect("set");
        assert_eq!(order.status(), expected);
    }
    service.stop().await;
}

/// Six orders of two users; the even ones are confirmed, and the third one's saga is suspended.
async fn orders(world: &TestService) -> u64 {
    for (id, user) in [
        ("o1", "ann"),
        ("o2", "bob"),
        ("o3", "ann"),
        ("o4", "ann"),
        ("o5", "bob"),
        ("o6", "ann"),
    ] {
        let order = OrderOf { id, user };
        world.append(vec![order.created()]).await;
        if ["o2", "o4", "o6"].contains(&id) {
            world.append(vec![order.confirmed()]).await;
        }
    }
    let saga = SagaOf { order: "o3", ..S };
    world.append(vec![saga.started()]).await;
    world.append(vec![saga.suspended("pay")]).await
}

#[tokio::test]
async fn lists_are_newest_first() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = orders(&world).await;
        let list = |status: Option<OrderStatus>, limit, offset| OrderListRequest {
            status: status.map(Into::into),
            limit,
            offset,
            ..OrderListRequest::default()
        };
        let of = |user: &str, status: Option<OrderStatus>, limit, offset| UserOrderListRequest {
            user_id: user.to_owned(),
            status: status.map(Into::into),
            limit,
            offset,
            ..UserOrderListRequest::default()
        };
        let confirmed = Some(OrderStatus::Confirmed);
        let all = ["o6", "o5", "o4", "o3", "o2", "o1"];
        for (request, expected) in [
            (list(None, None, 0), &all[..]),
            (list(None, Some(2), 0), &["o6", "o5"]),
            (list(None, Some(2), 3), &["o3", "o2"]),
            (list(None, Some(500), 5), &["o1"]),
            (list(None, None, 6), &[]),
            (list(confirmed, None, 0), &["o6", "o4", "o2"]),
            (list(confirmed, Some(1), 1), &["o4"]),
            (list(Some(OrderStatus::Failed), None, 0), &["o3"]),
            (list(Some(OrderStatus::Processing), None, 0), &[]),
        ] {
            for _ in 0..2 {
                let reply = service.orders.list_orders(at(head, request)).await;
                assert_eq!(ids(reply), expected, "{request:?}");
            }
        }
        for (request, expected) in [
            (of("ann", None, None, 0), &["o6", "o4", "o3", "o1"][..]),
            (of("bob", None, Some(1), 1), &["o2"]),
            (of("ann", confirmed, None, 0), &["o6", "o4"]),
            (of("bob", confirmed, Some(5), 1), &[]),
            (of("unknown", None, None, 0), &[]),
            (of("%", None, None, 0), &[]),
        ] {
            for _ in 0..2 {
                let reply = service
                    .orders
                    .list_user_orders(at(head, request.clone()))
                    .await;
                assert_eq!(ids(reply), expected, "{request:?}");
            }
        }
        let batch = OrderIdsRequest {
            ids: ["o1", "none", "o6", "not an id!", "o3", "o1"]
                .map(str::to_owned)
                .to_vec(),
        };
        let reply = service.orders.get_orders(at(head, batch)).await;
        assert_eq!(ids(reply), ["o6", "o3", "o1"]);
        service.stop().await;
    }
}

#[tokio::test]
async fn orders_with_the_same_time_are_listed_by_id() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let order = |id| OrderOf { id, user: "ann" };
        let commit = ["b", "c", "a"].map(|id| order(id).created()).to_vec();
        let head = world.append(commit).await;
        let reply = service
            .orders
            .list_orders(at(head, OrderListRequest::default()))
            .await;
        assert_eq!(ids(reply), ["c", "b", "a"]);
        let batch = OrderIdsRequest {
            ids: ["b", "c", "a"].map(str::to_owned).to_vec(),
        };
        let reply = service.orders.get_orders(at(head, batch)).await;
        assert_eq!(ids(reply), ["c", "b", "a"]);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_list_without_a_limit_reports_truncation() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let names: Vec<String> = (0..501).map(|number| format!("o{number:03}")).collect();
        let order = |id| OrderOf { id, user: "ann" };
        let (last, most) = names.split_last().expect("many");
        let commit = most.iter().map(|id| order(id).created()).collect();
        let head = world.append(commit).await;
        let request = |limit| UserOrderListRequest {
            user_id: "ann".to_owned(),
            limit,
            ..UserOrderListRequest::default()
        };
        let reply = service
            .orders
            .list_user_orders(at(head, request(None)))
            .await;
        let reply = reply.expect("answered").into_inner();
        assert_eq!((reply.orders.len(), reply.truncated), (500, false));
        let head = world.append(vec![order(last).created()]).await;
        for (limit, expected) in [(None, (500, true)), (Some(500), (500, false))] {
            let reply = service
                .orders
                .list_user_orders(at(head, request(limit)))
                .await;
            let reply = reply.expect("answered").into_inner();
            assert_eq!((reply.orders.len(), reply.truncated), expected);
            assert_eq!(reply.orders[0].id, "o500", "the newest is there");
        }
        service.stop().await;
    }
}
