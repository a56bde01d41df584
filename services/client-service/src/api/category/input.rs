//! Inputs of the mutations of categories.

use async_graphql::{ID, InputObject, MaybeUndefined};

/// A new category.
#[derive(Debug, InputObject)]
pub struct CreateCategoryInput {
    /// 1 to 100 characters, unique without regard to case.
    pub name: String,
    /// At most 1,000 characters.
    pub description: Option<String>,
}

/// A change of a category.
#[derive(Debug, InputObject)]
pub struct UpdateCategoryInput {
    /// The category.
    pub id: ID,
    /// 1 to 100 characters, unique without regard to case.
    pub name: String,
    /// At most 1,000 characters. Null removes it.
    pub description: MaybeUndefined<String>,
    /// Reject the change unless the category is at this version.
    pub expected_version: MaybeUndefined<i32>,
}
