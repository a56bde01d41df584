//! Every operation of orders, as documented.

use anyhow::Result;
use contract::proto::{OrderItem, OrderStatus};
use contract::query::{SagaStatus, UserOrderListRequest};
use serde_json::{Value, json};

use super::fakes::{Fakes, SECONDS, order};
use super::test_gateway::{TestGateway, graphql};

const CREATE: &str = "mutation($input: CreateOrderInput!) { createOrder(input: $input) {
    id userId status totalAmount items { productId productName quantity price subtotal }
    shippingAddress { street city postalCode } trackingNumber version createdAt updatedAt } }";
const TIME: &str = "2026-11-23T00:00:00.000000Z";

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(|item| item["id"].as_str())
        .collect()
}

#[tokio::test]
async fn an_order_is_created_by_one_call_and_returned_from_its_reply() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    let address = json!({"street": "1 Main St", "city": "Oslo", "postalCode": "0150"});
    let items = json!([{"productId": "pot", "quantity": 2}, {"productId": "cup", "quantity": 1}]);
    let input = json!({"userId": "ann", "items": items, "shippingAddress": address});
    let body = gateway.ask_after(CREATE, json!({ "input": input })).await?;
    let expected = json!({
        "id": "order-1", "userId": "ann", "status": "PROCESSING", "totalAmount": 39.8,
        "items": [{"productId": "pot", "productName": "Pot", "quantity": 2, "price": 19.9, "subtotal": 39.8}],
        "shippingAddress": address, "trackingNumber": null, "version": 1,
        "createdAt": TIME, "updatedAt": TIME,
    });
    assert_eq!(body["data"]["createOrder"], expected, "{body}");
    assert_eq!(body["extensions"]["position"], "1");
    let calls = gateway.wire.take();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].path, "/proto.SagaCommand/StartOrderSaga");
    assert!(calls[0].metadata.contains_key("x-command-id"));
    let started = fakes.lock().started.clone();
    let item = |product: &str, quantity| OrderItem {
        product_id: product.to_owned(),
        quantity,
        ..OrderItem::default()
    };
    assert_eq!(started[0].items, [item("pot", 2), item("cup", 1)]);
    assert_eq!(started[0].customer_id, "ann");
    let sent = started[0].shipping_address.clone().unwrap_or_default();
    assert_eq!(sent.postal_code, "0150");
    let given = (
        started[0].order_id.as_str(),
        &started[0].total_amount_decimal,
    );
    assert_eq!(given, ("", &None));
    Ok(())
}

#[tokio::test]
async fn an_order_without_an_address_and_its_saga_at_the_commits_position() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.lock().position = 6;
    let query =
        "mutation { createOrder(input: {userId: 7, items: {productId: \"pot\", quantity: 2}}) {
        userId shippingAddress { street } sagaState { type state status startedAt } } }";
    let data = gateway.data(query, json!({})).await?;
    let saga = json!({"type": "order", "state": "started", "status": "STARTED",
        "startedAt": "2026-11-23T00:00:00.000005Z"});
    let expected = json!({"userId": "7", "shippingAddress": null, "sagaState": saga});
    assert_eq!(data["createOrder"], expected);
    let calls = gateway.wire.take();
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    let expected = [
        "/proto.SagaCommand/StartOrderSaga",
        "/query.SagaQuery/GetSagasByOrders",
    ];
    assert_eq!(paths, expected);
    assert_eq!(calls[1].metadata["x-min-position"], "7");
    assert_eq!(fakes.lock().started[0].shipping_address, None);
    Ok(())
}

#[tokio::test]
async fn an_order_is_shipped_and_delivered() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    let query = "mutation { ship: shipOrder(id: \"o1\") { id status version }
        arrive: deliverOrder(id: \"o1\") { status version updatedAt } }";
    let data = gateway.data(query, json!({})).await?;
    assert_eq!(
        data["ship"],
        json!({"id": "o1", "status": "SHIPPED", "version": 2})
    );
    let delivered = json!({"status": "DELIVERED", "version": 3, "updatedAt": TIME});
    assert_eq!(data["arrive"], delivered);
    assert_eq!(gateway.wire.methods(), ["Ship", "Deliver"]);
    Ok(())
}

