//! Inputs of the mutations of orders.

use async_graphql::{ID, InputObject, MaybeUndefined};

/// The input of `createOrder`.
#[derive(Debug, InputObject)]
pub struct CreateOrderInput {
    /// The id of the user who orders: 1 to 255 characters.
    pub user_id: ID,
    /// What is ordered: 1 to 100 items. The quantities of a repeated product are added up.
    pub items: Vec<OrderItemInput>,
    /// Where it is sent to. It may be omitted, but null is a `VALIDATION_ERROR`.
    pub shipping_address: MaybeUndefined<ShippingAddressInput>,
}

/// An item of a new order.
#[derive(Debug, InputObject)]
pub struct OrderItemInput {
    /// The id of the product, which must exist, else `VALIDATION_ERROR`.
    pub product_id: ID,
    /// The number of pieces: 1 to 1,000, else `VALIDATION_ERROR`.
    pub quantity: i32,
}

/// The shipping address of a new order.
#[derive(Debug, InputObject)]
pub struct ShippingAddressInput {
    /// Street and number: at most 255 characters, may be empty.
    pub street: String,
    /// The city: at most 255 characters, may be empty.
    pub city: String,
    /// The postal code: at most 20 characters, may be empty.
    pub postal_code: String,
}

/// The input of `cancelOrder`.
#[derive(Debug, InputObject)]
pub struct CancelOrderInput {
    /// The id of the order.
    pub order_id: ID,
    /// Why it is cancelled: at most 1,000 characters. It may be omitted, but null is a `VALIDATION_ERROR`.
    pub reason: MaybeUndefined<String>,
}
