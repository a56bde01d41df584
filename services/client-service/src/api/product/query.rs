//! Queries of products.

use async_graphql::{Context, ID, Object};
use contract::query::{
    ProductByCategoryRequest, ProductConnectionRequest, ProductListResponse,
    ProductPaginationRequest, ProductPriceRangeRequest, ProductSearchRequest, ProductWindowRequest,
};
use graphql_http::{ApiError, AtMost, ConnectionOf, OpenToAnyone, SizedBy, or_null};

use super::super::argument_errors::ArgumentErrors;
use super::super::arguments;
use super::super::read::{read_error, single};
use super::super::relay::{Connection, ListScope, SliceArguments, connection};
use super::sort::ProductSort;
use super::statistics::ProductStatistics;
use super::types::Product;
use crate::upstream::RequestContext;

/// Queries of products.
#[derive(Debug, Default)]
pub struct ProductQueries;

async fn by_id(context: &Context<'_>, id: ID) -> Result<Product, ApiError> {
    let scope = RequestContext::of(context)?;
    let id = arguments::id("id", &id)?;
    // One call instead of two if the category is requested as well.
    let answer = if context.look_ahead().field("category").exists() {
        scope
            .services
            .product_with_category(scope, id.clone())
            .await
    } else {
        scope.services.product(scope, id.clone()).await
    };
    Product::from_row(single(answer, ("product", "id", &id))?)
}

async fn by_name(context: &Context<'_>, name: String) -> Result<Product, ApiError> {
    let scope = RequestContext::of(context)?;
    let name = arguments::product_name(&name)?;
    let answer = scope.services.product_by_name(scope, name.clone()).await;
    Product::from_row(single(answer, ("product", "name", &name))?)
}

fn list(
    scope: &RequestContext,
    answer: Result<ProductListResponse, tonic::Status>,
) -> Result<Vec<Product>, ApiError> {
    let list = answer.map_err(read_error)?;
    scope.note_truncated(list.truncated);
    Product::from_rows(scope, list.products)
}

/// A page, which is never marked as truncated.
fn page(
    scope: &RequestContext,
    answer: Result<ProductListResponse, tonic::Status>,
) -> Result<Vec<Product>, ApiError> {
    Product::from_rows(scope, answer.map_err(read_error)?.products)
}

