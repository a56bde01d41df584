//! Loads rows by id; concurrent loads of one kind become one call.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use contract::query::{self, Category, Order, Product, Saga};
use futures::future::{BoxFuture, FutureExt, try_join_all};
use graphql_http::ApiError;
use grpc_calls::Effect;
use prost::Message;
use tonic::{Code, Status};

use super::loaders::Products;
use super::request_context::RequestContext;
use crate::errors::from_grpc;

/// The maximum number of ids of one call.
const MAX_IDS_PER_CALL: usize = 500;
/// The maximum number of categories whose products one call reads.
const MAX_CATEGORIES_PER_CALL: usize = 100;
/// The maximum number of products of one category, also without a `limit`.
const MAX_PRODUCTS: usize = 500;

/// The category with this id, if there is one.
///
/// # Errors
/// The read side does not answer.
pub async fn category(scope: &RequestContext, id: &str) -> Result<Option<Arc<Category>>, ApiError> {
    let ask = async |ids| {
        let list = scope.services.categories_by_ids(scope, ids).await?;
        Ok((list.categories, list.truncated))
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
        Ok((list.products, list.truncated))
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
        Ok((list.orders, list.truncated))
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
        Ok((list.sagas, list.truncated))
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
    F: Future<Output = Result<(Vec<R>, bool), Status>>,
{
    let calls = ids.chunks(MAX_IDS_PER_CALL);
    let calls = calls.map(|ids| by_some_ids(ids, &ask, &key));
    let lists = try_join_all(calls).await.map_err(read_error)?;
    let rows = lists.into_iter().flatten();
    Ok(rows.map(|row| (key(&row).clone(), Arc::new(row))).collect())
}

/// Reads the rows of these ids. One message has room for a limited number of rows: if a reply was cut, the ids without a
/// row are asked for again.
async fn by_some_ids<R, F>(
    ids: &[String],
    ask: &impl Fn(Vec<String>) -> F,
    key: &impl Fn(&R) -> &String,
) -> Result<Vec<R>, Status>
where
    F: Future<Output = Result<(Vec<R>, bool), Status>>,
{
    let mut all = Vec::new();
    let mut ids = Cow::Borrowed(ids);
    loop {
        let (rows, is_cut) = ask(ids.to_vec()).await?;
        if !is_cut || rows.is_empty() {
            all.extend(rows);
            return Ok(all);
        }
        let found: HashSet<&String> = rows.iter().map(key).collect();
        let missing = ids.iter().filter(|id| !found.contains(id));
        ids = Cow::Owned(missing.cloned().collect());
        all.extend(rows);
    }
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
            .chunks(MAX_CATEGORIES_PER_CALL)
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

/// Reads the products of these categories, each list whole. One message has room for a limited number of rows: the
/// categories that did not get theirs are asked for again, and of a message that could not be sent each half.
fn products_of_some(
    scope: &RequestContext,
    ids: Vec<String>,
    limit: i32,
) -> BoxFuture<'_, Result<CategoryProducts, Status>> {
    async move {
        let services = &scope.services;
        let answer = services.products_by_categories(scope, ids.clone(), limit);
        let (mut found, missing) = match answer.await {
            Ok(answer) => by_completeness(answer.categories, limit),
            Err(status) if status.code() == Code::OutOfRange && ids.len() > 1 => (Vec::new(), ids),
            Err(status) => return Err(status),
        };
        if missing.is_empty() {
            return Ok(found);
        }
        let parts = if found.is_empty() {
            let (left, right) = missing.split_at(missing.len() / 2);
            vec![left.to_vec(), right.to_vec()]
        } else {
            vec![missing]
        };
        for ids in parts {
            found.extend(products_of_some(scope, ids, limit).await?);
        }
        Ok(found)
    }
    .boxed()
}

/// The whole lists, and the ids of the categories whose lists are not. A single list is as whole as it can be.
fn by_completeness(
    categories: Vec<query::CategoryProducts>,
    limit: i32,
) -> (CategoryProducts, Vec<String>) {
    let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
    let limit = limit.unwrap_or(MAX_PRODUCTS);
    let is_single = categories.len() == 1;
    let (mut whole, mut others) = (Vec::with_capacity(categories.len()), Vec::new());
    for category in categories {
        if category.truncated && category.products.len() < limit && !is_single {
            others.push(category.category_id);
        } else {
            let products = Products {
                rows: category.products,
                truncated: category.truncated,
            };
            whole.push((category.category_id, Arc::new(products)));
        }
    }
    (whole, others)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err needs"
)]
fn read_error(status: Status) -> ApiError {
    from_grpc(&status, Effect::Read)
}
