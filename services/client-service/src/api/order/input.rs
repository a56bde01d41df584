//! Inputs of the mutations of orders.

use async_graphql::{ID, InputObject, MaybeUndefined};

/// A new order.
#[derive(Debug, InputObject)]
pub struct CreateOrderInput {
    /// The customer's user id: 1 to 255 characters.
    pub user_id: ID,
    /// 1 to 100 items; the quantities of a repeated product are added up.
    pub items: Vec<OrderItemInput>,
    /// The shipping address.
    pub shipping_address: MaybeUndefined<ShippingAddressInput>,
}

/// A product of a new order.
#[derive(Debug, InputObject)]
pub struct OrderItemInput {
    /// The product.
    pub product_id: ID,
    /// 1 to 1,000 pieces.
    pub quantity: i32,
}

/// The shipping address of a new order.
#[derive(Debug, InputObject)]
pub struct ShippingAddressInput {
    /// At most 255 characters.
    pub street: String,
    /// At most 255 characters.
    pub city: String,
    /// At most 20 characters.
    pub postal_code: String,
}

/// A request to cancel an order.
#[derive(Debug, InputObject)]
pub struct CancelOrderInput {
    /// The order.
    pub order_id: ID,
    /// At most 1,000 characters.
    pub reason: MaybeUndefined<String>,
}
