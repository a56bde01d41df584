//! Commands and queries of categories.

use contract::proto::category_command_client::CategoryCommandClient;
use contract::proto::{self, CategoryUpParam, CategoryUpResult, Error};
use contract::query::category_query_client::CategoryQueryClient;
use contract::query::{
    Category, CategoryByNameRequest, CategoryConnectionRequest, CategoryConnectionResponse,
    CategoryExistsRequest, CategoryIdsRequest, CategoryListResponse, CategoryPaginationRequest,
    CategoryQueryRequest, CategoryQueryResponse, CategorySearchRequest, CategoryStatisticsResponse,
    Empty,
};
use event_sourcing::CommandId;
use graphql_http::ApiError;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tonic::Status;

use super::command::{CommandReply, Entity, Reply, command_reply};
use super::query::{QuerySize, row};
use super::request_context::RequestContext;
use super::services::Services;

const COMMAND: &str = "proto.CategoryCommand";
const QUERY: &str = "query.CategoryQuery";

impl Entity for proto::Category {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Reply for CategoryUpResult {
    type Entity = CommandReply<proto::Category>;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>) {
        (self.error, command_reply(self.category, self.unchanged))
    }
}

impl Services {
    pub(crate) async fn create_category(
        &self,
        by: (&RequestContext, CommandId),
        param: CategoryUpParam,
    ) -> Result<CommandReply<proto::Category>, ApiError> {
        let send =
            async |channel, request| CategoryCommandClient::new(channel).create(request).await;
        self.command(by, (COMMAND, "Create"), param, send).await
    }

    pub(crate) async fn update_category(
        &self,
        by: (&RequestContext, CommandId),
        param: CategoryUpParam,
    ) -> Result<CommandReply<proto::Category>, ApiError> {
        let send =
            async |channel, request| CategoryCommandClient::new(channel).update(request).await;
        self.command(by, (COMMAND, "Update"), param, send).await
    }

    pub(crate) async fn delete_category(
        &self,
        by: (&RequestContext, CommandId),
        param: CategoryUpParam,
    ) -> Result<CommandReply<proto::Category>, ApiError> {
        let send =
            async |channel, request| CategoryCommandClient::new(channel).delete(request).await;
        self.command(by, (COMMAND, "Delete"), param, send).await
    }
}

fn queries(channel: GrpcChannel) -> CategoryQueryClient<GrpcChannel> {
    CategoryQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

/// Queries of categories. Each fails with the status of its last try.
impl Services {
    pub(crate) async fn category(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<Category, Status> {
        let message = CategoryQueryRequest { id };
        let send = async |channel, request| queries(channel).get_category(request).await;
        let method = (QUERY, "GetCategory", QuerySize::One);
        let answer: CategoryQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.category)
    }

    pub(crate) async fn category_by_name(
        &self,
        scope: &RequestContext,
        name: String,
    ) -> Result<Category, Status> {
        let message = CategoryByNameRequest { name };
        let send = async |channel, request| queries(channel).get_category_by_name(request).await;
        let method = (QUERY, "GetCategoryByName", QuerySize::One);
        let answer: CategoryQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.category)
    }

    pub(crate) async fn categories(
        &self,
        scope: &RequestContext,
    ) -> Result<CategoryListResponse, Status> {
        let send = async |channel, request| queries(channel).list_categories(request).await;
        let method = (QUERY, "ListCategories", QuerySize::Many);
        self.read(scope, method, Empty {}, send).await
    }

    pub(crate) async fn search_categories(
        &self,
        scope: &RequestContext,
        message: CategorySearchRequest,
    ) -> Result<CategoryListResponse, Status> {
        let send = async |channel, request| queries(channel).search_categories(request).await;
        let method = (QUERY, "SearchCategories", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn categories_paginated(
        &self,
        scope: &RequestContext,
        message: CategoryPaginationRequest,
    ) -> Result<CategoryListResponse, Status> {
        let send =
            async |channel, request| queries(channel).list_categories_paginated(request).await;
        let method = (QUERY, "ListCategoriesPaginated", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn categories_connection(
        &self,
        scope: &RequestContext,
        message: CategoryConnectionRequest,
    ) -> Result<CategoryConnectionResponse, Status> {
        let send =
            async |channel, request| queries(channel).list_categories_connection(request).await;
        let method = (QUERY, "ListCategoriesConnection", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn categories_by_ids(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<CategoryListResponse, Status> {
        let message = CategoryIdsRequest { ids };
        let send = async |channel, request| queries(channel).get_categories_by_ids(request).await;
        let method = (QUERY, "GetCategoriesByIds", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn category_statistics(
        &self,
        scope: &RequestContext,
    ) -> Result<CategoryStatisticsResponse, Status> {
        let send = async |channel, request| queries(channel).get_category_statistics(request).await;
        let method = (QUERY, "GetCategoryStatistics", QuerySize::One);
        self.read(scope, method, Empty {}, send).await
    }

    pub(crate) async fn category_exists(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<bool, Status> {
        let message = CategoryExistsRequest { id };
        let send = async |channel, request| queries(channel).category_exists(request).await;
        let method = (QUERY, "CategoryExists", QuerySize::One);
        let answer = self.read(scope, method, message, send).await?;
        Ok(answer.exists)
    }
}
