//! Orders through all three services, from creation to their final status.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use platform::config::AppEnv;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::test_gateway::{TestGateway, graphql, text};

const CREATE: &str = "mutation($v: CreateOrderInput!) { createOrder(input: $v) {
    id status totalAmount items { productName quantity subtotal } version } }";
const CANCEL: &str = "mutation($v: CancelOrderInput!) { cancelOrder(input: $v) }";
const SHIP: &str =
    "mutation($v: ID!) { it: shipOrder(id: $v) { status trackingNumber version updatedAt } }";
const DELIVER: &str =
    "mutation($v: ID!) { it: deliverOrder(id: $v) { status trackingNumber version updatedAt } }";
const ROW: &str =
    "query($v: ID!) { it: order(id: $v) { status trackingNumber version updatedAt } }";
const STOCK: &str =
    "query($v: ID!) { product(id: $v) { stockQuantity onHandQuantity reservedQuantity } }";
const SAGA: &str = "query($v: ID!) { order(id: $v) { sagaState { type status completedSteps
    compensatedSteps failureReason completedAt } } }";
const STEPS: [&str; 4] = [
    "reserve_inventory",
    "process_payment",
    "arrange_shipping",
    "confirm_order",
];

fn input(product: &str, quantity: i64) -> Value {
    json!({"userId": "ann", "items": [{"productId": product, "quantity": quantity}]})
}

/// Places an order and returns its id.
async fn place(gateway: &TestGateway, product: &str, quantity: i64) -> Result<String> {
    let data = gateway
        .data(CREATE, json!({"v": input(product, quantity)}))
        .await?;
    assert_eq!(data["createOrder"]["status"], "PROCESSING");
    text(&data["createOrder"]["id"])
}

/// Waits until an order has a status.
async fn until(gateway: &TestGateway, order: &str, wanted: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let asking = async {
        loop {
            let row = gateway.data(ROW, json!({ "v": order })).await?;
            let status = text(&row["it"]["status"])?;
            if status == wanted {
                return Ok(());
            }
            if ["CANCELLED", "FAILED", "DELIVERED"].contains(&status.as_str()) {
                bail!("{order} ended as {status}, not as {wanted}");
            }
        }
    };
    let asked = timeout_at(deadline, asking).await;
    asked.with_context(|| format!("{order} does not become {wanted}"))?
}

async fn stock(gateway: &TestGateway, product: &str) -> Result<[i64; 3]> {
    let data = gateway.data(STOCK, json!({ "v": product })).await?;
    let count = |name: &str| data["product"][name].as_i64().context("a count");
    Ok([
        count("stockQuantity")?,
        count("onHandQuantity")?,
        count("reservedQuantity")?,
    ])
}

#[tokio::test]
async fn an_order_is_confirmed_shipped_and_delivered() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let pot = gateway.product("Pot", None).await?;
    let data = gateway.data(CREATE, json!({"v": input(&pot, 2)})).await?;
    let made = &data["createOrder"];
    let items = json!([{"productName": "Pot", "quantity": 2, "subtotal": 39.8}]);
    assert_eq!(
        (&made["totalAmount"], &made["items"]),
        (&json!(39.8), &items)
    );
    assert_eq!(
        (&made["status"], &made["version"]),
        (&json!("PROCESSING"), &json!(1))
    );
    let id = text(&made["id"])?;
    until(&gateway, &id, "CONFIRMED").await?;
    assert_eq!(stock(&gateway, &pot).await?, [3, 5, 2]);
    let data = gateway.data(SAGA, json!({ "v": id })).await?;
    let saga = &data["order"]["sagaState"];
    assert_eq!(
        (&saga["type"], &saga["status"]),
        (&json!("order"), &json!("COMPLETED"))
    );
    assert_eq!(saga["completedSteps"], json!(STEPS));
    assert!(saga["completedAt"].is_string(), "{saga}");
    for (mutation, status) in [(SHIP, "SHIPPED"), (DELIVER, "DELIVERED")] {
        let answered = gateway.data(mutation, json!({ "v": id })).await?;
        assert_eq!(answered["it"]["status"], status);
        assert!(answered["it"]["trackingNumber"].is_string(), "{answered}");
        assert_eq!(gateway.data(ROW, json!({ "v": id })).await?, answered);
        assert_eq!(stock(&gateway, &pot).await?, [3, 3, 0]);
    }
    for (query, variables) in [
        (SHIP, json!(id)),
        (CANCEL, json!({"orderId": id, "reason": "too late"})),
    ] {
        let error = gateway.error(query, json!({ "v": variables })).await?;
        assert_eq!(error["code"], "CONFLICT", "{query}");
    }
    let list = "{ userOrders(userId: \"ann\", status: DELIVERED) { id sagaState { state } } }";
    let expected = json!([{"id": id, "sagaState": {"state": "completed"}}]);
    assert_eq!(gateway.data(list, json!({})).await?["userOrders"], expected);
    Ok(())
}

