//! Inputs of the mutations of categories.

use async_graphql::{ID, InputObject, MaybeUndefined};
use contract::proto::{CategoryUpParam, Crud};
use domain::value::CategoryName;
use graphql_http::ApiError;

use super::super::argument_errors::ArgumentErrors;
use super::super::arguments::{self, description, expected_version, valid};
use super::super::presence::clearable;

/// The input of `createCategory`.
#[derive(Debug, InputObject)]
pub struct CreateCategoryInput {
    /// The name: 1 to 100 characters after white space at both ends is removed, unique without regard to case.
    pub name: String,
    /// A text of at most 1,000 characters.
    pub description: Option<String>,
}

/// The input of `updateCategory`. Optional fields that are omitted stay as they are.
#[derive(Debug, InputObject)]
pub struct UpdateCategoryInput {
    /// The id of the category.
    pub id: ID,
    /// The new name, or the present one: 1 to 100 characters, unique without regard to case.
    pub name: String,
    /// A text of at most 1,000 characters. Null removes it.
    pub description: MaybeUndefined<String>,
    /// The change is rejected with `CONFLICT` unless the category is at this version. Null is a `VALIDATION_ERROR`.
    pub expected_version: MaybeUndefined<i32>,
}

impl UpdateCategoryInput {
    /// The message of the command.
    ///
    /// # Errors
    /// All fields that break a rule.
    pub(super) fn into_message(self) -> Result<CategoryUpParam, ApiError> {
        let (new_description, clear_description) = clearable(self.description);
        let mut errors = ArgumentErrors::default();
        let id = arguments::id("id", &self.id);
        let name = valid(self.name, |text| CategoryName::parse("name", text));
        let message = CategoryUpParam {
            crud: Crud::Update.into(),
            id: errors.check(id).unwrap_or_default(),
            name_value: errors.check(name),
            description: errors.check(description(new_description)).flatten(),
            clear_description,
            expected_version: errors
                .check(expected_version(self.expected_version))
                .flatten(),
            ..CategoryUpParam::default()
        };
        errors.none(message)
    }
}
