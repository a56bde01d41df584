//! A client's requests about orders.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::until;

use super::expect::{of, text};
use super::session::Session;

pub const CREATE_ORDER: &str = "mutation($input: CreateOrderInput!) { createOrder(input: $input) { \
    id userId status totalAmount version items { productId productName quantity price subtotal } } }";
pub const CANCEL_ORDER: &str = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) }";
pub const SHIP_ORDER: &str = "mutation($id: ID!) { shipOrder(id: $id) { status } }";
const ORDER: &str = "query($id: ID!) { order(id: $id) { \
    id userId status totalAmount trackingNumber version createdAt updatedAt \
    sagaState { type state status currentStep completedSteps compensatedSteps failureReason startedAt completedAt } } }";
const ORDER_STATUS: &str = "query($id: ID!) { order(id: $id) { status } }";
const SAGA_STATE: &str =
    "query($id: ID!) { sagaState(orderId: $id) { status currentStep failureReason } }";
const STOCK: &str =
    "query($id: ID!) { product(id: $id) { stockQuantity onHandQuantity reservedQuantity } }";

/// The input of `createOrder` for these products.
pub fn order_input(user: &str, items: &[(&str, i64)]) -> Value {
    let items: Vec<_> = items
        .iter()
        .map(|(product, quantity)| json!({ "productId": product, "quantity": quantity }))
        .collect();
    json!({ "input": { "userId": user, "items": items } })
}

impl Session {
    /// Places an order and returns its id.
    pub async fn place_order(&mut self, user: &str, items: &[(&str, i64)]) -> Result<String> {
        let order = self.run(CREATE_ORDER, order_input(user, items)).await?;
        assert_eq!(of(&order, "status")?, "PROCESSING");
        Ok(text(&order, "id")?.to_owned())
    }

    /// Cancels an order, which must be accepted.
    pub async fn cancel_order(&mut self, id: &str, reason: &str) -> Result<()> {
        let input = json!({ "input": { "orderId": id, "reason": reason } });
        let accepted = self.run(CANCEL_ORDER, input).await?;
        ensure!(accepted == true, "cancelOrder answered {accepted}");
        Ok(())
    }

    /// An order with its latest saga.
    pub async fn order(&mut self, id: &str) -> Result<Value> {
        self.run(ORDER, json!({ "id": id })).await
    }

    /// Waits until an order has this status and its saga the matching one, and returns the order. They are rows of two read
    /// models, and each may reflect more than the position of the response, so that one can be ahead of the other.
    pub async fn order_once(&mut self, id: &str, status: &str) -> Result<Value> {
        let has = |order: &Value| order.get("status").is_some_and(|is| is == status);
        self.when(ORDER_STATUS, id, has).await?;
        let belongs: &[&str] = match status {
            "CONFIRMED" | "CANCELLED" => &["COMPLETED", "COMPENSATED"],
            "FAILED" => &["SUSPENDED", "FAILED"],
            _ => return self.order(id).await,
        };
        let is_there = |saga: &Value| {
            let status = saga.get("status").and_then(Value::as_str);
            status.is_some_and(|status| belongs.contains(&status))
        };
        self.order_when(id, is_there).await
    }

    /// Waits until an order's saga satisfies a predicate, and returns the order.
    pub async fn order_when(&mut self, id: &str, saga: impl Fn(&Value) -> bool) -> Result<Value> {
        self.when(SAGA_STATE, id, saga).await?;
        self.order(id).await
    }

    /// Repeats a query about one order until its result fits. The query reads one table, so that the position of the
    /// response is that of the result, and later reads reflect at least that position.
    async fn when(
        &mut self,
        document: &str,
        id: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        until(&format!("order {id}"), async || {
            let seen = self.run(document, json!({ "id": id })).await?;
            ensure!(fits(&seen), "the result is {seen}");
            Ok(())
        })
        .await
    }

    /// The available, on-hand and reserved quantity of a product.
    pub async fn stock(&mut self, product: &str) -> Result<[i64; 3]> {
        let found = self.run(STOCK, json!({ "id": product })).await?;
        let count = |field: &str| of(&found, field)?.as_i64().context("no count");
        Ok([
            count("stockQuantity")?,
            count("onHandQuantity")?,
            count("reservedQuantity")?,
        ])
    }
}
