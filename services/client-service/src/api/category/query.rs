//! Queries of categories.

use async_graphql::{Context, ID, Object};
use contract::query::{
    CategoryConnectionRequest, CategoryPaginationRequest, CategorySearchRequest,
};
use graphql_http::{ApiError, AtMost, ConnectionOf, OpenToAnyone, SizedBy, or_null};

use super::super::argument_errors::ArgumentErrors;
use super::super::arguments;
use super::super::read::{read_error, single};
use super::super::relay::{Connection, ListScope, SliceArguments, connection};
use super::sort::CategorySort;
use super::statistics::CategoryStatistics;
use super::types::Category;
use crate::upstream::RequestContext;

/// Queries of categories.
#[derive(Debug, Default)]
pub struct CategoryQueries;

async fn by_id(context: &Context<'_>, id: ID) -> Result<Category, ApiError> {
    let scope = RequestContext::of(context)?;
    let id = arguments::id("id", &id)?;
    let answer = scope.services.category(scope, id.clone()).await;
    Category::from_row(single(answer, ("category", "id", &id))?)
}

async fn by_name(context: &Context<'_>, name: String) -> Result<Category, ApiError> {
    let scope = RequestContext::of(context)?;
    let name = arguments::category_name(&name)?;
    let answer = scope.services.category_by_name(scope, name.clone()).await;
    Category::from_row(single(answer, ("category", "name", &name))?)
}

#[Object]
impl CategoryQueries {
    /// The category with this id. Null with the error `NOT_FOUND` if there is none.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the category.")] id: ID,
    ) -> Option<Category> {
        or_null(context, by_id(context, id).await)
    }

    /// The category with exactly this name, case included. Null with the error `NOT_FOUND` if there is none.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category_by_name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The name: 1 to 100 characters.")] name: String,
    ) -> Option<Category> {
        or_null(context, by_name(context, name).await)
    }

    /// All categories, ordered by name unless `sortBy` is given. At most 500; `extensions.truncated` then says that there
    /// are more.
    #[graphql(directive = AtMost::apply(500), directive = OpenToAnyone::apply())]
    async fn categories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            CategorySort,
        >,
    ) -> Result<Vec<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let answer = match sort_by {
            None => scope.services.categories(scope).await,
            Some(sort) => {
                // Every name contains the empty term.
                let search = CategorySearchRequest {
                    search_term: String::new(),
                    sort: Some(sort.message()),
                };
                scope.services.search_categories(scope, search).await
            }
        };
        let list = answer.map_err(read_error)?;
        scope.note_truncated(list.truncated);
        Category::from_rows(scope, list.categories)
    }

    /// The categories whose name contains the term, without regard to case, ordered by name unless `sortBy` is given. At
    /// most 500; `extensions.truncated` then says that there are more.
    #[graphql(directive = AtMost::apply(500), directive = OpenToAnyone::apply())]
    async fn search_categories(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "A part of the name: at most 255 characters. `%`, `_` and `\\` have no special meaning; the empty term finds all."
        )]
        search_term: String,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            CategorySort,
        >,
    ) -> Result<Vec<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let search = CategorySearchRequest {
            search_term: arguments::search_term(search_term)?,
            sort: sort_by.map(CategorySort::message),
        };
        let answer = scope.services.search_categories(scope, search).await;
        let list = answer.map_err(read_error)?;
        scope.note_truncated(list.truncated);
        Category::from_rows(scope, list.categories)
    }

    /// A page of all categories, ordered by name unless `sortBy` is given; empty after the last one. What is created or
    /// deleted meanwhile moves the items between pages; see `categoriesConnection`.
    #[graphql(directive = SizedBy::apply("perPage", 500), directive = OpenToAnyone::apply())]
    async fn categories_paginated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The number of the page, from 1.")] page: i32,
        #[graphql(desc = "The number of items of a page: 1 to 500, else `VALIDATION_ERROR`.")]
        per_page: i32,
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            CategorySort,
        >,
    ) -> Result<Vec<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let mut errors = ArgumentErrors::default();
        let page = errors.check(arguments::at_least("page", 1, page));
        let per_page = errors.check(arguments::rows("perPage", per_page));
        let page = errors.none(CategoryPaginationRequest {
            page: page.unwrap_or_default(),
            per_page: per_page.unwrap_or_default(),
            sort: sort_by.map(CategorySort::message),
        })?;
        let answer = scope.services.categories_paginated(scope, page).await;
        Category::from_rows(scope, answer.map_err(read_error)?.categories)
    }

    /// A part of the list of all categories, ordered by name unless `sortBy` is given. Its cursors are stable while
    /// categories are created and deleted.
    #[graphql(directive = ConnectionOf::apply(100), directive = OpenToAnyone::apply())]
    async fn categories_connection(
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
        #[graphql(desc = "The order of the list. Default: by name, ascending.")] sort_by: Option<
            CategorySort,
        >,
    ) -> Result<Connection<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let order = sort_by.unwrap_or(CategorySort::DEFAULT);
        let sort = order.message();
        let arguments = (sort.field, sort.direction);
        let listed = ListScope::try_new("categories", arguments, order.columns())?;
        let slice = SliceArguments {
            first,
            after,
            last,
            before,
        };
        let count = context.look_ahead().field("totalCount").exists();
        let mut errors = ArgumentErrors::default();
        let slice = slice.of(&listed, count, &mut errors);
        let request = errors.none(CategoryConnectionRequest {
            sort: Some(sort),
            slice: Some(slice),
        })?;
        let answer = scope.services.categories_connection(scope, request).await;
        let answer = answer.map_err(read_error)?;
        scope.count_rows(&answer.edges)?;
        let edges = answer.edges.into_iter().map(|edge| {
            let category = Category::from_row(edge.category.unwrap_or_default());
            (edge.key, category)
        });
        connection(&listed, answer.page, edges)
    }

    /// Counts of all categories.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category_statistics(
        &self,
        context: &Context<'_>,
    ) -> Result<CategoryStatistics, ApiError> {
        let scope = RequestContext::of(context)?;
        let answer = scope.services.category_statistics(scope).await;
        answer.map(CategoryStatistics::from).map_err(read_error)
    }

    /// Whether there is a category with this id. No error if there is none.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category_exists(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id to look for.")] id: ID,
    ) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let id = arguments::id("id", &id)?;
        let answer = scope.services.category_exists(scope, id).await;
        answer.map_err(read_error)
    }
}
