//! Queries of categories.

use async_graphql::{Context, ID, Object};
use graphql_http::{ApiError, AtMost, SizedBy, or_null};

use super::super::arguments;
use super::super::read::{read_error, single};
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
    /// The category with this id.
    async fn category(&self, context: &Context<'_>, id: ID) -> Option<Category> {
        or_null(context, by_id(context, id).await)
    }

    /// The category with exactly this name.
    async fn category_by_name(&self, context: &Context<'_>, name: String) -> Option<Category> {
        or_null(context, by_name(context, name).await)
    }

    /// All categories, ordered by name; at most 500.
    #[graphql(directive = AtMost::apply(500))]
    async fn categories(&self, context: &Context<'_>) -> Result<Vec<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let list = scope.services.categories(scope).await.map_err(read_error)?;
        scope.note_truncated(list.truncated);
        Category::from_rows(scope, list.categories)
    }

    /// The categories whose name contains the term, without regard to case; at most 500.
    #[graphql(directive = AtMost::apply(500))]
    async fn search_categories(
        &self,
        context: &Context<'_>,
        search_term: String,
    ) -> Result<Vec<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let term = arguments::search_term(search_term)?;
        let answer = scope.services.search_categories(scope, term).await;
        let list = answer.map_err(read_error)?;
        scope.note_truncated(list.truncated);
        Category::from_rows(scope, list.categories)
    }

    /// A page of all categories, ordered by name. Pages start at 1 and have 1 to 500 rows.
    #[graphql(directive = SizedBy::apply("perPage", 500))]
    async fn categories_paginated(
        &self,
        context: &Context<'_>,
        page: i32,
        per_page: i32,
    ) -> Result<Vec<Category>, ApiError> {
        let scope = RequestContext::of(context)?;
        let page = arguments::at_least("page", 1, page)?;
        let per_page = arguments::rows("perPage", per_page)?;
        let answer = scope
            .services
            .categories_paginated(scope, page, per_page)
            .await;
        Category::from_rows(scope, answer.map_err(read_error)?.categories)
    }

    /// Counts of all categories.
    async fn category_statistics(
        &self,
        context: &Context<'_>,
    ) -> Result<CategoryStatistics, ApiError> {
        let scope = RequestContext::of(context)?;
        let answer = scope.services.category_statistics(scope).await;
        answer.map(CategoryStatistics::from).map_err(read_error)
    }

    /// Whether there is a category with this id.
    async fn category_exists(&self, context: &Context<'_>, id: ID) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let id = arguments::id("id", &id)?;
        let answer = scope.services.category_exists(scope, id).await;
        answer.map_err(read_error)
    }
}
