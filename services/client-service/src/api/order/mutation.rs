//! Mutations of orders.

use async_graphql::{Context, ID, Object};
use contract::proto::{OrderCancelParam, OrderItem, ShippingAddress, StartOrderSagaParam};
use graphql_http::ApiError;

use super::super::presence::not_null;
use super::input::{CancelOrderInput, CreateOrderInput, OrderItemInput, ShippingAddressInput};
use super::types::Order;
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
    /// Places an order. The response does not wait for stock, payment and shipment: the order's status and its saga
    /// show their progress.
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

    /// Cancels an order, whatever its saga is doing; rejected once it is shipped. The order's status shows when the
    /// cancellation is complete.
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

    /// Marks a confirmed order as shipped.
    async fn ship_order(&self, context: &Context<'_>, id: ID) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.ship_order(by, id.0).await?)
    }

    /// Marks a shipped order as delivered.
    async fn deliver_order(&self, context: &Context<'_>, id: ID) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.deliver_order(by, id.0).await?)
    }
}
