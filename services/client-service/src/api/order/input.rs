//! Inputs of the mutations of orders.

use async_graphql::{ID, InputObject, MaybeUndefined};
use contract::proto::{OrderCancelParam, OrderItem, ShippingAddress, StartOrderSagaParam};
use domain::ValidationErrors;
use domain::order::{GivenLine, OrderLines};
use domain::value;
use graphql_http::ApiError;

use super::super::argument_errors::ArgumentErrors;
use super::super::arguments::{self, reason};
use super::super::presence::not_null;

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

impl CreateOrderInput {
    /// The message of the command.
    ///
    /// # Errors
    /// All fields that break a rule.
    pub(super) fn into_message(self) -> Result<StartOrderSagaParam, ApiError> {
        let mut errors = ArgumentErrors::default();
        errors.check(arguments::user_id("userId", &self.user_id));
        errors.check_all(lines(&self.items));
        let address = errors.check(not_null("shippingAddress", self.shipping_address));
        let address = address.flatten();
        errors.check_all(address.as_ref().map_or(Ok(()), ShippingAddressInput::check));
        errors.none(StartOrderSagaParam {
            customer_id: self.user_id.0,
            items: self.items.into_iter().map(OrderItem::from).collect(),
            shipping_address: address.map(ShippingAddress::from),
            ..StartOrderSagaParam::default()
        })
    }
}

fn lines(items: &[OrderItemInput]) -> Result<OrderLines, ValidationErrors> {
    let lines = items.iter().map(|item| GivenLine {
        product_id: &item.product_id,
        quantity: item.quantity.into(),
        ..GivenLine::default()
    });
    let lines: Vec<GivenLine<'_>> = lines.collect();
    OrderLines::parse("items", &lines)
}

impl From<OrderItemInput> for OrderItem {
    fn from(input: OrderItemInput) -> Self {
        Self {
            product_id: input.product_id.0,
            quantity: input.quantity,
            ..Self::default()
        }
    }
}

impl ShippingAddressInput {
    fn check(&self) -> Result<(), ValidationErrors> {
        let Self {
            street,
            city,
            postal_code,
        } = self;
        value::ShippingAddress::parse("shippingAddress", street, city, postal_code).map(drop)
    }
}

impl From<ShippingAddressInput> for ShippingAddress {
    fn from(input: ShippingAddressInput) -> Self {
        Self {
            street: input.street,
            city: input.city,
            postal_code: input.postal_code,
        }
    }
}

impl CancelOrderInput {
    /// The message of the command.
    ///
    /// # Errors
    /// All fields that break a rule.
    pub(super) fn into_message(self) -> Result<OrderCancelParam, ApiError> {
        let mut errors = ArgumentErrors::default();
        let id = errors.check(arguments::id("orderId", &self.order_id));
        let given = errors.check(not_null("reason", self.reason)).flatten();
        let reason = errors.check(reason(given)).flatten();
        errors.none(OrderCancelParam {
            id: id.unwrap_or_default(),
            reason,
        })
    }
}
