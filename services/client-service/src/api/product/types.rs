//! Products.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use contract::{proto, query};
use graphql_http::{ApiError, DateTime, Decimal, or_null};
use tokio::sync::OnceCell;

use super::super::category::Category;
use super::super::convert::{from_micros, from_timestamp, missing, to_int};
use super::super::read::long_text;
use super::super::relay::{NodeType, node_id};
use crate::upstream::{CommandReply, RequestContext, load};

/// A product.
#[derive(Debug)]
pub struct Product {
    id: String,
    /// `None` after a command that changed only the stock or nothing, whose reply does not know when the row last changed.
    own: Option<Own>,
    /// `None` after a command that did not touch the stock.
    stock: Option<Stock>,
    /// The category that the read side returned with the product.
    category: Option<query::Category>,
    row: OnceCell<Box<Row>>,
}

#[derive(Debug)]
struct Own {
    name: String,
    description: Option<String>,
    price: String,
    category_id: Option<String>,
    version: i32,
    created_at: DateTime,
    updated_at: DateTime,
}

#[derive(Clone, Copy, Debug)]
struct Stock {
    available: i32,
    on_hand: i32,
    reserved: i32,
}

/// The whole product, from the read side.
#[derive(Debug)]
struct Row {
    own: Own,
    stock: Stock,
}

impl Row {
    fn read(row: query::Product) -> Result<Self, ApiError> {
        Ok(Self {
            own: Own {
                created_at: from_micros(row.created_at_micros)?,
                updated_at: from_micros(row.updated_at_micros)?,
                name: row.name,
                description: row.description,
                price: row.price_decimal,
                category_id: Some(row.category_id).filter(|id| !id.is_empty()),
                version: to_int(row.version),
            },
            stock: Stock {
                available: to_int(row.stock_quantity),
                on_hand: to_int(row.on_hand_quantity),
                reserved: to_int(row.reserved_quantity),
            },
        })
    }
}

impl Own {
    fn from_reply(reply: proto::Product) -> Result<Self, ApiError> {
        Ok(Self {
            created_at: from_timestamp(reply.created_at.as_ref())?,
            updated_at: from_timestamp(reply.updated_at.as_ref())?,
            name: reply.name,
            description: reply.description,
            price: reply.price_decimal,
            category_id: reply.category_id,
            version: to_int(reply.version),
        })
    }
}

impl From<proto::Stock> for Stock {
    fn from(stock: proto::Stock) -> Self {
        Self {
            available: to_int(stock.available),
            on_hand: to_int(stock.on_hand),
            reserved: to_int(stock.reserved),
        }
    }
}

impl Product {
    /// From the read side.
    ///
    /// # Errors
    /// A time is outside the calendar.
    pub fn from_row(mut row: query::Product) -> Result<Self, ApiError> {
        let id = std::mem::take(&mut row.id);
        let category = row.category.take();
        let row = Row::read(row)?;
        Ok(Self {
            id,
            own: Some(row.own),
            stock: Some(row.stock),
            category,
            row: OnceCell::new(),
        })
    }

    /// All rows of a list.
    ///
    /// # Errors
    /// A time is outside the calendar, or the response would exceed a limit.
    pub fn from_rows(
        scope: &RequestContext,
        rows: Vec<query::Product>,
    ) -> Result<Vec<Self>, ApiError> {
        scope.count_rows(&rows)?;
        rows.into_iter().map(Self::from_row).collect()
    }

    /// From the reply of a command on the product.
    ///
    /// # Errors
    /// A time is missing.
    pub fn from_reply(left: CommandReply<proto::Product>) -> Result<Self, ApiError> {
        let mut reply = left.entity;
        let id = std::mem::take(&mut reply.id);
        let stock = reply.stock.take().map(Stock::from);
        let own = (!left.unchanged).then(|| Own::from_reply(reply));
        Ok(Self {
            id,
            own: own.transpose()?,
            stock,
            category: None,
            row: OnceCell::new(),
        })
    }

