//! Inputs of the mutations of categories.

use async_graphql::{ID, InputObject, MaybeUndefined};

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
