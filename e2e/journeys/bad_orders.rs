//! Invalid input for orders: a rejection of each kind returns the documented error and changes nothing. The rules are tested
//! where they are implemented: in the domain and in the services.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::support::{
    Bad, CANCEL_ORDER, CREATE_ORDER, SHIP_ORDER, Shop, Topology, expect_rejections, on, order_input,
};

const INVALID: &[&str] = &["VALIDATION_ERROR"];
const MISTYPED: &[&str] = &["GRAPHQL_VALIDATION_FAILED"];
const UNKNOWN: &[&str] = &["NOT_FOUND"];
const DELIVER: &str = "mutation($id: ID!) { deliverOrder(id: $id) { id } }";
const ORDER: &str = "query($id: ID!) { order(id: $id) { id } }";
const SAGA_STATUS: &str = "query($id: ID!) { sagaStatus(orderId: $id) { state } }";
const SAGA_STATE: &str = "query($id: ID!) { sagaState(orderId: $id) { state } }";

#[tokio::test]
async fn bad_orders_change_nothing_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, reject_all).await
}

#[tokio::test]
async fn bad_orders_change_nothing_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, reject_all).await
}

async fn reject_all(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({ "name": "Pot", "price": 10, "stockQuantity": 10 });
    let pot = session.create_product(input).await?;
    let order = session.place_order("ann", &[(&pot, 1)]).await?;
    session.order_once(&order, "CONFIRMED").await?;
    let head = shop.head().await?;
    let mut table = fields(&pot);
    table.extend(ids());
    table.extend(lists());
    table.extend(types(&pot));
    let long = json!({ "input": { "orderId": order, "reason": "r".repeat(1_001) } });
    table.push(Bad::new(
        "long reason",
        CANCEL_ORDER,
        long,
        INVALID,
        "reason",
    ));
    table.push(Bad::new(
        "not shipped",
        DELIVER,
        json!({ "id": order }),
        &["CONFLICT"],
        "",
    ));
    expect_rejections(&mut session, table).await?;
    ensure!(shop.head().await? == head, "rejected input wrote an event");
    assert_eq!(session.stock(&pot).await?, [9, 10, 1]);
    Ok(())
}

/// One invalid value for each field of an order.
fn fields(pot: &str) -> Vec<Bad> {
    let unknown = "0198c2a5-0000-7000-8000-000000000000";
    let mut table = Vec::new();
    for (what, user, items, field) in [
        ("no user", "", vec![(pot, 1)], "userId"),
        ("no items", "ann", Vec::new(), "items"),
        (
            "quantity 1001",
            "ann",
            vec![(pot, 1), (pot, 1_001)],
            "items[1].quantity",
        ),
        (
            "unknown product",
            "ann",
            vec![(pot, 1), (unknown, 1)],
            "items[1].productId",
        ),
        (
            "U+0000 in a product id",
            "ann",
            vec![("a\0b", 1)],
            "items[0].productId",
        ),
    ] {
        let input = order_input(user, &items);
        table.push(Bad::new(what, CREATE_ORDER, input, INVALID, field));
    }
    let mut input = order_input("ann", &[(pot, 1)]);
    input["input"]["shippingAddress"] =
        json!({ "street": "Main", "city": "O\0o", "postalCode": "1" });
    let field = "shippingAddress.city";
    table.push(Bad::new(
        "U+0000 in a city",
        CREATE_ORDER,
        input,
        INVALID,
        field,
    ));
    table
}

fn ids() -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, id, codes) in [
        (
            "unknown id",
            "0198c2a5-0000-7000-8000-000000000000",
            UNKNOWN,
        ),
        ("U+0000 in an id", "a\0", INVALID),
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
    for (document, variables, codes, field) in [
        (
            "query($v: Int) { orders(limit: $v) { id } }",
            json!({ "v": 501 }),
            INVALID,
            "limit",
        ),
        (
            "query($v: Int) { userOrders(userId: \"ann\", offset: $v) { id } }",
            json!({ "v": -1 }),
            INVALID,
            "offset",
        ),
        (
            "query($v: ID!) { userOrders(userId: $v) { id } }",
            json!({ "v": "u".repeat(256) }),
            INVALID,
            "userId",
        ),
        (
            "query($v: OrderStatus) { orders(status: $v) { id } }",
            json!({ "v": "LOST" }),
            MISTYPED,
            "",
        ),
    ] {
        table.push(Bad::new("an argument", document, variables, codes, field));
    }
    table
}

fn types(pot: &str) -> Vec<Bad> {
    let mut table = Vec::new();
    for (what, input) in [
        ("no input", json!({})),
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
