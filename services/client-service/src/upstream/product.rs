//! Commands and queries of products.

use contract::proto::product_command_client::ProductCommandClient;
use contract::proto::{
    self, Error, PriceUpParam, ProductUpParam, ProductUpResult, Stock, StockUpParam, StockUpResult,
};
use contract::query::product_query_client::ProductQueryClient;
use contract::query::{
    Empty, Product, ProductByCategoryRequest, ProductByNameRequest, ProductConnectionRequest,
    ProductConnectionResponse, ProductExistsRequest, ProductIdsRequest, ProductListResponse,
    ProductPaginationRequest, ProductPriceRangeRequest, ProductQueryRequest, ProductQueryResponse,
    ProductSearchRequest, ProductStatisticsResponse, ProductWindowRequest,
    ProductsByCategoriesRequest, ProductsByCategoriesResponse,
};
use event_sourcing::CommandId;
use graphql_http::ApiError;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tonic::Status;

use super::command::{CommandReply, Entity, Reply, command_reply};
use super::query::{QuerySize, row};
use super::request_context::RequestContext;
use super::services::Services;

const COMMAND: &str = "proto.ProductCommand";
const QUERY: &str = "query.ProductQuery";

impl Entity for proto::Product {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entity for Stock {
    fn id(&self) -> &str {
        &self.product_id
    }
}

impl Reply for ProductUpResult {
    type Entity = CommandReply<proto::Product>;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>) {
        (self.error, command_reply(self.product, self.unchanged))
    }
}

impl Reply for StockUpResult {
    type Entity = Stock;
    fn parts(self) -> (Option<Error>, Option<Stock>) {
        (self.error, self.stock)
    }
}

impl Services {
    pub(crate) async fn create_product(
        &self,
        by: (&RequestContext, CommandId),
        param: ProductUpParam,
    ) -> Result<CommandReply<proto::Product>, ApiError> {
        let send =
            async |channel, request| ProductCommandClient::new(channel).create(request).await;
        self.command(by, (COMMAND, "Create"), param, send).await
    }

    pub(crate) async fn update_product(
        &self,
        by: (&RequestContext, CommandId),
        param: ProductUpParam,
    ) -> Result<CommandReply<proto::Product>, ApiError> {
        let send =
            async |channel, request| ProductCommandClient::new(channel).update(request).await;
        self.command(by, (COMMAND, "Update"), param, send).await
    }

    pub(crate) async fn delete_product(
        &self,
        by: (&RequestContext, CommandId),
        param: ProductUpParam,
    ) -> Result<CommandReply<proto::Product>, ApiError> {
        let send =
            async |channel, request| ProductCommandClient::new(channel).delete(request).await;
        self.command(by, (COMMAND, "Delete"), param, send).await
    }

    pub(crate) async fn change_price(
        &self,
        by: (&RequestContext, CommandId),
        param: PriceUpParam,
    ) -> Result<CommandReply<proto::Product>, ApiError> {
        let send = async |channel, request| {
            ProductCommandClient::new(channel)
                .change_price(request)
                .await
        };
        self.command(by, (COMMAND, "ChangePrice"), param, send)
            .await
    }

    pub(crate) async fn update_stock(
        &self,
        by: (&RequestContext, CommandId),
        param: StockUpParam,
    ) -> Result<Stock, ApiError> {
        let send = async |channel, request| {
            ProductCommandClient::new(channel)
                .update_stock(request)
                .await
        };
        self.command(by, (COMMAND, "UpdateStock"), param, send)
            .await
    }
}