#[tokio::test]
async fn an_order_is_cancelled_with_or_without_a_reason() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Processing, SagaStatus::Running);
    let query = "mutation($r: String) { cancelOrder(input: {orderId: \"o1\", reason: $r}) }";
    for variables in [json!({"r": "changed my mind"}), json!({})] {
        assert_eq!(gateway.data(query, variables).await?["cancelOrder"], true);
    }
    let reasons = fakes.lock().cancelled.clone();
    let reasons: Vec<_> = reasons.iter().map(|it| it.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("changed my mind"), None]);
    Ok(())
}

#[tokio::test]
async fn an_order_is_read_with_its_saga() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Shipped, SagaStatus::Completed);
    {
        let mut shared = fakes.lock();
        let order = shared.orders.get_mut("o1").expect("the order");
        order.tracking_number = Some("T-1".to_owned());
        let saga = shared.sagas.get_mut("o1").expect("the saga");
        saga.current_step = None;
        saga.completed_at_micros = Some((SECONDS + 1) * 1_000_000);
    }
    let query =
        "{ order(id: \"o1\") { id userId status totalAmount items { price subtotal } trackingNumber
        version createdAt sagaState { type state status currentStep completedSteps compensatedSteps
        failureReason startedAt completedAt } } }";
    let data = gateway.data(query, json!({})).await?;
    let saga = json!({
        "type": "order", "state": "completed", "status": "COMPLETED", "currentStep": null,
        "completedSteps": ["reserve_inventory"], "compensatedSteps": [], "failureReason": null,
        "startedAt": "2026-11-23T00:00:00.000005Z", "completedAt": "2026-11-23T00:00:01.000000Z",
    });
    let expected = json!({
        "id": "o1", "userId": "ann", "status": "SHIPPED", "totalAmount": 39.8,
        "items": [{"price": 19.9, "subtotal": 39.8}], "trackingNumber": "T-1", "version": 1,
        "createdAt": TIME, "sagaState": saga,
    });
    assert_eq!(data["order"], expected);
    Ok(())
}

#[tokio::test]
async fn a_saga_is_read_by_its_order() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Processing, SagaStatus::Compensating);
    {
        let mut shared = fakes.lock();
        let saga = shared.sagas.get_mut("o1").expect("the saga");
        saga.r#type = "cancel_order".to_owned();
        saga.failure_reason = Some("declined".to_owned());
        saga.compensated_steps = vec!["reserve_inventory".to_owned()];
    }
    let query = "{ sagaStatus(orderId: \"o1\") { sagaId type state currentStep completedSteps
        compensatedSteps error startedAt completedAt }
        sagaState(orderId: \"o1\") { type status state failureReason } }";
    let data = gateway.data(query, json!({})).await?;
    let expected = json!({
        "sagaId": "saga-of-o1", "type": "cancel_order", "state": "compensating",
        "currentStep": "process_payment", "completedSteps": ["reserve_inventory"],
        "compensatedSteps": ["reserve_inventory"], "error": "declined",
        "startedAt": "2026-11-23T00:00:00.000005Z", "completedAt": null,
    });
    assert_eq!(data["sagaStatus"], expected);
    let expected = json!({"type": "cancel_order", "status": "COMPENSATING", "state": "compensating",
        "failureReason": "declined"});
    assert_eq!(data["sagaState"], expected);
    Ok(())
}

