//! Mutations of categories.

use async_graphql::{Context, ID, Object};
use contract::proto::{CategoryUpParam, Crud};
use graphql_http::ApiError;

use super::super::presence::{clearable, not_null};
use super::input::{CreateCategoryInput, UpdateCategoryInput};
use super::types::Category;
use crate::upstream::RequestContext;

/// Mutations of categories.
#[derive(Debug, Default)]
pub struct CategoryMutations;

#[Object]
impl CategoryMutations {
    /// Creates a category.
    async fn create_category(
        &self,
        context: &Context<'_>,
        input: CreateCategoryInput,
    ) -> Result<Category, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = CategoryUpParam {
            crud: Crud::Insert.into(),
            name_value: Some(input.name),
            description: input.description,
            ..CategoryUpParam::default()
        };
        let by = (scope, scope.command_id(context));
        Category::from_reply(scope.services.create_category(by, param).await?)
    }

    /// Changes a category.
    async fn update_category(
        &self,
        context: &Context<'_>,
        input: UpdateCategoryInput,
    ) -> Result<Category, ApiError> {
        let scope = RequestContext::of(context)?;
        let (description, clear_description) = clearable(input.description);
        let expected_version = not_null("expectedVersion", input.expected_version)?;
        let param = CategoryUpParam {
            crud: Crud::Update.into(),
            id: input.id.0,
            name_value: Some(input.name),
            description,
            clear_description,
            expected_version: expected_version.map(i64::from),
            ..CategoryUpParam::default()
        };
        let by = (scope, scope.command_id(context));
        Category::from_reply(scope.services.update_category(by, param).await?)
    }

    /// Deletes a category without products.
    async fn delete_category(&self, context: &Context<'_>, id: ID) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = CategoryUpParam {
            crud: Crud::Delete.into(),
            id: id.0,
            ..CategoryUpParam::default()
        };
        let by = (scope, scope.command_id(context));
        scope.services.delete_category(by, param).await?;
        Ok(true)
    }
}
