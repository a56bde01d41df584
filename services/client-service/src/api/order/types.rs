//! Orders.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use contract::{proto, query};
use graphql_http::{ApiError, AtMost, DateTime, Decimal, Weighs, or_null};
use tokio::sync::OnceCell;

use super::super::convert::{from_micros, from_timestamp, missing, to_int};
use super::super::product::Product;
use super::super::relay::{NodeType, node_id};
use super::super::saga::SagaState;
use super::status::OrderStatus;
use crate::upstream::{CommandReply, RequestContext, load};

/// An order.
#[derive(Debug)]
pub struct Order {
    id: String,
    /// Empty after a command that changed nothing, whose reply does not know when the row last changed; then read if the
    /// field is requested.
    own: OnceCell<Box<Own>>,
}

#[derive(Debug)]
struct Own {
    user_id: String,
    status: OrderStatus,
    total_amount: String,
    items: Vec<OrderItem>,
    shipping_address: Option<ShippingAddress>,
    tracking_number: Option<String>,
    version: i32,
    created_at: DateTime,
    updated_at: DateTime,
}

/// A product of an order, as it was when it was ordered.
// Stored in the order's row: it counts as part of the order.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex, directive = Weighs::apply(0))]
pub struct OrderItem {
    /// The id of the product, which may be deleted by now.
    product_id: ID,
    /// The product's name when it was ordered.
    product_name: String,
    /// The number of pieces: 1 to 1,000.
    quantity: i32,
    /// The price of one piece when it was ordered.
    price: Decimal,
    /// The price of all pieces: price × quantity.
    subtotal: Decimal,
}

/// The shipping address of an order.
// Stored in the order's row too.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(directive = Weighs::apply(0))]
pub struct ShippingAddress {
    /// Street and number: at most 255 characters.
    street: String,
    /// The city: at most 255 characters.
    city: String,
    /// The postal code: at most 20 characters.
    postal_code: String,
}

impl Own {
    fn from_row(row: query::Order) -> Result<Self, ApiError> {
        Ok(Self {
            user_id: row.user_id,
            status: OrderStatus::from_number(row.status)?,
            total_amount: row.total_amount,
            items: row.items.into_iter().map(OrderItem::from).collect(),
            shipping_address: row.shipping_address.map(ShippingAddress::from),
            tracking_number: row.tracking_number,
            version: to_int(row.version),
            created_at: from_micros(row.created_at_micros)?,
            updated_at: from_micros(row.updated_at_micros)?,
        })
    }

    fn from_reply(reply: proto::Order) -> Result<Self, ApiError> {
        let items = reply.items.into_iter().map(OrderItem::from_reply);
        Ok(Self {
            user_id: reply.user_id,
            status: OrderStatus::from_number(reply.status)?,
            total_amount: reply.total_amount,
            items: items.collect::<Result<_, _>>()?,
            shipping_address: reply.shipping_address.map(ShippingAddress::from),
            tracking_number: reply.tracking_number,
            version: to_int(reply.version),
            created_at: from_timestamp(reply.created_at.as_ref())?,
            updated_at: from_timestamp(reply.updated_at.as_ref())?,
        })
    }
}

impl From<query::OrderItem> for OrderItem {
    fn from(row: query::OrderItem) -> Self {
        Self {
            product_id: ID(row.product_id),
            product_name: row.product_name,
            quantity: row.quantity,
            price: Decimal::new(row.price),
            subtotal: Decimal::new(row.subtotal),
        }
    }
}

#[ComplexObject]
impl OrderItem {
    /// The product as it is now; null if it was deleted.
    async fn product(&self, context: &Context<'_>) -> Option<Product> {
        or_null(context, self.load_product(context).await)?
    }
}

impl OrderItem {
    async fn load_product(&self, context: &Context<'_>) -> Result<Option<Product>, ApiError> {
        let found = load::product(RequestContext::of(context)?, &self.product_id).await?;
        found
            .map(|row| Product::from_row(Arc::unwrap_or_clone(row)))
            .transpose()
    }

    fn from_reply(reply: proto::OrderItem) -> Result<Self, ApiError> {
        let exact = |amount: Option<String>| {
            let amount = amount.map(Decimal::new);
            amount.ok_or_else(|| ApiError::internal("an order's item without exact amounts"))
        };
        Ok(Self {
            product_id: ID(reply.product_id),
            product_name: reply.product_name,
            quantity: reply.quantity,
            price: exact(reply.unit_price_decimal)?,
            subtotal: exact(reply.subtotal_decimal)?,
        })
    }
}

impl From<query::ShippingAddress> for ShippingAddress {
    fn from(row: query::ShippingAddress) -> Self {
        Self {
            street: row.street,
            city: row.city,
            postal_code: row.postal_code,
        }
    }
}