#[tokio::test]
async fn every_saga_status_has_its_name() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    for (number, name) in (1..).zip([
        "STARTED",
        "RUNNING",
        "COMPENSATING",
        "COMPLETED",
        "FAILED",
        "COMPENSATED",
        "SUSPENDED",
    ]) {
        let status = SagaStatus::try_from(number)?;
        fakes.add("o1", OrderStatus::Failed, status);
        let data = gateway.data("{ sagaState(orderId: \"o1\") { status state } }", json!({}));
        let expected = json!({"status": name, "state": name.to_lowercase()});
        assert_eq!(data.await?["sagaState"], expected);
    }
    Ok(())
}

#[tokio::test]
async fn lists_are_windows_on_all_orders_or_those_of_a_user() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    for (id, user, status) in [
        ("o1", "ann", OrderStatus::Confirmed),
        ("o2", "bob", OrderStatus::Pending),
        ("o3", "ann", OrderStatus::Cancelled),
        ("o4", "ann", OrderStatus::Confirmed),
    ] {
        let order = order(id, user, status);
        fakes.lock().orders.insert(id.to_owned(), order);
    }
    let query = "query($s: OrderStatus, $l: Int) { all: orders { id }
        some: orders(status: CONFIRMED, limit: 1, offset: 1) { id status }
        hers: userOrders(userId: \"ann\", limit: $l) { id }
        done: userOrders(userId: \"ann\", status: $s, offset: 1) { id }
        none: userOrders(userId: \"no one\") { id } }";
    let body = gateway
        .ask_after(query, json!({"s": "CONFIRMED", "l": 2}))
        .await?;
    let data = &body["data"];
    assert_eq!(ids(&data["all"]), ["o1", "o2", "o3", "o4"], "{body}");
    assert_eq!(data["some"], json!([{"id": "o4", "status": "CONFIRMED"}]));
    assert_eq!(ids(&data["hers"]), ["o1", "o3"]);
    assert_eq!(ids(&data["done"]), ["o4"]);
    assert_eq!(data["none"], json!([]));
    assert!(body["extensions"].get("truncated").is_none());
    let windows = fakes.lock().windows.clone();
    let window = |user_id: &str, status: Option<OrderStatus>, offset| UserOrderListRequest {
        user_id: user_id.to_owned(),
        status: status.map(i32::from),
        limit: Some(100),
        offset,
        ..UserOrderListRequest::default()
    };
    assert!(windows.contains(&window("", None, 0)), "{windows:?}");
    let confirmed = window("ann", Some(OrderStatus::Confirmed), 1);
    assert!(windows.contains(&confirmed), "{windows:?}");
    Ok(())
}

#[tokio::test]
async fn the_sagas_of_a_list_are_one_call() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    for number in 0..30 {
        let id = format!("o{number:02}");
        fakes.add(&id, OrderStatus::Processing, SagaStatus::Running);
    }
    fakes.lock().sagas.remove("o07");
    let query = "{ orders(limit: 30) { id sagaState { state currentStep } } }";
    let data = gateway.data(query, json!({})).await?;
    let sagas: Vec<&Value> = (0..30).map(|n| &data["orders"][n]["sagaState"]).collect();
    let running = json!({"state": "running", "currentStep": "process_payment"});
    for (number, saga) in sagas.into_iter().enumerate() {
        let expected = if number == 7 { &Value::Null } else { &running };
        assert_eq!(saga, expected, "{number}");
    }
    assert_eq!(gateway.wire.methods(), ["ListOrders", "GetSagasByOrders"]);
    Ok(())
}

#[tokio::test]
async fn orders_that_exceed_one_message_are_read_in_parts() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    let expected: Vec<String> = (0..100).map(|number| format!("o{number:02}")).collect();
    for id in &expected {
        fakes.add(id, OrderStatus::Confirmed, SagaStatus::Completed);
    }
    fakes.lock().fits = Some(30);
    let data = gateway
        .data("{ userOrders(userId: \"ann\") { id } }", json!({}))
        .await?;
    assert_eq!(ids(&data["userOrders"]), expected);
    let windows = fakes.lock().windows.clone();
    let sizes: Vec<_> = windows.iter().filter_map(|window| window.limit).collect();
    assert_eq!(sizes, [100, 50, 25, 25, 50, 25, 25]);
    Ok(())
}

