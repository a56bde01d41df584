//! Bad input about orders: the documented error, and nothing changed.

use anyhow::{Context, Result, bail, ensure};
use contract::proto::order_command_client::OrderCommandClient;
use contract::proto::saga_command_client::SagaCommandClient;
use contract::proto::{GetSagaStatusParam, OrderItem, OrderUpParam, StartOrderSagaParam};
use serde_json::json;

use crate::support::{
    Bad, CANCEL_ORDER, CREATE_ORDER, SHIP_ORDER, Shop, Topology, expect_refusals, on, order_input,
};

const INVALID: &[&str] = &["VALIDATION_ERROR"];
const MISTYPED: &[&str] = &["GRAPHQL_VALIDATION_FAILED"];
const UNKNOWN: &[&str] = &["NOT_FOUND"];
const NO_ID: &[&str] = &["NOT_FOUND", "VALIDATION_ERROR"];
const DELIVER: &str = "mutation($id: ID!) { deliverOrder(id: $id) { id } }";
const ORDER: &str = "query($id: ID!) { order(id: $id) { id } }";
const SAGA_STATUS: &str = "query($id: ID!) { sagaStatus(orderId: $id) { state } }";
const SAGA_STATE: &str = "query($id: ID!) { sagaState(orderId: $id) { state } }";

#[tokio::test]
async fn bad_orders_change_nothing_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, refuse_all).await
}

#[tokio::test]
async fn bad_orders_change_nothing_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, refuse_all).await
}

async fn refuse_all(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({ "name": "Pot", "price": 10, "stockQuantity": 10 });
    let pot = session.create_product(input).await?;
    let order = session.place_order("ann", &[(&pot, 1)]).await?;
    session.order_once(&order, "CONFIRMED").await?;
    let head = shop.head().await?;
    let mut table = items(&pot);
    table.extend(texts(&pot, &order));
    table.extend(ids());
    table.extend(lists());
    table.extend(types(&pot));
    table.push(Bad::new(
        "not shipped",
        DELIVER,
        json!({ "id": order }),
        &["CONFLICT"],
        "",
    ));
    expect_refusals(&mut session, table).await?;
    over_grpc(shop, &pot).await?;
    out_of_turn(shop, &order).await?;
    ensure!(shop.head().await? == head, "refused input left an event");
    assert_eq!(session.stock(&pot).await?, [9, 10, 1]);
    Ok(())
}

/// What can be wrong with what is ordered.
fn items(pot: &str) -> Vec<Bad> {
    let unknown = "0198c2a5-0000-7000-8000-000000000000";
    let many = vec![(pot, 1); 101];
    let mut table = Vec::new();
    for (what, items, field) in [
        ("no items", Vec::new(), "items"),
        ("101 items", many, "items"),
        ("quantity 0", vec![(pot, 0)], "items[0].quantity"),
        ("quantity -1", vec![(pot, -1)], "items[0].quantity"),
        (
            "quantity 1001",
            vec![(pot, 1), (pot, 1_001)],
            "items[1].quantity",
        ),
        (
            "added up to 1001",
            vec![(pot, 1_000), (pot, 1)],
            "items[1].quantity",
        ),
        (
            "unknown product",
            vec![(pot, 1), (unknown, 1)],
            "items[1].productId",
        ),
        ("no product id", vec![("", 1)], "items[0].productId"),
        (
            "U+0000 in a product id",
            vec![("a\0b", 1)],
            "items[0].productId",
        ),
    ] {
        let input = order_input("ann", &items);
        table.push(Bad::new(what, CREATE_ORDER, input, INVALID, field));
    }
    table
}

/// What can be wrong with texts.
fn texts(pot: &str, order: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, user) in [
        ("no user", String::new()),
        ("user of 256 characters", "u".repeat(256)),
        ("U+0000 in a user", "a\0b".to_owned()),
    ] {
        let input = order_input(&user, &[(pot, 1)]);
        table.push(Bad::new(what, CREATE_ORDER, input, INVALID, "userId"));
    }
    let long = "s".repeat(256);
    for (what, [street, city, code], field) in [
        (
            "long street",
            [long.as_str(), "Oslo", "1"],
            "shippingAddress.street",
        ),
        ("long city", ["Main", &long, "1"], "shippingAddress.city"),
        (
            "long code",
            ["Main", "Oslo", &long[..21]],
            "shippingAddress.postalCode",
        ),
        (
            "U+0000 in a city",
            ["Main", "O\0o", "1"],
            "shippingAddress.city",
        ),
    ] {
        let mut input = order_input("ann", &[(pot, 1)]);
        input["input"]["shippingAddress"] =
            json!({ "street": street, "city": city, "postalCode": code });
        table.push(Bad::new(what, CREATE_ORDER, input, INVALID, field));
    }
    for (what, reason) in [
        ("long reason", "r".repeat(1_001)),
        ("U+0000 in a reason", "a\0b".to_owned()),
    ] {
        let input = json!({ "input": { "orderId": order, "reason": reason } });
        table.push(Bad::new(what, CANCEL_ORDER, input, INVALID, "reason"));
    }
    table
}

