//! `query.ProductQuery`.

use std::collections::HashMap;
use std::sync::Arc;

use contract::decimal;
use contract::query::product_query_server::ProductQuery;
use contract::query::{
    CategoryProductStatisticsRequest, CategoryProductStatisticsResponse, Empty, Product,
    ProductAdvancedSearchRequest, ProductByCategoryRequest, ProductByNameRequest,
    ProductConnectionRequest, ProductConnectionResponse, ProductExistsRequest,
    ProductExistsResponse, ProductIdsRequest, ProductListResponse, ProductPaginationRequest,
    ProductPriceRangeRequest, ProductQueryRequest, ProductQueryResponse, ProductSearchRequest,
    ProductSortRequest, ProductStatisticsResponse, ProductWindowRequest,
    ProductsByCategoriesRequest, ProductsByCategoriesResponse,
};
use domain::value::ProductName;
use tonic::{Request, Response, Status};

use super::super::category;
use super::super::input::{id, ids, invalid};
use super::super::reply::{count, wide_decimal};
use super::super::request::{answer, not_found, read_options, status};
use super::{input, reply};
use crate::projections::ProductRow;
use crate::queries::{
    CategoryQueries, List, ProductQueries, ProductSearch, ReadError, ReadOptions, ReadResult, Row,
};

pub(in crate::grpc) struct ProductApi {
    categories: Arc<CategoryQueries>,
    products: Arc<ProductQueries>,
}

impl ProductApi {
    pub(in crate::grpc) fn new(
        categories: Arc<CategoryQueries>,
        products: Arc<ProductQueries>,
    ) -> Self {
        Self {
            categories,
            products,
        }
    }

    async fn list(
        &self,
        search: Result<ProductSearch, Status>,
        at: ReadOptions,
    ) -> Result<Response<ProductListResponse>, Status> {
        let found = self.products.search(&search?, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|list| {
            reply::list(reply::products(&list.rows), list.is_truncated)
        })))
    }

    async fn with_categories(
        &self,
        at: ReadOptions,
    ) -> Result<ReadResult<(Vec<Product>, Arc<List<ProductRow>>)>, ReadError> {
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
        let mut products = reply::products(&list.value.rows);
        for product in &mut products {
            product.category = by_id
                .get(product.category_id.as_str())
                .map(|row| category::reply::category(row));
        }
        let found = list.and(categories);
        Ok(found.map(|(list, _)| (products, list)))
    }

    async fn with_category(
        &self,
        id: &str,
        at: ReadOptions,
    ) -> Result<ReadResult<Option<Product>>, ReadError> {
        let found = self.products.by_id(id, at).await?;
        let Some(row) = &found.value else {
            return Ok(found.map(|_| None));
        };
        let mut product = reply::product(row);
        let Some(id) = row.category_id.as_deref() else {
            return Ok(found.map(|_| Some(product)));
        };
        let category = self.categories.by_id(id, at).await?;
        Ok(found.and(category).map(|(_, row)| {
            product.category = row.map(|row| category::reply::category(&row));
            Some(product)
        }))
    }
}

fn one(found: ReadResult<Option<Product>>) -> Result<Response<ProductQueryResponse>, Status> {
    if found.value.is_none() {
        return Err(not_found("there is no such product", found.position));
    }
    Ok(answer(
        found.map(|product| ProductQueryResponse { product }),
    ))
}

fn row(
    found: Result<ReadResult<Row<ProductRow>>, ReadError>,
) -> Result<Response<ProductQueryResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    one(found.map(|row| row.map(|row| reply::product(&row))))
}

