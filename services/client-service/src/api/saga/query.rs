//! Queries of the sagas of orders.

use async_graphql::{Context, ID, Object};
use contract::query::Saga;
use graphql_http::{ApiError, ForCustomers, or_null};

use super::super::arguments;
use super::super::read::single;
use super::types::{SagaState, SagaStatusInfo};
use crate::upstream::RequestContext;

/// Queries of the sagas of orders.
#[derive(Debug, Default)]
pub struct SagaQueries;

async fn saga_of(context: &Context<'_>, order_id: ID) -> Result<Saga, ApiError> {
    let scope = RequestContext::of(context)?;
    let id = arguments::id("orderId", &order_id)?;
    let answer = scope.services.saga_of(scope, id.clone()).await;
    single(answer, ("saga", "orderId", &id))
}

#[Object]
impl SagaQueries {
    /// An order's latest saga, with its id. Null with the error `NOT_FOUND` if there is no such order.
    #[graphql(directive = ForCustomers::apply())]
    async fn saga_status(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] order_id: ID,
    ) -> Option<SagaStatusInfo> {
        let row = or_null(context, saga_of(context, order_id).await)?;
        or_null(context, SagaStatusInfo::from_row(row))
    }

    /// An order's latest saga. Null with the error `NOT_FOUND` if there is no such order.
    #[graphql(directive = ForCustomers::apply())]
    async fn saga_state(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] order_id: ID,
    ) -> Option<SagaState> {
        let row = or_null(context, saga_of(context, order_id).await)?;
        or_null(context, SagaState::from_row(row))
    }
}
