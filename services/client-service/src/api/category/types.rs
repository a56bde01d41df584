//! Categories.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use contract::{proto, query};
use graphql_http::{ApiError, DateTime, SizedBy, or_null};
use tokio::sync::OnceCell;

use super::super::arguments;
use super::super::convert::{from_micros, from_timestamp, missing, to_int};
use super::super::product::Product;
use super::super::read::long_text;
use super::super::relay::{NodeType, node_id};
use crate::upstream::{CommandReply, RequestContext, load};

/// A category.
#[derive(Debug)]
pub struct Category {
    id: String,
    /// `None` after a command that changed nothing, whose reply does not know when the row last changed.
    own: Option<Own>,
    /// `None` after a command, whose reply has no count.
    product_count: Option<i32>,
    row: OnceCell<Box<Row>>,
}

#[derive(Debug)]
struct Own {
    name: String,
    description: Option<String>,
    version: i32,
    created_at: DateTime,
    updated_at: DateTime,
}

/// The whole category, from the read side.
#[derive(Debug)]
struct Row {
    own: Own,
    product_count: i32,
}

impl Row {
    fn read(row: query::Category) -> Result<Self, ApiError> {
        Ok(Self {
            own: Own {
                created_at: from_micros(row.created_at_micros)?,
                updated_at: from_micros(row.updated_at_micros)?,
                name: row.name,
                description: row.description,
                version: to_int(row.version),
            },
            product_count: row.product_count,
        })
    }
}

impl Own {
    fn from_reply(reply: proto::Category) -> Result<Self, ApiError> {
        Ok(Self {
            created_at: from_timestamp(reply.created_at.as_ref())?,
            updated_at: from_timestamp(reply.updated_at.as_ref())?,
            name: reply.name,
            description: reply.description,
            version: to_int(reply.version),
        })
    }
}

impl Category {
    /// From the read side.
    ///
    /// # Errors
    /// A time is outside the calendar.
    pub fn from_row(mut row: query::Category) -> Result<Self, ApiError> {
        let id = std::mem::take(&mut row.id);
        let row = Row::read(row)?;
        Ok(Self {
            id,
            own: Some(row.own),
            product_count: Some(row.product_count),
            row: OnceCell::new(),
        })
    }

    /// All rows of a list.
    ///
    /// # Errors
    /// A time is outside the calendar, or the response would exceed a limit.
    pub fn from_rows(
        scope: &RequestContext,
        rows: Vec<query::Category>,
    ) -> Result<Vec<Self>, ApiError> {
        scope.count_rows(&rows)?;
        rows.into_iter().map(Self::from_row).collect()
    }

    /// From a command's reply.
    ///
    /// # Errors
    /// A time is missing.
    pub fn from_reply(left: CommandReply<proto::Category>) -> Result<Self, ApiError> {
        let mut reply = left.entity;
        let id = std::mem::take(&mut reply.id);
        let own = (!left.unchanged).then(|| Own::from_reply(reply));
        Ok(Self {
            id,
            own: own.transpose()?,
            product_count: None,
            row: OnceCell::new(),
        })
    }

    async fn own(&self, context: &Context<'_>) -> Result<&Own, ApiError> {
        match &self.own {
            Some(own) => Ok(own),
            None => Ok(&self.row(context).await?.own),
        }
    }

    async fn row(&self, context: &Context<'_>) -> Result<&Row, ApiError> {
        let read = async || {
            let found = load::category(RequestContext::of(context)?, &self.id).await?;
            let row = found.ok_or_else(|| missing("category", &self.id))?;
            Row::read(Arc::unwrap_or_clone(row)).map(Box::new)
        };
        self.row.get_or_try_init(read).await.map(AsRef::as_ref)
    }
}

/// A group of products. A product is in one category or in none.
#[Object]
impl Category {
    /// The id: 1 to 64 characters, unique among categories. It never changes.
    async fn id(&self) -> ID {
        ID(self.id.clone())
    }

    /// The id of the object among all objects. `id` is unique among those of its type.
    pub async fn node_id(&self) -> ID {
        node_id(NodeType::Category, &self.id)
    }

    /// The name: 1 to 100 characters, unique among categories without regard to case.
    async fn name(&self, context: &Context<'_>) -> Result<&str, ApiError> {
        Ok(&self.own(context).await?.name)
    }

    /// A text of at most 1,000 characters; null if there is none.
    async fn description(&self, context: &Context<'_>) -> Option<&str> {
        let own = or_null(context, self.own(context).await)?;
        let text = own.description.as_deref()?;
        or_null(context, long_text(context, text))
    }

    /// The number of products in the category.
    async fn product_count(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        match self.product_count {
            Some(count) => Ok(count),
            None => Ok(self.row(context).await?.product_count),
        }
    }

    /// Its products, ordered by name. Without `limit` at most 500; `extensions.truncated` then says that there are more.
    #[graphql(directive = SizedBy::apply("limit", 500))]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The maximum number of products: 1 to 500, else `VALIDATION_ERROR`.")]
        limit: Option<i32>,
    ) -> Result<Vec<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        let limit = limit
            .map(|limit| arguments::rows("limit", limit))
            .transpose()?;
        let products = load::products_of(scope, &self.id, limit).await?;
        let is_as_asked =
            limit.and_then(|limit| usize::try_from(limit).ok()) == Some(products.rows.len());
        scope.note_truncated(products.truncated && !is_as_asked);
        Product::from_rows(scope, products.rows.clone())
    }

    /// Counts the category's events, from 1: send it as `expectedVersion` to not overwrite a change by others. Products
    /// that are added or removed do not count.
    async fn version(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.own(context).await?.version)
    }

    /// The time of creation.
    async fn created_at(&self, context: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.own(context).await?.created_at)
    }

    /// The time of the last change of any field, `productCount` included.
    async fn updated_at(&self, context: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.own(context).await?.updated_at)
    }
}