#[Object]
impl ProductQueries {
    /// The product with this id. Null with the error `NOT_FOUND` if there is none.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] id: ID,
    ) -> Option<Product> {
        or_null(context, by_id(context, id).await)
    }

    /// A product with exactly this name, case included; the one with the lowest id if there are several. Null with the error
    /// `NOT_FOUND` if there is none.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product_by_name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The name: 1 to 200 characters.")] name: String,
    ) -> Option<Product> {
        or_null(context, by_name(context, name).await)
    }

    /// The products of one category or of all, ordered by name unless `sortBy` is given. What is created or deleted meanwhile
    /// moves the items; see `productsConnection`.
    #[graphql(directive = SizedBy::apply("limit", 100), directive = OpenToAnyone::apply())]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only products of this category. Without it all.")] category_id: Option<
            ID,
        >,
        #[graphql(
            desc = "The maximum number of items: 1 to 500, else `VALIDATION_ERROR`. Default 100."
        )]
        limit: Option<i32>,
        #[graphql(desc = "The number of items to skip, from 0. Default 0.")] offset: Option<i32>,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            ProductSort,
        >,
    ) -> Result<Vec<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        let mut errors = ArgumentErrors::default();
        let category_id = arguments::optional_id("categoryId", category_id.as_ref());
        let category_id = errors.check(category_id);
        let limit = errors.check(arguments::limit(limit));
        let offset = errors.check(arguments::offset(offset));
        let window = errors.none(ProductWindowRequest {
            category_id: category_id.flatten(),
            limit,
            offset: offset.unwrap_or_default(),
            sort: sort_by.map(ProductSort::message),
        })?;
        page(scope, scope.services.products_window(scope, window).await)
    }

    /// A part of the list of products, of one category or of all, ordered by name unless `sortBy` is given. Its cursors are
    /// stable while products are created and deleted.
    #[graphql(directive = ConnectionOf::apply(100), directive = OpenToAnyone::apply())]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn products_connection(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "The maximum number of items, from the start of the list or after `after`: 1 to 100. Exactly one of `first` and `last` is required."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Only items after the one with this cursor. `VALIDATION_ERROR` if another list, filter or order returned it."
        )]
        after: Option<String>,
        #[graphql(
            desc = "The maximum number of items, from the end of the list or before `before`: 1 to 100."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Only items before the one with this cursor. `VALIDATION_ERROR` if another list, filter or order returned it."
        )]
        before: Option<String>,
        #[graphql(desc = "Only products of this category. Without it all.")] category_id: Option<
            ID,
        >,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            ProductSort,
        >,
    ) -> Result<Connection<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        let order = sort_by.unwrap_or(ProductSort::DEFAULT);
        let sort = order.message();
        let filter = category_id.as_ref().map(|id| id.as_str());
        let arguments = (filter, sort.field, sort.direction);
        let listed = ListScope::try_new("products", arguments, order.columns())?;
        let slice = SliceArguments {
            first,
            after,
            last,
            before,
        };
        let count = context.look_ahead().field("totalCount").exists();
        let mut errors = ArgumentErrors::default();
        let slice = slice.of(&listed, count, &mut errors);
        let category_id = arguments::optional_id("categoryId", category_id.as_ref());
        let category_id = errors.check(category_id);
        let request = errors.none(ProductConnectionRequest {
            category_id: category_id.flatten(),
            sort: Some(sort),
            slice: Some(slice),
        })?;
        let answer = scope.services.products_connection(scope, request).await;
        let answer = answer.map_err(read_error)?;
        scope.count_rows(&answer.edges)?;
        let edges = answer.edges.into_iter().map(|edge| {
            let product = Product::from_row(edge.product.unwrap_or_default());
            (edge.key, product)
        });
        connection(&listed, answer.page, edges)
    }

    /// The products whose name contains the term, without regard to case, ordered by name unless `sortBy` is given. At most
    /// 500; `extensions.truncated` then says that there are more.
    #[graphql(directive = AtMost::apply(500), directive = OpenToAnyone::apply())]
    async fn search_products(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "A part of the name: at most 255 characters. `%`, `_` and `\\` have no special meaning; the empty term finds all."
        )]
        search_term: String,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            ProductSort,
        >,
    ) -> Result<Vec<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        let search = ProductSearchRequest {
            search_term: arguments::search_term(search_term)?,
            sort: sort_by.map(ProductSort::message),
        };
        list(scope, scope.services.search_products(scope, search).await)
    }

    /// A page of all products, ordered by name unless `sortBy` is given; empty after the last one. What is created or deleted
    /// meanwhile moves the items between pages; see `productsConnection`.
    #[graphql(directive = SizedBy::apply("perPage", 500), directive = OpenToAnyone::apply())]
    async fn products_paginated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The number of the page, from 1.")] page: i32,
        #[graphql(desc = "The number of items of a page: 1 to 500, else `VALIDATION_ERROR`.")]
        per_page: i32,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            ProductSort,
        >,
    ) -> Result<Vec<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        let mut errors = ArgumentErrors::default();
        let page = errors.check(arguments::at_least("page", 1, page));
        let per_page = errors.check(arguments::rows("perPage", per_page));
        let request = errors.none(ProductPaginationRequest {
            page: page.unwrap_or_default(),
            per_page: per_page.unwrap_or_default(),
            sort: sort_by.map(ProductSort::message),
        })?;
        self::page(
            scope,
            scope.services.products_paginated(scope, request).await,
        )
    }

    /// The products of a category, ordered by name unless `sortBy` is given; empty if there is no such category. At most 500;
    /// `extensions.truncated` then says that there are more.
    #[graphql(directive = AtMost::apply(500), directive = OpenToAnyone::apply())]
    async fn products_by_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the category.")] category_id: ID,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            ProductSort,
        >,
    ) -> Result<Vec<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        let of = ProductByCategoryRequest {
            category_id: arguments::id("categoryId", &category_id)?,
            sort: sort_by.map(ProductSort::message),
        };
        list(scope, scope.services.products_by_category(scope, of).await)
    }

    /// The products with a price in this range, both bounds included, ordered by price unless `sortBy` is given. At most 500;
    /// `extensions.truncated` then says that there are more.
    #[graphql(directive = AtMost::apply(500), directive = OpenToAnyone::apply())]
    async fn products_by_price_range(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The lowest price. `VALIDATION_ERROR` if it is above `maxPrice`.")]
        min_price: f64,
        #[graphql(desc = "The highest price.")] max_price: f64,
        #[graphql(desc = "The order of the list. Default: by price, ascending.")] sort_by: Option<
            ProductSort,
        >,
    ) -> Result<Vec<Product>, ApiError> {
        let scope = RequestContext::of(context)?;
        if min_price > max_price {
            let (low, high) = (min_price.to_string(), max_price.to_string());
            let low = arguments::as_written(context, &low);
            let high = arguments::as_written(context, &high);
            let rule = format!("must not be above maxPrice {high}, got {low}");
            return Err(ApiError::invalid("minPrice", rule));
        }
        let range = ProductPriceRangeRequest {
            min_price,
            max_price,
            min_price_decimal: Some(arguments::price_limit(min_price)),
            max_price_decimal: Some(arguments::price_limit(max_price)),
            sort: sort_by.map(ProductSort::message),
        };
        list(scope, scope.services.products_by_price(scope, range).await)
    }

    /// Counts and prices of all products.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product_statistics(
        &self,
        context: &Context<'_>,
    ) -> Result<ProductStatistics, ApiError> {
        let scope = RequestContext::of(context)?;
        let answer = scope.services.product_statistics(scope).await;
        ProductStatistics::from_row(&answer.map_err(read_error)?)
    }

    /// Whether there is a product with this id. No error if there is none.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn product_exists(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id to look for.")] id: ID,
    ) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let id = arguments::id("id", &id)?;
        let answer = scope.services.product_exists(scope, id).await;
        answer.map_err(read_error)
    }
}