fn queries(channel: GrpcChannel) -> ProductQueryClient<GrpcChannel> {
    ProductQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

/// Queries of products. Each fails with the status of its last try.
impl Services {
    pub(crate) async fn product(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<Product, Status> {
        let message = ProductQueryRequest { id };
        let send = async |channel, request| queries(channel).get_product(request).await;
        let method = (QUERY, "GetProduct", QuerySize::One);
        let answer: ProductQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.product)
    }

    pub(crate) async fn product_with_category(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<Product, Status> {
        let message = ProductQueryRequest { id };
        let send =
            async |channel, request| queries(channel).get_product_with_category(request).await;
        let method = (QUERY, "GetProductWithCategory", QuerySize::One);
        let answer: ProductQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.product)
    }

    pub(crate) async fn product_by_name(
        &self,
        scope: &RequestContext,
        name: String,
    ) -> Result<Product, Status> {
        let message = ProductByNameRequest { name };
        let send = async |channel, request| queries(channel).get_product_by_name(request).await;
        let method = (QUERY, "GetProductByName", QuerySize::One);
        let answer: ProductQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.product)
    }

    pub(crate) async fn products_window(
        &self,
        scope: &RequestContext,
        window: ProductWindowRequest,
    ) -> Result<ProductListResponse, Status> {
        let send = async |channel, request| queries(channel).list_products_window(request).await;
        let method = (QUERY, "ListProductsWindow", QuerySize::Many);
        self.read(scope, method, window, send).await
    }

    pub(crate) async fn search_products(
        &self,
        scope: &RequestContext,
        message: ProductSearchRequest,
    ) -> Result<ProductListResponse, Status> {
        let send = async |channel, request| queries(channel).search_products(request).await;
        let method = (QUERY, "SearchProducts", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_paginated(
        &self,
        scope: &RequestContext,
        message: ProductPaginationRequest,
    ) -> Result<ProductListResponse, Status> {
        let send = async |channel, request| queries(channel).list_products_paginated(request).await;
        let method = (QUERY, "ListProductsPaginated", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_category(
        &self,
        scope: &RequestContext,
        message: ProductByCategoryRequest,
    ) -> Result<ProductListResponse, Status> {
        let send =
            async |channel, request| queries(channel).get_products_by_category(request).await;
        let method = (QUERY, "GetProductsByCategory", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_categories(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
        limit: i32,
    ) -> Result<ProductsByCategoriesResponse, Status> {
        let message = ProductsByCategoriesRequest { ids, limit };
        let send =
            async |channel, request| queries(channel).get_products_by_categories(request).await;
        let method = (QUERY, "GetProductsByCategories", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_price(
        &self,
        scope: &RequestContext,
        range: ProductPriceRangeRequest,
    ) -> Result<ProductListResponse, Status> {
        let send =
            async |channel, request| queries(channel).get_products_by_price_range(request).await;
        let method = (QUERY, "GetProductsByPriceRange", QuerySize::Many);
        self.read(scope, method, range, send).await
    }

    pub(crate) async fn products_connection(
        &self,
        scope: &RequestContext,
        message: ProductConnectionRequest,
    ) -> Result<ProductConnectionResponse, Status> {
        let send =
            async |channel, request| queries(channel).list_products_connection(request).await;
        let method = (QUERY, "ListProductsConnection", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_ids(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<ProductListResponse, Status> {
        let message = ProductIdsRequest { ids };
        let send = async |channel, request| queries(channel).get_products_by_ids(request).await;
        let method = (QUERY, "GetProductsByIds", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn product_statistics(
        &self,
        scope: &RequestContext,
    ) -> Result<ProductStatisticsResponse, Status> {
        let send = async |channel, request| queries(channel).get_product_statistics(request).await;
        let method = (QUERY, "GetProductStatistics", QuerySize::One);
        self.read(scope, method, Empty {}, send).await
    }

    pub(crate) async fn product_exists(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<bool, Status> {
        let message = ProductExistsRequest { id };
        let send = async |channel, request| queries(channel).product_exists(request).await;
        let method = (QUERY, "ProductExists", QuerySize::One);
        let answer = self.read(scope, method, message, send).await?;
        Ok(answer.exists)
    }
}