fn ids() -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, id, codes) in [
        (
            "unknown id",
            "0198c2a5-0000-7000-8000-000000000000".to_owned(),
            UNKNOWN,
        ),
        ("empty id", String::new(), NO_ID),
        ("SQL as id", "'; DROP TABLE events; --".to_owned(), NO_ID),
        ("long id", "i".repeat(5_000), NO_ID),
        ("U+0000 in an id", "a\0".to_owned(), NO_ID),
    ] {
        let cancel = json!({ "input": { "orderId": id } });
        table.push(Bad::new(what, CANCEL_ORDER, cancel, codes, ""));
        for document in [SHIP_ORDER, DELIVER, ORDER, SAGA_STATUS, SAGA_STATE] {
            table.push(Bad::new(what, document, json!({ "id": id }), codes, ""));
        }
    }
    table
}

fn lists() -> Vec<Bad> {
    let mut table = Vec::new();
    for document in [
        "query($limit: Int, $offset: Int) { orders(limit: $limit, offset: $offset) { id } }",
        "query($limit: Int, $offset: Int) { userOrders(userId: \"ann\", limit: $limit, offset: $offset) { id } }",
    ] {
        for (what, limit, offset, field) in [
            ("limit 0", 0, 0, "limit"),
            ("limit 501", 501, 0, "limit"),
            ("negative offset", 1, -1, "offset"),
        ] {
            let variables = json!({ "limit": limit, "offset": offset });
            table.push(Bad::new(what, document, variables, INVALID, field));
        }
    }
    let document = "query($user: ID!) { userOrders(userId: $user) { id } }";
    let long = json!({ "user": "u".repeat(256) });
    table.push(Bad::new("long user", document, long, INVALID, "userId"));
    let document = "query($status: OrderStatus) { orders(status: $status) { id } }";
    let wrong = json!({ "status": "LOST" });
    table.push(Bad::new("no such status", document, wrong, MISTYPED, ""));
    table
}

fn types(pot: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, input) in [
        ("no input", json!({})),
        ("no items", json!({ "input": { "userId": "ann" } })),
        (
            "null as items",
            json!({ "input": { "userId": "ann", "items": null } }),
        ),
        (
            "text as quantity",
            json!({ "input": { "userId": "ann", "items": [{ "productId": pot, "quantity": "1" }] } }),
        ),
        (
            "half a piece",
            json!({ "input": { "userId": "ann", "items": [{ "productId": pot, "quantity": 0.5 }] } }),
        ),
        (
            "half an address",
            json!({ "input": { "userId": "ann", "items": [{ "productId": pot, "quantity": 1 }],
                "shippingAddress": { "street": "Main" } } }),
        ),
    ] {
        table.push(Bad::new(what, CREATE_ORDER, input, MISTYPED, ""));
    }
    table
}

/// An older client may say what it thinks that things cost.
async fn over_grpc(shop: &Shop, pot: &str) -> Result<()> {
    let mut sagas = SagaCommandClient::new(shop.command_channel().await?);
    let item = OrderItem {
        product_id: pot.to_owned(),
        quantity: 2,
        ..OrderItem::default()
    };
    let param = |item: OrderItem, total_amount: f64| StartOrderSagaParam {
        customer_id: "old".to_owned(),
        items: vec![item],
        total_amount,
        ..StartOrderSagaParam::default()
    };
    let with = |unit_price: f64, subtotal: f64| OrderItem {
        unit_price,
        subtotal,
        ..item.clone()
    };
    for (what, param, kind) in [
        ("wrong price", param(with(9.99, 0.0), 0.0), "CONFLICT"),
        ("wrong subtotal", param(with(10.0, 10.0), 0.0), "CONFLICT"),
        ("wrong total", param(with(10.0, 20.0), 10.0), "CONFLICT"),
        (
            "three decimals",
            param(with(9.999, 0.0), 0.0),
            "VALIDATION_ERROR",
        ),
        (
            "no number",
            param(with(f64::NAN, 0.0), 0.0),
            "VALIDATION_ERROR",
        ),
        (
            "infinite total",
            param(item.clone(), f64::INFINITY),
            "VALIDATION_ERROR",
        ),
    ] {
        let reply = sagas.start_order_saga(param).await?.into_inner();
        let error = reply
            .error
            .with_context(|| format!("{what} was accepted"))?;
        if error.r#type != kind || !reply.saga_id.is_empty() {
            bail!("{what}: expected {kind}, got {error:?}");
        }
    }
    let saga_id = "nothing".to_owned();
    let reply = sagas
        .get_saga_status(GetSagaStatusParam { saga_id })
        .await?;
    let error = reply.into_inner().error.context("an unknown saga")?;
    assert_eq!((error.r#type.as_str(), error.code), ("NOT_FOUND", 5));
    Ok(())
}

/// What is an error of its own kind here is a conflict for clients of the gateway.
async fn out_of_turn(shop: &Shop, order: &str) -> Result<()> {
    let mut orders = OrderCommandClient::new(shop.command_channel().await?);
    for (id, kind, code) in [(order, "DOMAIN_ERROR", 9), ("nothing", "NOT_FOUND", 5)] {
        let param = OrderUpParam { id: id.to_owned() };
        let reply = orders.deliver(param).await?.into_inner();
        ensure!(reply.order.is_none(), "an error comes without the order");
        let error = reply.error.with_context(|| format!("{id} was delivered"))?;
        assert_eq!((error.r#type.as_str(), error.code), (kind, code));
    }
    Ok(())
}