#[tokio::test]
async fn lists_that_were_cut_are_continued() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    let expected: Vec<String> = (0..25).map(|number| format!("o{number:02}")).collect();
    for id in &expected {
        fakes.add(id, OrderStatus::Confirmed, SagaStatus::Completed);
    }
    let list = "query($n: Int!) { userOrders(userId: \"ann\", limit: $n) { id nodeId sagaState { status } } }";
    let all = gateway.data(list, json!({"n": 25})).await?;
    fakes.lock().room = Some(10);
    for length in [9, 10, 11, 20, 25] {
        let cut = gateway.data(list, json!({"n": length})).await?;
        let orders = cut["userOrders"].as_array().map_or(&[][..], Vec::as_slice);
        let expected = all["userOrders"].as_array().map(|all| &all[..length]);
        assert_eq!(Some(orders), expected, "{length}");
    }
    let node_ids: Vec<_> = (all["userOrders"].as_array().into_iter().flatten())
        .map(|order| order["nodeId"].clone())
        .collect();
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { id } } }";
    let data = gateway.data(nodes, json!({"ids": node_ids})).await?;
    assert_eq!(ids(&data["nodes"]), expected);
    Ok(())
}

#[tokio::test]
async fn an_unchanged_command_returns_the_row() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Shipped, SagaStatus::Completed);
    fakes.lock().newer_rows = Some(60);
    let query = "mutation { shipOrder(id: \"o1\") { id status updatedAt trackingNumber } }";
    let data = gateway.data(query, json!({})).await?;
    let expected = json!({"id": "o1", "status": "SHIPPED", "trackingNumber": null,
        "updatedAt": "2026-11-23T00:01:00.000000Z"});
    assert_eq!(data["shipOrder"], expected);
    assert_eq!(gateway.wire.methods(), ["Ship", "GetOrders"]);
    Ok(())
}

#[tokio::test]
async fn an_unknown_order_is_not_found() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let lists = "{ orders(status: FAILED, limit: 400) { id sagaState { state } }
        userOrders(userId: \"\u{e5}sa \u{1F375}\", offset: 3) { id } }";
    let data = gateway.data(lists, json!({})).await?;
    assert_eq!(data, json!({"orders": [], "userOrders": []}));
    for query in [
        "{ order(id: \"none\") { id } }",
        "{ sagaState(orderId: \"none\") { state } }",
        "{ sagaStatus(orderId: \"none\") { state } }",
    ] {
        let error = gateway.error(query, json!({})).await?;
        assert_eq!(error["code"], "NOT_FOUND", "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn the_position_of_an_order_is_that_of_its_commit() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    fakes.lock().position = 41;
    let reply = gateway
        .ask("mutation { shipOrder(id: \"o1\") { id } }", json!({}))
        .await?;
    assert_eq!(reply.header("x-min-position"), Some("42"));
    let request = graphql("{ order(id: \"o1\") { id } }", &json!({}));
    gateway.wire.take();
    gateway
        .send(&request.with_header("x-min-position", "42"))
        .await?;
    assert_eq!(gateway.wire.take()[0].metadata["x-min-position"], "42");
    Ok(())
}

/// A client that continues at the position of a response must not see an older state of any part of it.
#[tokio::test]
async fn the_position_of_several_reads_is_that_of_the_newest() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    let query = "{ order(id: \"o1\") { status sagaState { state } } }";
    for (orders_at, sagas_at) in [(22, 18), (18, 22)] {
        fakes.lock().position = orders_at;
        fakes.lock().sagas_at = Some(sagas_at);
        let reply = gateway.send(&graphql(query, &json!({}))).await?;
        assert_eq!(reply.json()?["data"]["order"]["status"], "CONFIRMED");
        assert_eq!(reply.header("x-min-position"), Some("22"));
        assert_eq!(reply.json()?["extensions"]["position"], "22");
    }
    Ok(())
}
