//! `query.ProductQuery`.

use std::collections::HashMap;
use std::sync::Arc;

use contract::decimal;
use contract::query::product_query_server::ProductQuery;
use contract::query::{
    CategoryProductStatisticsRequest, CategoryProductStatisticsResponse, CategoryProducts, Empty,
    Product, ProductAdvancedSearchRequest, ProductByCategoryRequest, ProductByNameRequest,
    ProductExistsRequest, ProductExistsResponse, ProductIdsRequest, ProductListResponse,
    ProductPaginationRequest, ProductPriceRangeRequest, ProductQueryRequest, ProductQueryResponse,
    ProductSearchRequest, ProductSortRequest, ProductStatisticsResponse, ProductWindowRequest,
    ProductsByCategoriesRequest, ProductsByCategoriesResponse,
};
use domain::value::ProductName;
use tonic::{Request, Response, Status};

use super::convert::{self, Room};
use super::input;
use super::request::{at, not_found, reply, status};
use crate::projections::ProductRow;
use crate::reads::{
    At, CategoryReads, Found, List, ProductFigures, ProductReads, ProductSearch, ReadError, Row,
    SortBy,
};

pub(super) struct ProductApi {
    categories: Arc<CategoryReads>,
    products: Arc<ProductReads>,
}

impl ProductApi {
    pub(super) fn new(categories: Arc<CategoryReads>, products: Arc<ProductReads>) -> Self {
        Self {
            categories,
            products,
        }
    }

    async fn list(
        &self,
        search: Result<ProductSearch, Status>,
        at: At,
    ) -> Result<Response<ProductListResponse>, Status> {
        let found = self.products.search(&search?, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|list| {
            list_message(messages(&list.rows), list.is_truncated)
        })))
    }

    async fn with_categories(
        &self,
        at: At,
    ) -> Result<Found<(Vec<Product>, Arc<List<ProductRow>>)>, ReadError> {
        let list = self.products.search(&ProductSearch::default(), at).await?;
        let mut ids: Vec<&str> = list
            .value
            .rows
            .iter()
            .filter_map(|row| row.category_id.as_deref())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let categories = self.categories.by_ids(&ids, at).await?;
        let by_id: HashMap<&str, _> = categories
            .value
            .iter()
            .map(|row| (row.id.as_str(), row))
            .collect();
        let mut products = messages(&list.value.rows);
        for product in &mut products {
            product.category = by_id
                .get(product.category_id.as_str())
                .map(|row| convert::category(row));
        }
        Ok(Found {
            value: (products, list.value),
            position: list.position.min(categories.position),
        })
    }

    async fn with_category(&self, id: &str, at: At) -> Result<Found<Option<Product>>, ReadError> {
        let found = self.products.by_id(id, at).await?;
        let Some(row) = found.value else {
            return Ok(Found {
                value: None,
                position: found.position,
            });
        };
        let mut product = convert::product(&row);
        let mut position = found.position;
        if let Some(category) = row.category_id.as_deref() {
            let category = self.categories.by_id(category, at).await?;
            product.category = category.value.map(|row| convert::category(&row));
            position = position.min(category.position);
        }
        Ok(Found {
            value: Some(product),
            position,
        })
    }
}

fn one(found: Found<Option<Product>>) -> Result<Response<ProductQueryResponse>, Status> {
    if found.value.is_none() {
        return Err(not_found("there is no such product", found.position));
    }
    Ok(reply(found.map(|product| ProductQueryResponse { product })))
}

fn row(
    found: Result<Found<Row<ProductRow>>, ReadError>,
) -> Result<Response<ProductQueryResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    one(found.map(|row| row.map(|row| convert::product(&row))))
}

fn messages(rows: &[Arc<ProductRow>]) -> Vec<Product> {
    rows.iter().map(|row| convert::product(row)).collect()
}

fn list_message(mut products: Vec<Product>, is_truncated: bool) -> ProductListResponse {
    let is_cut = Room::new().fit(&mut products);
    ProductListResponse {
        products,
        truncated: is_truncated || is_cut,
    }
}

/// The rows of many categories, which stand in order of their category, by category in the order asked for.
fn grouped(ids: &[String], list: &List<ProductRow>, limit: i64) -> ProductsByCategoriesResponse {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut groups: HashMap<&str, Vec<&Arc<ProductRow>>> = HashMap::new();
    for row in &list.rows {
        if let Some(category) = row.category_id.as_deref() {
            groups.entry(category).or_default().push(row);
        }
    }
    // Rows that did not fit all together are missing at the end: in the last category seen, or behind it.
    let end = list.rows.last().and_then(|row| row.category_id.as_deref());
    let is_cut_behind = |id: &str| list.is_truncated && end.is_none_or(|end| id >= end);
    let mut room = Room::new();
    let categories = ids
        .iter()
        .map(|id| {
            let rows = groups.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            let is_long = rows.len() > limit;
            let mut products = rows
                .iter()
                .take(limit)
                .map(|row| convert::product(row))
                .collect();
            let is_cut = room.fit(&mut products);
            CategoryProducts {
                category_id: id.clone(),
                products,
                truncated: is_long || is_cut || is_cut_behind(id),
            }
        })
        .collect();
    ProductsByCategoriesResponse { categories }
}

