//! Mutations of orders.

use async_graphql::{Context, ID, Object};
use graphql_http::{ApiError, ForAdmins, ForCustomers};

use super::super::own::require_own;
use super::input::{CancelOrderInput, CreateOrderInput};
use super::types::Order;
use crate::upstream::RequestContext;

/// Mutations of orders.
#[derive(Debug, Default)]
pub struct OrderMutations;

#[Object]
impl OrderMutations {
    /// Places an order and returns it with the status `PROCESSING`, without waiting for stock, payment and shipment: the order's
    /// status and its saga show their progress, and `orderUpdated` follows it. Out of stock is no error here, but the reason
    /// why the order is cancelled. `VALIDATION_ERROR` if a value breaks its rule or there is no such product.
    #[graphql(directive = ForCustomers::apply())]
    async fn create_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The new order.")] input: CreateOrderInput,
    ) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        require_own(scope, "userId", Some(&input.user_id))?;
        let param = input.into_message()?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.start_order(by, param).await?)
    }

    /// Cancels an order, whatever its saga is doing, and returns true, for a cancelled order too. The order's status shows when
    /// the cancellation is complete. `NOT_FOUND` if there is no such order, `CONFLICT` once it is shipped or has failed
    /// permanently.
    #[graphql(directive = ForCustomers::apply())]
    async fn cancel_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The order, and why it is cancelled.")] input: CancelOrderInput,
    ) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = input.into_message()?;
        let by = (scope, scope.command_id(context));
        scope.services.cancel_order(by, param).await?;
        Ok(true)
    }

    /// Marks an order as shipped and returns it; its pieces leave the stock. `NOT_FOUND` if there is no such order, `CONFLICT`
    /// unless its status is `CONFIRMED`.
    #[graphql(directive = ForAdmins::apply())]
    async fn ship_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] id: ID,
    ) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.ship_order(by, id.0).await?)
    }

    /// Marks an order as delivered and returns it. `NOT_FOUND` if there is no such order, `CONFLICT` unless its status is
    /// `SHIPPED`.
    #[graphql(directive = ForAdmins::apply())]
    async fn deliver_order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] id: ID,
    ) -> Result<Order, ApiError> {
        let scope = RequestContext::of(context)?;
        let by = (scope, scope.command_id(context));
        Order::from_reply(scope.services.deliver_order(by, id.0).await?)
    }
}
