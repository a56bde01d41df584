//! Reads.

use contract::query::category_query_client::CategoryQueryClient;
use contract::query::product_query_client::ProductQueryClient;
use contract::query::{
    Category, CategoryByNameRequest, CategoryExistsRequest, CategoryIdsRequest,
    CategoryListResponse, CategoryPaginationRequest, CategoryQueryRequest, CategoryQueryResponse,
    CategorySearchRequest, CategoryStatisticsResponse, Empty, Product, ProductByCategoryRequest,
    ProductByNameRequest, ProductExistsRequest, ProductIdsRequest, ProductListResponse,
    ProductPaginationRequest, ProductPriceRangeRequest, ProductQueryRequest, ProductQueryResponse,
    ProductSearchRequest, ProductStatisticsResponse, ProductWindowRequest,
    ProductsByCategoriesRequest, ProductsByCategoriesResponse,
};
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tonic::{Code, Request, Status};

use super::Services;
use super::call::{Answered, Method, call};
use super::policy::Tries;
use super::request_context::RequestContext;
use crate::errors::Effect;

const CATEGORY: &str = "query.CategoryQuery";
const PRODUCT: &str = "query.ProductQuery";

/// How many things a method reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reads {
    /// One, or a count.
    One,
    /// A list.
    Many,
}

impl Services {
    /// Reads at the position that the request must see.
    pub(super) async fn read<M, R, F>(
        &self,
        scope: &RequestContext,
        (service, name, reads): (&'static str, &'static str, Reads),
        message: M,
        send: impl Fn(GrpcChannel, Request<M>) -> F,
    ) -> Result<R, Status>
    where
        M: Clone,
        F: Future<Output = Answered<R>>,
    {
        let method = Method {
            service,
            name,
            effect: Effect::Read,
        };
        let tries: Tries = match reads {
            Reads::One => self.policy().read,
            Reads::Many => self.policy().list,
        };
        let request = || {
            let mut request = Request::new(message.clone());
            scope.annotate_read(request.metadata_mut());
            request
        };
        let send = |request| send(self.channels().query.clone(), request);
        match call(method, tries, request, send).await {
            Ok(answer) => {
                scope.read_at(answer.metadata());
                Ok(answer.into_inner())
            }
            Err(status) => {
                // "Not there" is also an answer from some checkpoint. "Behind" names one too, but answers nothing.
                if status.code() == Code::NotFound {
                    scope.read_at(status.metadata());
                }
                Err(status)
            }
        }
    }
}