    /// From the reply of a command on its stock.
    #[must_use]
    pub fn from_stock(reply: proto::Stock) -> Self {
        Self {
            id: reply.product_id.clone(),
            own: None,
            stock: Some(Stock::from(reply)),
            category: None,
            row: OnceCell::new(),
        }
    }

    async fn own(&self, context: &Context<'_>) -> Result<&Own, ApiError> {
        match &self.own {
            Some(own) => Ok(own),
            None => Ok(&self.row(context).await?.own),
        }
    }

    async fn stock(&self, context: &Context<'_>) -> Result<Stock, ApiError> {
        match self.stock {
            Some(stock) => Ok(stock),
            None => Ok(self.row(context).await?.stock),
        }
    }

    async fn row(&self, context: &Context<'_>) -> Result<&Row, ApiError> {
        let read = async || {
            let found = load::product(RequestContext::of(context)?, &self.id).await?;
            let row = found.ok_or_else(|| missing("product", &self.id))?;
            Row::read(Arc::unwrap_or_clone(row)).map(Box::new)
        };
        self.row.get_or_try_init(read).await.map(AsRef::as_ref)
    }

    async fn load_category(&self, context: &Context<'_>) -> Result<Option<Category>, ApiError> {
        if let Some(row) = &self.category {
            return Category::from_row(row.clone()).map(Some);
        }
        let Some(id) = &self.own(context).await?.category_id else {
            return Ok(None);
        };
        match load::category(RequestContext::of(context)?, id).await? {
            Some(row) => Category::from_row(Arc::unwrap_or_clone(row)).map(Some),
            None => Ok(None),
        }
    }
}

/// A product for sale.
#[Object]
impl Product {
    /// The id: 1 to 64 characters, unique among products. It never changes.
    async fn id(&self) -> ID {
        ID(self.id.clone())
    }

    /// The id of the object among all objects. `id` is unique among those of its type.
    pub async fn node_id(&self) -> ID {
        node_id(NodeType::Product, &self.id)
    }

    /// The name: 1 to 200 characters. Several products may have the same.
    async fn name(&self, context: &Context<'_>) -> Result<&str, ApiError> {
        Ok(&self.own(context).await?.name)
    }

    /// A text of at most 1,000 characters; null if there is none.
    async fn description(&self, context: &Context<'_>) -> Option<&str> {
        let own = or_null(context, self.own(context).await)?;
        let text = own.description.as_deref()?;
        or_null(context, long_text(context, text))
    }

    /// The price of one piece, 0.01 to 999999.99, with at most two decimals. The system has one currency, which it does not
    /// name.
    async fn price(&self, context: &Context<'_>) -> Result<Decimal, ApiError> {
        Ok(Decimal::new(self.own(context).await?.price.clone()))
    }

    /// The number of pieces available to sell: on hand minus reserved.
    async fn stock_quantity(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.stock(context).await?.available)
    }

    /// The number of pieces in the warehouse: 0 to 1,000,000,000. Shipping an order reduces it.
    async fn on_hand_quantity(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.stock(context).await?.on_hand)
    }

    /// The number of pieces reserved for orders that are not shipped yet.
    async fn reserved_quantity(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.stock(context).await?.reserved)
    }

    /// The id of its category; null if it is in none.
    async fn category_id(&self, context: &Context<'_>) -> Option<ID> {
        let own = or_null(context, self.own(context).await)?;
        own.category_id.clone().map(ID)
    }

    /// Its category; null if it is in none.
    async fn category(&self, context: &Context<'_>) -> Option<Category> {
        or_null(context, self.load_category(context).await)?
    }

    /// Counts the product's events, from 1: send it as `expectedVersion` to not overwrite a change by others. A price change of
    /// more than 10 % counts twice, changes of its stock do not count.
    async fn version(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.own(context).await?.version)
    }

    /// The time of creation.
    async fn created_at(&self, context: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.own(context).await?.created_at)
    }

    /// The time of the last change of any field, the stock included.
    async fn updated_at(&self, context: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.own(context).await?.updated_at)
    }
}
