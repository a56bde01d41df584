//! Loads rows by id; concurrent loads of one kind become one call.

use std::collections::HashMap;
use std::sync::Arc;

use contract::query::{Category, Order, Product, Saga};
use futures::future::{BoxFuture, FutureExt, try_join_all};
use graphql_http::ApiError;
use grpc_calls::Effect;
use prost::Message;
use tonic::{Code, Status};

use super::loaders::Products;
use super::request_context::RequestContext;
use crate::errors::from_grpc;

/// The maximum number of ids of one call.
const IDS_PER_CALL: usize = 500;
/// The maximum number of categories whose products one call reads.
const CATEGORIES_PER_CALL: usize = 100;

/// The category with this id, if there is one.
///
/// # Errors
/// The read side does not answer.
pub async fn category(scope: &RequestContext, id: &str) -> Result<Option<Arc<Category>>, ApiError> {
    let ask = async |ids| {
        let list = scope.services.categories_by_ids(scope, ids).await?;
        Ok(list.categories)
    };
    let fetch = async |ids| by_ids(ids, ask, |row| &row.id).await;
    counted(scope, scope.loaders.categories.load(id, fetch).await)
}

/// The product with this id, if there is one.
///
/// # Errors
/// The read side does not answer.
pub async fn product(scope: &RequestContext, id: &str) -> Result<Option<Arc<Product>>, ApiError> {
    let ask = async |ids| {
        let list = scope.services.products_by_ids(scope, ids).await?;
        Ok(list.products)
    };
    let fetch = async |ids| by_ids(ids, ask, |row| &row.id).await;
    counted(scope, scope.loaders.products.load(id, fetch).await)
}

/// The order with this id, if there is one.
///
/// # Errors
/// The read side does not answer.
pub async fn order(scope: &RequestContext, id: &str) -> Result<Option<Arc<Order>>, ApiError> {
    let ask = async |ids| {
        let list = scope.services.orders_by_ids(scope, ids).await?;
        Ok(list.orders)
    };
    let fetch = async |ids| by_ids(ids, ask, |row| &row.id).await;
    counted(scope, scope.loaders.orders.load(id, fetch).await)
}

/// The latest saga of the order with this id, if it has one.
///
/// # Errors
/// The read side does not answer.
pub async fn saga_of(
    scope: &RequestContext,
    order_id: &str,
) -> Result<Option<Arc<Saga>>, ApiError> {
    let ask = async |ids| {
        let list = scope.services.sagas_of(scope, ids).await?;
        Ok(list.sagas)
    };
    let fetch = async |ids| by_ids(ids, ask, |row| &row.order_id).await;
    counted(scope, scope.loaders.sagas_of.load(order_id, fetch).await)
}

/// Counts the row: each object that is made of it is part of the response.
fn counted<R: Message>(
    scope: &RequestContext,
    loaded: Result<Option<Arc<R>>, ApiError>,
) -> Result<Option<Arc<R>>, ApiError> {
    let found = loaded?;
    if let Some(row) = &found {
        scope.count_rows(std::slice::from_ref(&**row))?;
    }
    Ok(found)
}

/// Reads all rows, in calls of limited size; `key` returns the id of a row.
async fn by_ids<R, F>(
    ids: Vec<String>,
    ask: impl Fn(Vec<String>) -> F,
    key: impl Fn(&R) -> &String,
) -> Result<HashMap<String, Arc<R>>, ApiError>
where
    F: Future<Output = Result<Vec<R>, Status>>,
{
    let calls = ids.chunks(IDS_PER_CALL).map(|ids| ask(ids.to_vec()));
    let lists = try_join_all(calls).await.map_err(read_error)?;
    let rows = lists.into_iter().flatten();
    Ok(rows.map(|row| (key(&row).clone(), Arc::new(row))).collect())
}

/// The first products of the category with this id; 500 without a `limit`.
///
/// # Errors
/// The read side does not answer.
pub async fn products_of(
    scope: &RequestContext,
    category_id: &str,
    limit: Option<i32>,
) -> Result<Arc<Products>, ApiError> {
    let limit = limit.unwrap_or(0);
    let fetch = async |ids: Vec<String>| {
        let calls = ids
            .chunks(CATEGORIES_PER_CALL)
            .map(|ids| products_of_some(scope, ids.to_vec(), limit));
        let found = try_join_all(calls).await.map_err(read_error)?;
        Ok(found.into_iter().flatten().collect::<HashMap<_, _>>())
    };
    let loader = scope.loaders.products_of(limit);
    let found = loader.load(category_id, fetch).await?;
    Ok(found.unwrap_or_else(|| {
        Arc::new(Products {
            rows: Vec::new(),
            truncated: false,
        })
    }))
}

type CategoryProducts = Vec<(String, Arc<Products>)>;

/// Reads the products of these categories. If they exceed the size of one message, the categories are split in half.
fn products_of_some(
    scope: &RequestContext,
    ids: Vec<String>,
    limit: i32,
) -> BoxFuture<'_, Result<CategoryProducts, Status>> {
    async move {
        match scope
            .services
            .products_by_categories(scope, ids.clone(), limit)
            .await
        {
            Ok(answer) => Ok(answer
                .categories
                .into_iter()
                .map(|category| {
                    let products = Products {
                        rows: category.products,
                        truncated: category.truncated,
                    };
                    (category.category_id, Arc::new(products))
                })
                .collect()),
            Err(status) if status.code() == Code::OutOfRange && ids.len() > 1 => {
                let (left, right) = ids.split_at(ids.len() / 2);
                let mut found = products_of_some(scope, left.to_vec(), limit).await?;
                found.extend(products_of_some(scope, right.to_vec(), limit).await?);
                Ok(found)
            }
            Err(status) => Err(status),
        }
    }
    .boxed()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err needs"
)]
fn read_error(status: Status) -> ApiError {
    from_grpc(&status, Effect::Read)
}
