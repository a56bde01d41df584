//! Queries.

use std::time::Duration;

use async_graphql::{Context, ID, Object};
use event_sourcing::Position;
use graphql_http::{ApiError, Code, ExecutionContext, ForAdmins, SizedBy};
use read_model_sql::{ReadError, ReadOptions};
use sagas::SagaFilter;
use tokio::time::Instant;

use super::answers::unavailable;
use super::resolvers::Edge;
use super::types::{AccountObject, SagaObject};

/// How long a query waits for the rows that it must see.
const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_ROWS: i32 = 500;

#[derive(Debug)]
pub(super) struct Query;

#[Object]
impl Query {
    #[graphql(directive = ForAdmins::apply())]
    async fn account(
        &self,
        context: &Context<'_>,
        id: ID,
    ) -> Result<Option<AccountObject>, ApiError> {
        let (edge, execution) = shared(context)?;
        let found = edge.accounts.by_id(&id, at(execution)).await;
        let (row, position) = found.map_err(read_error)?;
        execution.reflect(position.0);
        Ok(row.map(Into::into))
    }

    /// The accounts in the order of their ids.
    #[graphql(directive = SizedBy::apply("limit", 100), directive = ForAdmins::apply())]
    async fn accounts(
        &self,
        context: &Context<'_>,
        #[graphql(default = 100)] limit: i32,
    ) -> Result<Vec<AccountObject>, ApiError> {
        let limit = checked(limit)?;
        let (edge, execution) = shared(context)?;
        let found = edge.accounts.list(limit.into(), at(execution)).await;
        let (rows, position) = found.map_err(read_error)?;
        execution.reflect(position.0);
        Ok(rows.into_iter().map(Into::into).collect())
    }

    #[graphql(directive = ForAdmins::apply())]
    async fn saga(&self, context: &Context<'_>, id: ID) -> Result<Option<SagaObject>, ApiError> {
        let (edge, _) = shared(context)?;
        let found = edge.sagas.find(&id).await;
        let found = found.map_err(|error| unavailable(&error))?;
        Ok(found.map(Into::into))
    }

    /// The open sagas, the latest first.
    #[graphql(directive = SizedBy::apply("limit", 100), directive = ForAdmins::apply())]
    async fn sagas(
        &self,
        context: &Context<'_>,
        #[graphql(default = 100)] limit: i32,
    ) -> Result<Vec<SagaObject>, ApiError> {
        let limit = checked(limit)?;
        let (edge, _) = shared(context)?;
        let filter = SagaFilter {
            statuses: Vec::new(),
            saga_type: None,
            step: None,
            started_until: None,
            limit: usize::from(limit),
            after: None,
        };
        let page = edge.sagas.list(&filter).await;
        let page = page.map_err(|error| unavailable(&error))?;
        if !page.unreadable.is_empty() {
            tracing::error!("some sagas cannot be read: {:?}", page.unreadable);
        }
        Ok(page.sagas.into_iter().map(Into::into).collect())
    }
}

fn shared<'c>(context: &Context<'c>) -> Result<(&'c Edge, &'c ExecutionContext), ApiError> {
    Ok((
        context.data_unchecked::<Edge>(),
        ExecutionContext::of(context)?,
    ))
}

fn checked(limit: i32) -> Result<u16, ApiError> {
    let is_within = (1..=MAX_ROWS).contains(&limit);
    let within = u16::try_from(limit).ok().filter(|_| is_within);
    within
        .ok_or_else(|| ApiError::invalid("limit", format!("must be 1 to {MAX_ROWS}, got {limit}")))
}

/// The rows reflect the client's `X-Min-Position`, and the mutations of the same request.
fn at(execution: &ExecutionContext) -> ReadOptions {
    ReadOptions {
        min: Position(execution.required()),
        deadline: Instant::now() + TIMEOUT,
    }
}

fn read_error(error: ReadError) -> ApiError {
    match error {
        ReadError::Store(error) => unavailable(&error),
        ReadError::AboveHead { .. } => ApiError::new(Code::BadRequest, error.to_string()),
        ReadError::Behind { .. } | ReadError::Building { .. } | ReadError::Stalled { .. } => {
            ApiError::new(Code::ServiceUnavailable, error.to_string())
        }
    }
}