impl From<proto::ShippingAddress> for ShippingAddress {
    fn from(reply: proto::ShippingAddress) -> Self {
        Self {
            street: reply.street,
            city: reply.city,
            postal_code: reply.postal_code,
        }
    }
}

impl Order {
    fn new(id: String, own: Option<Own>) -> Self {
        Self {
            id,
            own: OnceCell::new_with(own.map(Box::new)),
        }
    }

    /// From the read side.
    ///
    /// # Errors
    /// It has no status, or a time is outside the calendar.
    pub fn from_row(mut row: query::Order) -> Result<Self, ApiError> {
        let id = std::mem::take(&mut row.id);
        Ok(Self::new(id, Some(Own::from_row(row)?)))
    }

    /// All rows of a list.
    ///
    /// # Errors
    /// One has no status, a time is outside the calendar, or the response would exceed a limit.
    pub fn from_rows(
        scope: &RequestContext,
        rows: Vec<query::Order>,
    ) -> Result<Vec<Self>, ApiError> {
        scope.count_rows(&rows)?;
        rows.into_iter().map(Self::from_row).collect()
    }

    /// From a command's reply.
    ///
    /// # Errors
    /// It has no status, or an amount or a time is missing.
    pub fn from_reply(left: CommandReply<proto::Order>) -> Result<Self, ApiError> {
        let mut reply = left.entity;
        let id = std::mem::take(&mut reply.id);
        let own = (!left.unchanged).then(|| Own::from_reply(reply));
        Ok(Self::new(id, own.transpose()?))
    }

    async fn own(&self, context: &Context<'_>) -> Result<&Own, ApiError> {
        let read = async || {
            let found = load::order(RequestContext::of(context)?, &self.id).await?;
            let row = found.ok_or_else(|| missing("order", &self.id))?;
            Own::from_row(Arc::unwrap_or_clone(row)).map(Box::new)
        };
        self.own.get_or_try_init(read).await.map(AsRef::as_ref)
    }

    async fn load_saga(&self, context: &Context<'_>) -> Result<Option<SagaState>, ApiError> {
        let found = load::saga_of(RequestContext::of(context)?, &self.id).await?;
        found
            .map(|row| SagaState::from_row(Arc::unwrap_or_clone(row)))
            .transpose()
    }
}

/// An order of a customer.
#[Object]
impl Order {
    /// The id: 1 to 64 characters, unique among orders. It never changes.
    async fn id(&self) -> ID {
        ID(self.id.clone())
    }

    /// The id of the object among all objects. `id` is unique among those of its type.
    pub async fn node_id(&self) -> ID {
        node_id(NodeType::Order, &self.id)
    }

    /// The id of the user who ordered: 1 to 255 characters.
    async fn user_id(&self, context: &Context<'_>) -> Result<ID, ApiError> {
        Ok(ID(self.own(context).await?.user_id.clone()))
    }

    /// How far the order is. `extensions.position` of the response is the position that it reflects.
    async fn status(&self, context: &Context<'_>) -> Result<OrderStatus, ApiError> {
        Ok(self.own(context).await?.status)
    }

    /// The sum of all subtotals, at the prices when it was ordered.
    async fn total_amount(&self, context: &Context<'_>) -> Result<Decimal, ApiError> {
        Ok(Decimal::new(self.own(context).await?.total_amount.clone()))
    }

    /// What was ordered: each product once, 1 to 100 of them.
    #[graphql(directive = AtMost::apply(100))]
    async fn items(&self, context: &Context<'_>) -> Result<&[OrderItem], ApiError> {
        Ok(&self.own(context).await?.items)
    }

    /// Where it is sent to; null if none was given.
    async fn shipping_address(&self, context: &Context<'_>) -> Option<ShippingAddress> {
        or_null(context, self.own(context).await)?
            .shipping_address
            .clone()
    }

    /// The progress of its latest saga, which fulfils or cancels it.
    async fn saga_state(&self, context: &Context<'_>) -> Option<SagaState> {
        or_null(context, self.load_saga(context).await)?
    }

    /// The carrier's number; null until shipping is arranged.
    async fn tracking_number(&self, context: &Context<'_>) -> Option<&str> {
        or_null(context, self.own(context).await)?
            .tracking_number
            .as_deref()
    }

    /// Counts the order's events, from 1. Those of its sagas do not count.
    async fn version(&self, context: &Context<'_>) -> Result<i32, ApiError> {
        Ok(self.own(context).await?.version)
    }

    /// The time at which it was ordered.
    async fn created_at(&self, context: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.own(context).await?.created_at)
    }

    /// The time of the last change of any field but `sagaState`.
    async fn updated_at(&self, context: &Context<'_>) -> Result<DateTime, ApiError> {
        Ok(self.own(context).await?.updated_at)
    }
}
