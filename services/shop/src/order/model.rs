//! Orders as the public API returns them.

use domain::value::Money;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use super::OrderError;
use crate::api::{Client, Operation, RequestError};

/// An order, with its latest saga if that was requested.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub id: String,
    pub user_id: String,
    pub status: String,
    pub total_amount: Number,
    pub items: Vec<Item>,
    pub shipping_address: Option<Address>,
    pub tracking_number: Option<String>,
    pub version: i64,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saga_state: Option<Saga>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub product_id: String,
    pub product_name: String,
    pub quantity: i64,
    pub price: Number,
    pub subtotal: Number,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    pub street: String,
    pub city: String,
    pub postal_code: String,
}

/// An order's latest saga.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Saga {
    #[serde(rename = "type")]
    pub kind: String,
    pub state: String,
    pub current_step: Option<String>,
    pub completed_steps: Vec<String>,
    pub compensated_steps: Vec<String>,
    pub failure_reason: Option<String>,
    pub started_at: String,
    pub completed_at: Option<String>,
}

/// The fields of an [`Order`] without its saga.
pub const ORDER: &str = "
    id userId status totalAmount items { productId productName quantity price subtotal }
    shippingAddress { street city postalCode } trackingNumber version createdAt updatedAt";
/// The fields of a [`Saga`].
const SAGA: &str = "
    type state currentStep completedSteps compensatedSteps failureReason startedAt completedAt";

#[derive(Deserialize)]
struct OrderData {
    order: Option<Order>,
}

/// An order with its latest saga.
pub async fn read(client: &mut Client, id: &str) -> Result<Order, OrderError> {
    let operation = Operation {
        name: "order",
        document: &format!(
            "query($id: ID!) {{ order(id: $id) {{ {ORDER} sagaState {{ {SAGA} }} }} }}"
        ),
    };
    let found = match client.query(operation, json!({ "id": id })).await {
        Err(error) if error.is_not_found() => None,
        found => decoded::<OrderData>(found?, operation.name)?.order,
    };
    found.ok_or_else(|| OrderError::NoOrder(id.to_owned()))
}

/// Deserializes the data of a response.
pub fn decoded<T: DeserializeOwned>(data: Value, operation: &'static str) -> Result<T, OrderError> {
    serde_json::from_value(data).map_err(|_| RequestError::Shape(operation).into())
}

/// An amount with two decimals.
pub fn amount(number: &Number) -> String {
    let text = number.to_string();
    match Money::parse("amount", &text) {
        Ok(money) => money.to_string(),
        Err(_) => text,
    }
}