fn categories(channel: GrpcChannel) -> CategoryQueryClient<GrpcChannel> {
    CategoryQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

fn products(channel: GrpcChannel) -> ProductQueryClient<GrpcChannel> {
    ProductQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

/// The row of a single answer. A service that answers OK without one has a fault.
pub(super) fn row<T>(row: Option<T>) -> Result<T, Status> {
    row.ok_or_else(|| Status::internal("an answer without its row"))
}

/// Reads about categories. Each fails with the status of its last try.
impl Services {
    pub(crate) async fn category(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<Category, Status> {
        let message = CategoryQueryRequest { id };
        let send = async |channel, request| categories(channel).get_category(request).await;
        let method = (CATEGORY, "GetCategory", Reads::One);
        let answer: CategoryQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.category)
    }

    pub(crate) async fn category_by_name(
        &self,
        scope: &RequestContext,
        name: String,
    ) -> Result<Category, Status> {
        let message = CategoryByNameRequest { name };
        let send = async |channel, request| categories(channel).get_category_by_name(request).await;
        let method = (CATEGORY, "GetCategoryByName", Reads::One);
        let answer: CategoryQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.category)
    }

    pub(crate) async fn categories(
        &self,
        scope: &RequestContext,
    ) -> Result<CategoryListResponse, Status> {
        let send = async |channel, request| categories(channel).list_categories(request).await;
        let method = (CATEGORY, "ListCategories", Reads::Many);
        self.read(scope, method, Empty {}, send).await
    }

    pub(crate) async fn search_categories(
        &self,
        scope: &RequestContext,
        search_term: String,
    ) -> Result<CategoryListResponse, Status> {
        let message = CategorySearchRequest { search_term };
        let send = async |channel, request| categories(channel).search_categories(request).await;
        let method = (CATEGORY, "SearchCategories", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn categories_paginated(
        &self,
        scope: &RequestContext,
        page: i32,
        per_page: i32,
    ) -> Result<CategoryListResponse, Status> {
        let message = CategoryPaginationRequest { page, per_page };
        let send =
            async |channel, request| categories(channel).list_categories_paginated(request).await;
        let method = (CATEGORY, "ListCategoriesPaginated", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn categories_by_ids(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<CategoryListResponse, Status> {
        let message = CategoryIdsRequest { ids };
        let send =
            async |channel, request| categories(channel).get_categories_by_ids(request).await;
        let method = (CATEGORY, "GetCategoriesByIds", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn category_statistics(
        &self,
        scope: &RequestContext,
    ) -> Result<CategoryStatisticsResponse, Status> {
        let send =
            async |channel, request| categories(channel).get_category_statistics(request).await;
        let method = (CATEGORY, "GetCategoryStatistics", Reads::One);
        self.read(scope, method, Empty {}, send).await
    }

    pub(crate) async fn category_exists(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<bool, Status> {
        let message = CategoryExistsRequest { id };
        let send = async |channel, request| categories(channel).category_exists(request).await;
        let method = (CATEGORY, "CategoryExists", Reads::One);
        let answer = self.read(scope, method, message, send).await?;
        Ok(answer.exists)
    }
}

/// Reads about products. Each fails with the status of its last try.
impl Services {
    pub(crate) async fn product(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<Product, Status> {
        let message = ProductQueryRequest { id };
        let send = async |channel, request| products(channel).get_product(request).await;
        let method = (PRODUCT, "GetProduct", Reads::One);
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
            async |channel, request| products(channel).get_product_with_category(request).await;
        let method = (PRODUCT, "GetProductWithCategory", Reads::One);
        let answer: ProductQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.product)
    }

    pub(crate) async fn product_by_name(
        &self,
        scope: &RequestContext,
        name: String,
    ) -> Result<Product, Status> {
        let message = ProductByNameRequest { name };
        let send = async |channel, request| products(channel).get_product_by_name(request).await;
        let method = (PRODUCT, "GetProductByName", Reads::One);
        let answer: ProductQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.product)
    }

    pub(crate) async fn products_window(
        &self,
        scope: &RequestContext,
        window: ProductWindowRequest,
    ) -> Result<ProductListResponse, Status> {
        let send = async |channel, request| products(channel).list_products_window(request).await;
        let method = (PRODUCT, "ListProductsWindow", Reads::Many);
        self.read(scope, method, window, send).await
    }

    pub(crate) async fn search_products(
        &self,
        scope: &RequestContext,
        search_term: String,
    ) -> Result<ProductListResponse, Status> {
        let message = ProductSearchRequest { search_term };
        let send = async |channel, request| products(channel).search_products(request).await;
        let method = (PRODUCT, "SearchProducts", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_paginated(
        &self,
        scope: &RequestContext,
        page: i32,
        per_page: i32,
    ) -> Result<ProductListResponse, Status> {
        let message = ProductPaginationRequest { page, per_page };
        let send =
            async |channel, request| products(channel).list_products_paginated(request).await;
        let method = (PRODUCT, "ListProductsPaginated", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_category(
        &self,
        scope: &RequestContext,
        category_id: String,
    ) -> Result<ProductListResponse, Status> {
        let message = ProductByCategoryRequest { category_id };
        let send =
            async |channel, request| products(channel).get_products_by_category(request).await;
        let method = (PRODUCT, "GetProductsByCategory", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_categories(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<ProductsByCategoriesResponse, Status> {
        let message = ProductsByCategoriesRequest { ids, limit: 0 };
        let send =
            async |channel, request| products(channel).get_products_by_categories(request).await;
        let method = (PRODUCT, "GetProductsByCategories", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn products_by_price(
        &self,
        scope: &RequestContext,
        range: ProductPriceRangeRequest,
    ) -> Result<ProductListResponse, Status> {
        let send =
            async |channel, request| products(channel).get_products_by_price_range(request).await;
        let method = (PRODUCT, "GetProductsByPriceRange", Reads::Many);
        self.read(scope, method, range, send).await
    }

    pub(crate) async fn products_by_ids(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<ProductListResponse, Status> {
        let message = ProductIdsRequest { ids };
        let send = async |channel, request| products(channel).get_products_by_ids(request).await;
        let method = (PRODUCT, "GetProductsByIds", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn product_statistics(
        &self,
        scope: &RequestContext,
    ) -> Result<ProductStatisticsResponse, Status> {
        let send = async |channel, request| products(channel).get_product_statistics(request).await;
        let method = (PRODUCT, "GetProductStatistics", Reads::One);
        self.read(scope, method, Empty {}, send).await
    }

    pub(crate) async fn product_exists(
        &self,
        scope: &RequestContext,
        id: String,
    ) -> Result<bool, Status> {
        let message = ProductExistsRequest { id };
        let send = async |channel, request| products(channel).product_exists(request).await;
        let method = (PRODUCT, "ProductExists", Reads::One);
        let answer = self.read(scope, method, message, send).await?;
        Ok(answer.exists)
    }
}