#[tonic::async_trait]
impl ProductQuery for ProductApi {
    async fn get_product(
        &self,
        request: Request<ProductQueryRequest>,
    ) -> Result<Response<ProductQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        row(self.products.by_id(id.as_str(), at).await)
    }

    async fn get_product_with_category(
        &self,
        request: Request<ProductQueryRequest>,
    ) -> Result<Response<ProductQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        let found = self.with_category(id.as_str(), at).await;
        one(found.map_err(|error| status(&error))?)
    }

    async fn get_product_by_name(
        &self,
        request: Request<ProductByNameRequest>,
    ) -> Result<Response<ProductQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let name =
            ProductName::parse("name", &request.get_ref().name).map_err(|error| invalid(&error))?;
        row(self.products.by_name(&name, at).await)
    }

    async fn list_products(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(Ok(ProductSearch::default()), at).await
    }

    async fn list_products_with_categories(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let found = self.with_categories(at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|(products, list)| {
            reply::list(products, list.is_truncated)
        })))
    }

    async fn get_products_by_category(
        &self,
        request: Request<ProductByCategoryRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(input::by_category(request.get_ref()), at).await
    }

    async fn search_products(
        &self,
        request: Request<ProductSearchRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(input::search(request.get_ref()), at).await
    }

    async fn get_products_by_price_range(
        &self,
        request: Request<ProductPriceRangeRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(input::price_range(request.get_ref()), at).await
    }

    async fn list_products_sorted_by_price(
        &self,
        request: Request<ProductSortRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let search = ProductSearch {
            order: input::by_price(&request.get_ref().sort_order)?,
            ..ProductSearch::default()
        };
        self.list(Ok(search), at).await
    }

    async fn list_products_paginated(
        &self,
        request: Request<ProductPaginationRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(input::page(request.into_inner()), at).await
    }

    async fn get_products_by_ids(
        &self,
        request: Request<ProductIdsRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let ids = ids("ids", &request.get_ref().ids)?;
        let found = self.products.by_ids(&ids, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(
            found.map(|rows| reply::list(reply::products(&rows), false)),
        ))
    }

    async fn search_products_advanced(
        &self,
        request: Request<ProductAdvancedSearchRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(input::advanced(request.get_ref()), at).await
    }

    async fn get_product_statistics(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<ProductStatisticsResponse>, Status> {
        let at = read_options(request.metadata())?;
        let found = self.products.statistics(None, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|figures| {
            let count = self::count(figures.count);
            ProductStatisticsResponse {
                total_count: count,
                has_products: count > 0,
                average_price: reply::average(&figures),
                min_price: decimal::to_double(figures.price_min),
                max_price: decimal::to_double(figures.price_max),
                // Every row has timestamps.
                products_with_timestamps: count,
                total_value: wide_decimal(figures.value_cents()),
            }
        })))
    }

    async fn get_category_product_statistics(
        &self,
        request: Request<CategoryProductStatisticsRequest>,
    ) -> Result<Response<CategoryProductStatisticsResponse>, Status> {
        let at = read_options(request.metadata())?;
        let category = id("category_id", &request.get_ref().category_id)?;
        let found = self.products.statistics(Some(category.as_str()), at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|figures| {
            let count = self::count(figures.count);
            CategoryProductStatisticsResponse {
                category_id: category.to_string(),
                total_count: count,
                has_products: count > 0,
                average_price: reply::average(&figures),
                min_price: decimal::to_double(figures.price_min),
                max_price: decimal::to_double(figures.price_max),
            }
        })))
    }

    async fn product_exists(
        &self,
        request: Request<ProductExistsRequest>,
    ) -> Result<Response<ProductExistsResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        let found = self.products.by_id(id.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|row| ProductExistsResponse {
            exists: row.is_some(),
        })))
    }

    async fn list_products_window(
        &self,
        request: Request<ProductWindowRequest>,
    ) -> Result<Response<ProductListResponse>, Status> {
        let at = read_options(request.metadata())?;
        self.list(input::window(request.get_ref()), at).await
    }

    async fn get_products_by_categories(
        &self,
        request: Request<ProductsByCategoriesRequest>,
    ) -> Result<Response<ProductsByCategoriesResponse>, Status> {
        let at = read_options(request.metadata())?;
        let request = request.into_inner();
        let limit = input::group_limit(request.limit)?;
        let ids = ids("ids", &request.ids)?;
        let found = self.products.by_categories(&ids, limit, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(
            found.map(|list| reply::grouped(&request.ids, &list, limit)),
        ))
    }

    async fn list_products_connection(
        &self,
        request: Request<ProductConnectionRequest>,
    ) -> Result<Response<ProductConnectionResponse>, Status> {
        let at = read_options(request.metadata())?;
        let (category, sort, slice) = input::connection(request.into_inner())?;
        let category = category.as_deref();
        let found = self.products.connection(category, sort, &slice, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(
            found.map(|part| reply::connection(&part, slice.size)),
        ))
    }
}
