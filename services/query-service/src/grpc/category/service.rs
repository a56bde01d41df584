//! `query.CategoryQuery`.

use std::sync::Arc;

use contract::query::category_query_server::CategoryQuery;
use contract::query::{
    CategoryByNameRequest, CategoryConnectionRequest, CategoryConnectionResponse,
    CategoryExistsRequest, CategoryExistsResponse, CategoryIdsRequest, CategoryListResponse,
    CategoryPaginationRequest, CategoryQueryRequest, CategoryQueryResponse, CategorySearchRequest,
    CategoryStatisticsResponse, Empty,
};
use domain::value::CategoryName;
use tonic::{Request, Response, Status};

use super::super::input::{id, ids, invalid};
use super::super::reply::count;
use super::super::request::{answer, not_found, read_options, status};
use super::{input, reply};
use crate::projections::CategoryRow;
use crate::queries::{CategoryQueries, CategorySearch, List, ReadError, ReadResult, Row};

pub(in crate::grpc) struct CategoryApi {
    categories: Arc<CategoryQueries>,
}

impl CategoryApi {
    pub(in crate::grpc) fn new(categories: Arc<CategoryQueries>) -> Self {
        Self { categories }
    }
}

fn one(
    found: Result<ReadResult<Row<CategoryRow>>, ReadError>,
) -> Result<Response<CategoryQueryResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    let Some(row) = found.value else {
        return Err(not_found("there is no such category", found.position));
    };
    Ok(answer(ReadResult {
        value: CategoryQueryResponse {
            category: Some(reply::category(&row)),
        },
        position: found.position,
    }))
}

fn many(
    found: Result<ReadResult<Arc<List<CategoryRow>>>, ReadError>,
) -> Result<Response<CategoryListResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    Ok(answer(
        found.map(|list| reply::list(&list.rows, list.is_truncated)),
    ))
}

#[tonic::async_trait]
impl CategoryQuery for CategoryApi {
    async fn get_category(
        &self,
        request: Request<CategoryQueryRequest>,
    ) -> Result<Response<CategoryQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        one(self.categories.by_id(id.as_str(), at).await)
    }

    async fn get_category_by_name(
        &self,
        request: Request<CategoryByNameRequest>,
    ) -> Result<Response<CategoryQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let name = CategoryName::parse("name", &request.get_ref().name)
            .map_err(|error| invalid(&error))?;
        one(self.categories.by_name(&name, at).await)
    }

    async fn list_categories(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = read_options(request.metadata())?;
        many(self.categories.search(&CategorySearch::default(), at).await)
    }

    async fn search_categories(
        &self,
        request: Request<CategorySearchRequest>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let search = input::search(request.get_ref())?;
        many(self.categories.search(&search, at).await)
    }

    async fn list_categories_paginated(
        &self,
        request: Request<CategoryPaginationRequest>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let search = input::page(request.get_ref())?;
        many(self.categories.search(&search, at).await)
    }

    async fn get_categories_by_ids(
        &self,
        request: Request<CategoryIdsRequest>,
    ) -> Result<Response<CategoryListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let ids = ids("ids", &request.get_ref().ids)?;
        let found = self.categories.by_ids(&ids, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|rows| reply::list(&rows, false))))
    }

    async fn get_category_statistics(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<CategoryStatisticsResponse>, Status> {
        let at = read_options(request.metadata())?;
        let counted = self.categories.count(at).await;
        let counted = counted.map_err(|error| status(&error))?;
        Ok(answer(counted.map(|count| {
            let count = self::count(count);
            CategoryStatisticsResponse {
                total_count: count,
                has_categories: count > 0,
                // Every row has timestamps.
                categories_with_timestamps: count,
            }
        })))
    }

    async fn category_exists(
        &self,
        request: Request<CategoryExistsRequest>,
    ) -> Result<Response<CategoryExistsResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        let found = self.categories.by_id(id.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|row| CategoryExistsResponse {
            exists: row.is_some(),
        })))
    }

    async fn list_categories_connection(
        &self,
        request: Request<CategoryConnectionRequest>,
    ) -> Result<Response<CategoryConnectionResponse>, Status> {
        let at = read_options(request.metadata())?;
        let (sort, slice) = input::connection(request.into_inner())?;
        let found = self.categories.connection(sort, &slice, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(
            found.map(|part| reply::connection(&part, slice.size)),
        ))
    }
}