#[tokio::test]
async fn a_declined_payment_cancels_the_order_and_gives_its_stock_back() -> Result<()> {
    let url = [("PAYMENTS_URL", "simulated://?decline_over=30")];
    let gateway = TestGateway::open_with(AppEnv::Development, &url).await?;
    let pot = gateway.product("Pot", None).await?;
    let id = place(&gateway, &pot, 2).await?;
    until(&gateway, &id, "CANCELLED").await?;
    assert_eq!(stock(&gateway, &pot).await?, [5, 5, 0]);
    let query = "query($v: ID!) { sagaStatus(orderId: $v) { type state completedSteps compensatedSteps error } }";
    let data = gateway.data(query, json!({ "v": id })).await?;
    let saga = &data["sagaStatus"];
    assert_eq!(
        (&saga["type"], &saga["state"]),
        (&json!("order"), &json!("compensated"))
    );
    assert_eq!(saga["completedSteps"], json!(["reserve_inventory"]));
    assert!(saga["error"].is_string(), "{saga}");
    Ok(())
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_by_a_saga_of_its_own() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let pot = gateway.product("Pot", None).await?;
    let id = place(&gateway, &pot, 1).await?;
    until(&gateway, &id, "CONFIRMED").await?;
    let cancel = json!({"v": {"orderId": id, "reason": "changed my mind"}});
    assert_eq!(
        gateway.data(CANCEL, cancel.clone()).await?["cancelOrder"],
        true
    );
    let error = gateway.error(SHIP, json!({ "v": id })).await?;
    assert_eq!(error["code"], "CONFLICT");
    until(&gateway, &id, "CANCELLED").await?;
    assert_eq!(stock(&gateway, &pot).await?, [5, 5, 0]);
    let data = gateway.data(SAGA, json!({ "v": id })).await?;
    let saga = &data["order"]["sagaState"];
    let expected = (&json!("cancel_order"), &json!("COMPLETED"));
    assert_eq!((&saga["type"], &saga["status"]), expected);
    assert_eq!(gateway.data(CANCEL, cancel).await?["cancelOrder"], true);
    Ok(())
}

#[tokio::test]
async fn the_same_key_orders_once() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let pot = gateway.product("Pot", None).await?;
    let request =
        || graphql(CREATE, &json!({"v": input(&pot, 1)})).with_header("idempotency-key", "k");
    let first = gateway.send(&request()).await?.json()?;
    assert!(first["data"]["createOrder"]["id"].is_string(), "{first}");
    assert_eq!(gateway.send(&request()).await?.json()?, first);
    let data = gateway.data("{ orders { id } }", json!({})).await?;
    assert_eq!(data["orders"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn invalid_input_places_no_order() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let pot = gateway.product("Pot", None).await?;
    let line = |product: &str, quantity: i64| json!({"productId": product, "quantity": quantity});
    let with = |field: &str, value: Value| {
        let mut input = input(&pot, 1);
        input[field] = value;
        input
    };
    let address = json!({"street": "a", "city": "Oslo", "postalCode": "1".repeat(21)});
    for (input, field) in [
        (with("userId", json!("")), "userId"),
        (with("items", json!([])), "items"),
        (
            with("items", json!([line(&pot, 1), line(&pot, 0)])),
            "items[1].quantity",
        ),
        (
            with("items", json!([line("none", 1)])),
            "items[0].productId",
        ),
        (
            with("shippingAddress", address),
            "shippingAddress.postalCode",
        ),
    ] {
        let error = gateway.error(CREATE, json!({ "v": input })).await?;
        assert_eq!(error["code"], "VALIDATION_ERROR", "{input}: {error}");
        assert_eq!(error["field"], field, "{input}: {error}");
    }
    let reason = json!({"orderId": "o", "reason": "x".repeat(1_001)});
    let error = gateway.error(CANCEL, json!({ "v": reason })).await?;
    assert_eq!(error["field"], "reason", "{error}");
    for (query, input) in [
        (CANCEL, json!({"orderId": "none"})),
        (SHIP, json!("none")),
        (DELIVER, json!("none")),
    ] {
        let error = gateway.error(query, json!({ "v": input })).await?;
        assert_eq!(error["code"], "NOT_FOUND", "{query}: {error}");
    }
    let data = gateway.data("{ orders { id } }", json!({})).await?;
    assert_eq!(data["orders"], json!([]));
    assert_eq!(stock(&gateway, &pot).await?, [5, 5, 0]);
    Ok(())
}
