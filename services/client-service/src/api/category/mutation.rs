//! Mutations of categories.

use async_graphql::{Context, ID, Object};
use contract::proto::{CategoryUpParam, Crud};
use graphql_http::{ApiError, ForAdmins};

use super::input::{CreateCategoryInput, UpdateCategoryInput};
use super::types::Category;
use crate::upstream::RequestContext;

/// Mutations of categories.
#[derive(Debug, Default)]
pub struct CategoryMutations;

#[Object]
impl CategoryMutations {
    /// Creates a category and returns it. `VALIDATION_ERROR` if a value breaks its rule, `CONFLICT` if the name is in use.
    #[graphql(directive = ForAdmins::apply())]
    async fn create_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The values of the new category.")] input: CreateCategoryInput,
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

    /// Changes a category and returns it. A change to the present values succeeds and counts as no change. `NOT_FOUND` if
    /// there is no such category, `CONFLICT` if the name is in use or `expectedVersion` is not the present one.
    #[graphql(directive = ForAdmins::apply())]
    async fn update_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The category and its new values.")] input: UpdateCategoryInput,
    ) -> Result<Category, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = input.into_message()?;
        let by = (scope, scope.command_id(context));
        Category::from_reply(scope.services.update_category(by, param).await?)
    }

    /// Deletes a category and returns true. `NOT_FOUND` if there is no such category, `CONFLICT` while it has products. Its
    /// name may be used again.
    #[graphql(directive = ForAdmins::apply())]
    async fn delete_category(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the category.")] id: ID,
    ) -> Result<bool, ApiError> {
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
