//! Mutations of orders.

use async_graphql::{Context, ID, Object};
use contract::proto::{OrderCancelParam, OrderItem, ShippingAddress, StartOrderSagaParam};

use super::super::presence::not_null;
use super::input::{CancelOrderInput, CreateOrderInput, OrderItemInput, ShippingAddressInput};
use super::types::Order;
use crate::errors::ApiError;
use crate::upstream::RequestContext;

/// Mutations of orders.
#[derive(Debug, Default)]
pub struct OrderMutations;

fn item(input: OrderItemInput) -> OrderItem {
    OrderItem {
        product_id: input.product_id.0,
        quantity: input.quantity,
        ..OrderItem::default()
    }
}

fn address(input: ShippingAddressInput) -> ShippingAddress {
    ShippingAddress {
        street: input.street,
        city: input.city,
        postal_code: input.postal_code,
    }
}

#[Object]
impl OrderMutations {
    /// Orders something. The answer does not wait for stock, money and shipment: the order's status and its saga tell
    /// how far they are.
    async fn create_order(
        &self,
        context: &Context<'_>,
        input: CreateOrderInput,
    ) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let shipping_address = not_null("shippingAddress", input.shipping_address)?;
        let param = StartOrderSagaParam {
            customer_id: input.user_id.0,
            items: input.items.into_iter().map(item).collect(),
            shipping_address: shipping_address.map(address),
            ..StartOrderSagaParam::default()
        };
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.start_order(by, param).await?)
    }

    /// Asks for an order to be undone, whatever is being done for it; not once it is shipped. Its status tells when it
    /// is.
    async fn cancel_order(
        &self,
        context: &Context<'_>,
        input: CancelOrderInput,
    ) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = OrderCancelParam {
            id: input.order_id.0,
            reason: not_null("reason", input.reason)?,
        };
        let by = (scope, scope.command_id(context));
        scope.services.cancel_order(by, param).await?;
        Ok(true)
    }

    /// Gives a confirmed order to the carrier.
    async fn ship_order(&self, context: &Context<'_>, id: ID) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.ship_order(by, id.0).await?)
    }

    /// Notes that a shipped order has arrived.
    async fn deliver_order(&self, context: &Context<'_>, id: ID) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.deliver_order(by, id.0).await?)
    }
}
