//! `query.CategoryQuery`.

use std::sync::Arc;

use contract::query::category_query_server::CategoryQuery;
use contract::query::{
    CategoryByNameRequest, CategoryExistsRequest, CategoryExistsResponse, CategoryIdsRequest,
    CategoryListResponse, CategoryPaginationRequest, CategoryQueryRequest, CategoryQueryResponse,
    CategorySearchRequest, CategoryStatisticsResponse, Empty,
};
use domain::value::CategoryName;
use tonic::{Request, Response, Status};

use super::convert::{self, Room};
use super::input;
use super::request::{at, not_found, reply, status};
use crate::projections::CategoryRow;
use crate::reads::{CategoryReads, Found, List, ReadError, Row};

pub(super) struct CategoryApi {
    categories: Arc<CategoryReads>,
}

impl CategoryApi {
    pub(super) fn new(categories: Arc<CategoryReads>) -> Self {
        Self { categories }
    }
}

fn one(
    found: Result<Found<Row<CategoryRow>>, ReadError>,
) -> Result<Response<CategoryQueryResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    let Some(row) = found.value else {
        return Err(not_found("there is no such category", found.position));
    };
    Ok(reply(Found {
        value: CategoryQueryResponse {
            category: Some(convert::category(&row)),
        },
        position: found.position,
    }))
}

fn many(
    found: Result<Found<Arc<List<CategoryRow>>>, ReadError>,
) -> Result<Response<CategoryListResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    Ok(reply(
        found.map(|list| list_message(&list.rows, list.is_truncated)),
    ))
}

fn list_message(rows: &[Arc<CategoryRow>], is_truncated: bool) -> CategoryListResponse {
    let mut categories = rows.iter().map(|row| convert::category(row)).collect();
    let is_cut = Room::new().fit(&mut categories);
    CategoryListResponse {
        categories,
        truncated: is_truncated || is_cut,
    }
}

#[tonic::async_trait]
impl CategoryQuery for CategoryApi {
    async fn get_category(
        &self,
        request: Request<CategoryQueryRequest>,
    ) -> Result<Response<CategoryQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let id = input::id("id", &request.get_ref().id)?;
        one(self.categories.by_id(id.as_str(), at).await)
    }

    async fn get_category_by_name(
        &self,
        request: Request<CategoryByNameRequest>,
    ) -> Result<Response<CategoryQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let name = CategoryName::parse("name", &request.get_ref().name)
            .map_err(|error| input::invalid(&error))?;
        one(self.categories.by_name(&name, at).await)
    }

    async fn list_categories(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = at(request.metadata())?;
        many(self.categories.all(at).await)
    }

    async fn search_categories(
        &self,
        request: Request<CategorySearchRequest>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = at(request.metadata())?;
        let term = input::term(&request.get_ref().search_term)?;
        many(self.categories.search(&term, at).await)
    }

    async fn list_categories_paginated(
        &self,
        request: Request<CategoryPaginationRequest>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = at(request.metadata())?;
        let window = input::category_page(request.into_inner())?;
        many(self.categories.page(window, at).await)
    }

    async fn get_categories_by_ids(
        &self,
        request: Request<CategoryIdsRequest>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = at(request.metadata())?;
        let ids = input::ids("ids", &request.get_ref().ids)?;
        let found = self.categories.by_ids(&ids, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|rows| list_message(&rows, false))))
    }

    async fn get_category_statistics(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<CategoryStatisticsResponse>, Status> {
        let at = at(request.metadata())?;
        let counted = self.categories.count(at).await;
        let counted = counted.map_err(|error| status(&error))?;
        Ok(reply(counted.map(|count| {
            let count = convert::count(count);
            CategoryStatisticsResponse {
                total_count: count,
                has_categories: count > 0,
                // Every row has them.
                categories_with_timestamps: count,
            }
        })))
    }

    async fn category_exists(
        &self,
        request: Request<CategoryExistsRequest>,
    ) -> Result<Response<CategoryExistsResponse>, Status> {
        let at = at(request.metadata())?;
        let id = input::id("id", &request.get_ref().id)?;
        let found = self.categories.by_id(id.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|row| CategoryExistsResponse {
            exists: row.is_some(),
        })))
    }
}
