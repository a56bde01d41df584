//! Categories.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use contract::{proto, query};
use tokio::sync::OnceCell;

use super::{Product, from_micros, from_timestamp, to_int};
use crate::date_time::DateTime;
use crate::errors::{ApiError, Code};
use crate::loaders;
use crate::scope::Scope;

/// A category.
#[derive(Debug)]
pub struct Category {
    own: Own,
    /// `None` where a command answered, which does not count.
    product_count: Option<i32>,
    row: OnceCell<Arc<query::Category>>,
}

#[derive(Debug)]
struct Own {
    id: String,
    name: String,
    description: Option<String>,
    version: i32,
    created_at: DateTime,
    updated_at: DateTime,
}

impl Category {
    /// From the read side.
    ///
    /// # Errors
    /// A time is outside the calendar.
    pub fn from_row(row: query::Category) -> Result<Self, ApiError> {
        Ok(Self {
            own: Own {
                created_at: from_micros(row.created_at_micros)?,
                updated_at: from_micros(row.updated_at_micros)?,
                id: row.id,
                name: row.name,
                description: row.description,
                version: to_int(row.version),
            },
            product_count: Some(row.product_count),
            row: OnceCell::new(),
        })
    }

    /// All rows of a list.
    ///
    /// # Errors
    /// A time is outside the calendar.
    pub fn from_rows(rows: Vec<query::Category>) -> Result<Vec<Self>, ApiError> {
        rows.into_iter().map(Self::from_row).collect()
    }

    /// From a command's reply.
    ///
    /// # Errors
    /// A time is missing.
    pub fn from_reply(reply: proto::Category) -> Result<Self, ApiError> {
        Ok(Self {
            own: Own {
                created_at: from_timestamp(reply.created_at.as_ref())?,
                updated_at: from_timestamp(reply.updated_at.as_ref())?,
                id: reply.id,
                name: reply.name,
                description: reply.description,
                version: to_int(reply.version),
            },
            product_count: None,
            row: OnceCell::new(),
        })
    }

    async fn row(&self, context: &Context<'_>) -> Result<&query::Category, ApiError> {
        let load = async || {
            let found = loaders::category(Scope::of(context)?, &self.own.id).await?;
            found.ok_or_else(|| gone("category", &self.own.id))
        };
        self.row.get_or_try_init(load).await.map(AsRef::as_ref)
    }
}

/// Something was deleted between the command and the read that completes its answer.
pub(super) fn gone(what: &str, id: &str) -> ApiError {
    ApiError::new(
        Code::NotFound,
        format!("the {what} {id} was deleted meanwhile"),
    )
}

/// A group of products.
#[Object]
impl Category {
    async fn id(&self) -> ID {
        ID(self.own.id.clone())
    }

    async fn name(&self) -> &str {
        &self.own.name
    }

    async fn description(&self) -> Option<&str> {
        self.own.description.as_deref()
    }

    /// How many products belong to it.
    async fn product_count(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        match self.product_count {
            Some(count) => Ok(count),
            None => Ok(self.row(context).await?.product_count),
        }
    }

    /// Its products, ordered by name; at most 500.
    async fn products(&self, context: &Context<'_>) -> Result<Vec<Product>, ApiError> {
        let scope = Scope::of(context)?;
        let products = loaders::products_of(scope, &self.own.id).await?;
        scope.note_truncated(products.truncated);
        Product::from_rows(products.rows.clone())
    }

    /// Counts the category's changes.
    async fn version(&self) -> i32 {
        self.own.version
    }

    async fn created_at(&self) -> DateTime {
        self.own.created_at
    }

    async fn updated_at(&self) -> DateTime {
        self.own.updated_at
    }
}