/// The average in whole units; only here a price becomes a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "the contract has the average as a double"
)]
fn average(figures: &ProductFigures) -> f64 {
    if figures.count == 0 {
        return 0.0;
    }
    figures.price_sum as f64 / figures.count as f64 / 100.0
}

#[tonic::async_trait]
impl ProductQuery for ProductApi {
    async fn get_product(
        &self,
        request: Request<ProductQueryRequest>,
    ) -> Result<Response<ProductQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let id = input::id("id", &request.get_ref().id)?;
        row(self.products.by_id(id.as_str(), at).await)
    }

    async fn get_product_with_category(
        &self,
        request: Request<ProductQueryRequest>,
    ) -> Result<Response<ProductQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let id = input::id("id", &request.get_ref().id)?;
        let found = self.with_category(id.as_str(), at).await;
        one(found.map_err(|error| status(&error))?)
    }

    async fn get_product_by_name(
        &self,
        request: Request<ProductByNameRequest>,
    ) -> Result<Response<ProductQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let name = ProductName::parse("name", &request.get_ref().name)
            .map_err(|error| input::invalid(&error))?;
        row(self.products.by_name(&name, at).await)
    }

    async fn list_products(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        self.list(Ok(ProductSearch::default()), at).await
    }

    async fn list_products_with_categories(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        let found = self.with_categories(at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|(products, list)| {
            list_message(products, list.is_truncated)
        })))
    }

    async fn get_products_by_category(
        &self,
        request: Request<ProductByCategoryRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        let category = input::id("category_id", &request.get_ref().category_id)?;
        let search = ProductSearch {
            category_id: Some(category.to_string()),
            ..ProductSearch::default()
        };
        self.list(Ok(search), at).await
    }

    async fn search_products(
        &self,
        request: Request<ProductSearchRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        let search = ProductSearch {
            term: Some(input::term(&request.get_ref().search_term)?),
            ..ProductSearch::default()
        };
        self.list(Ok(search), at).await
    }

    async fn get_products_by_price_range(
        &self,
        request: Request<ProductPriceRangeRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        self.list(input::price_range(request.get_ref()), at).await
    }

    async fn list_products_sorted_by_price(
        &self,
        request: Request<ProductSortRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        let search = ProductSearch {
            sort_by: SortBy::Price,
            order: input::order(&request.get_ref().sort_order)?,
            ..ProductSearch::default()
        };
        self.list(Ok(search), at).await
    }

    async fn list_products_paginated(
        &self,
        request: Request<ProductPaginationRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        self.list(input::product_page(request.into_inner()), at)
            .await
    }

    async fn get_products_by_ids(
        &self,
        request: Request<ProductIdsRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        let ids = input::ids("ids", &request.get_ref().ids)?;
        let found = self.products.by_ids(&ids, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(
            found.map(|rows| list_message(messages(&rows), false)),
        ))
    }

    async fn search_products_advanced(
        &self,
        request: Request<ProductAdvancedSearchRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        self.list(input::advanced(request.get_ref()), at).await
    }

    async fn get_product_statistics(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<ProductStatisticsResponse>, Status> {
        let at = at(request.metadata())?;
        let found = self.products.figures(None, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|figures| {
            let count = convert::count(figures.count);
            ProductStatisticsResponse {
                total_count: count,
                has_products: count > 0,
                average_price: average(&figures),
                min_price: decimal::to_double(figures.price_min),
                max_price: decimal::to_double(figures.price_max),
                // Every row has them.
                products_with_timestamps: count,
                total_value: convert::wide_decimal(figures.value_cents()),
            }
        })))
    }

    async fn get_category_product_statistics(
        &self,
        request: Request<CategoryProductStatisticsRequest>,
    ) -> Result<Response<CategoryProductStatisticsResponse>, Status> {
        let at = at(request.metadata())?;
        let category = input::id("category_id", &request.get_ref().category_id)?;
        let found = self.products.figures(Some(category.as_str()), at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|figures| {
            let count = convert::count(figures.count);
            CategoryProductStatisticsResponse {
                category_id: category.to_string(),
                total_count: count,
                has_products: count > 0,
                average_price: average(&figures),
                min_price: decimal::to_double(figures.price_min),
                max_price: decimal::to_double(figures.price_max),
            }
        })))
    }

    async fn product_exists(
        &self,
        request: Request<ProductExistsRequest>,
    ) -> Result<Response<ProductExistsResponse>, Status> {
        let at = at(request.metadata())?;
        let id = input::id("id", &request.get_ref().id)?;
        let found = self.products.by_id(id.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|row| ProductExistsResponse {
            exists: row.is_some(),
        })))
    }

    async fn list_products_window(
        &self,
        request: Request<ProductWindowRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = at(request.metadata())?;
        self.list(input::product_window(request.get_ref()), at)
            .await
    }

    async fn get_products_by_categories(
        &self,
        request: Request<ProductsByCategoriesRequest>,
    ) -> Result<Response<ProductsByCategoriesResponse>, Status> {
        let at = at(request.metadata())?;
        let request = request.into_inner();
        let limit = input::group_limit(request.limit)?;
        let ids = input::ids("ids", &request.ids)?;
        let found = self.products.by_categories(&ids, limit, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|list| grouped(&request.ids, &list, limit))))
    }
}
