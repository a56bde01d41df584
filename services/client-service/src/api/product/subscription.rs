//! Subscriptions to products and their stock.

use std::sync::Arc;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use contract::query::{self, ChangeKind};
use graphql_http::{ApiError, DateTime, OpenToAnyone};

use super::super::changes::{self, Items};
use super::super::convert::{from_micros, to_int};
use super::types::Product;
use crate::upstream::ChangedRow;

/// Subscriptions to products.
#[derive(Debug, Default)]
pub struct ProductSubscriptions;

/// The stock of a product after a change.
#[derive(Clone, Debug, SimpleObject)]
pub struct StockUpdate {
    /// The id of the product.
    product_id: ID,
    /// The number of pieces available to sell: the product's `stockQuantity`.
    new_quantity: i32,
    /// The number of pieces in the warehouse.
    on_hand_quantity: i32,
    /// The time of the last change of the product or its stock.
    updated_at: DateTime,
}

impl StockUpdate {
    fn from_row(row: &query::Product) -> Result<Self, ApiError> {
        Ok(Self {
            product_id: ID(row.id.clone()),
            new_quantity: to_int(row.stock_quantity),
            on_hand_quantity: to_int(row.on_hand_quantity),
            updated_at: from_micros(row.updated_at_micros)?,
        })
    }
}

fn row(row: ChangedRow) -> Option<Arc<query::Product>> {
    match row {
        ChangedRow::Product(row) => Some(row),
        ChangedRow::Category(_) | ChangedRow::Order(_) | ChangedRow::Deleted(_) => None,
    }
}

fn product(changed: ChangedRow) -> Option<Result<Product, ApiError>> {
    Some(Product::from_row(Arc::unwrap_or_clone(row(changed)?)))
}

fn stock(changed: ChangedRow) -> Option<Result<StockUpdate, ApiError>> {
    Some(StockUpdate::from_row(&*row(changed)?))
}

#[expect(clippy::unused_async, reason = "the macro awaits the functions")]
#[Subscription]
impl ProductSubscriptions {
    /// Each product that is created.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product_created(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<Product>, ApiError> {
        let all = (ChangeKind::ProductCreated, None);
        changes::items(context, all, after, product)
    }

    /// Each product whose name, description, price or category changes. Changes of its stock are those of `stockUpdated`.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this product. Without it all.")] id: Option<ID>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<Product>, ApiError> {
        let some = (ChangeKind::ProductUpdated, changes::only(id.as_ref())?);
        changes::items(context, some, after, product)
    }

    /// The id of each product that is deleted.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product_deleted(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<ID>, ApiError> {
        let all = (ChangeKind::ProductDeleted, None);
        changes::items(context, all, after, changes::deleted)
    }

    /// The stock of these products, each time that it is set, reserved, released or shipped.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn stock_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ids of the products: 1 to 500, else `VALIDATION_ERROR`.")]
        product_ids: Vec<ID>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<StockUpdate>, ApiError> {
        let ids = changes::several("productIds", &product_ids)?;
        changes::items(context, (ChangeKind::StockUpdated, Some(ids)), after, stock)
    }
}
