//! A change, without or with its row.

use std::sync::Arc;

use authentication::Caller;
use contract::query::{Category, ChangeKind, Order, Product};
use graphql_http::ApiError;
use grpc_calls::Effect;
use tokio::sync::OnceCell;
use tonic::{Code, Status};

use super::super::request_context::RequestContext;
use crate::errors::from_grpc;

/// A change that the read side reported.
#[derive(Debug)]
pub struct Notice {
    pub position: u64,
    pub kind: ChangeKind,
    pub id: String,
    /// Read once, for all subscriptions of the process.
    row: OnceCell<Option<ReadRow>>,
}

/// A row with the position that it reflects.
#[derive(Clone, Debug)]
struct ReadRow {
    row: ChangedRow,
    position: Option<u64>,
}

/// The row of a change as it is now.
#[derive(Clone, Debug)]
pub enum ChangedRow {
    Category(Arc<Category>),
    Product(Arc<Product>),
    Order(Arc<Order>),
    /// The entity with this id was deleted.
    Deleted(String),
}

impl ChangedRow {
    /// Whether a caller may see it. The catalogue is public.
    #[must_use]
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        match self {
            Self::Order(order) => {
                let scope = caller.orders();
                scope.is_ok_and(|scope| scope.includes(&order.user_id))
            }
            Self::Category(_) | Self::Product(_) | Self::Deleted(_) => true,
        }
    }
}

impl Notice {
    pub fn new(position: u64, kind: ChangeKind, id: String) -> Self {
        Self {
            position,
            kind,
            id,
            row: OnceCell::new(),
        }
    }

    /// The row as it is now, with the position that it reflects; `None` if it does not exist any more. `scope` must have
    /// the change's position as its minimum.
    ///
    /// # Errors
    /// The read side does not answer.
    pub async fn row(
        &self,
        scope: &RequestContext,
    ) -> Result<Option<(ChangedRow, Option<u64>)>, ApiError> {
        let read = self.row.get_or_try_init(|| self.read(scope)).await?;
        Ok(read.as_ref().map(|read| (read.row.clone(), read.position)))
    }

    async fn read(&self, scope: &RequestContext) -> Result<Option<ReadRow>, ApiError> {
        let (services, id) = (&scope.services, self.id.clone());
        let read = match self.kind {
            ChangeKind::CategoryCreated | ChangeKind::CategoryUpdated => services
                .category(scope, id)
                .await
                .map(|row| ChangedRow::Category(Arc::new(row))),
            ChangeKind::ProductCreated | ChangeKind::ProductUpdated | ChangeKind::StockUpdated => {
                services
                    .product(scope, id)
                    .await
                    .map(|row| ChangedRow::Product(Arc::new(row)))
            }
            ChangeKind::OrderUpdated => services
                .order(scope, id)
                .await
                .map(|row| ChangedRow::Order(Arc::new(row))),
            ChangeKind::CategoryDeleted | ChangeKind::ProductDeleted | ChangeKind::Unspecified => {
                Ok(ChangedRow::Deleted(id))
            }
        };
        match read {
            Ok(row) => Ok(Some(ReadRow {
                row,
                position: scope.position(),
            })),
            Err(status) if is_missing(&status) => Ok(None),
            Err(status) => Err(from_grpc(&status, Effect::Read)),
        }
    }
}

fn is_missing(status: &Status) -> bool {
    status.code() == Code::NotFound
}
