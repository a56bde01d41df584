//! What mutations of orders take.

use async_graphql::{ID, InputObject, MaybeUndefined};

/// A new order.
#[derive(Debug, InputObject)]
pub struct CreateOrderInput {
    /// Whose order it is: 1 to 255 characters.
    pub user_id: ID,
    /// 1 to 100; a product that is named repeatedly is added up.
    pub items: Vec<OrderItemInput>,
    /// Where it goes.
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

/// Where a new order goes.
#[derive(Debug, InputObject)]
pub struct ShippingAddressInput {
    /// At most 255 characters.
    pub street: String,
    /// At most 255 characters.
    pub city: String,
    /// At most 20 characters.
    pub postal_code: String,
}

/// A wish to have an order undone.
#[derive(Debug, InputObject)]
pub struct CancelOrderInput {
    /// The order.
    pub order_id: ID,
    /// At most 1,000 characters.
    pub reason: MaybeUndefined<String>,
}
