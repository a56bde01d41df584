//! Inputs of the mutations of products.

use async_graphql::{Context, ID, InputObject, MaybeUndefined};
use contract::proto::{Crud, ProductUpParam};
use domain::value::{ProductName, StockLevel};
use graphql_http::{ApiError, Decimal};

use super::super::argument_errors::{ArgumentError, ArgumentErrors};
use super::super::arguments::{self, description, expected_version, valid};
use super::super::presence::{clearable, not_null};

/// The input of `createProduct`.
#[derive(Debug, InputObject)]
pub struct CreateProductInput {
    /// The name: 1 to 200 characters after white space at both ends is removed.
    pub name: String,
    /// A text of at most 1,000 characters.
    pub description: Option<String>,
    /// The price of one piece: 0.01 to 999999.99, at most two decimals.
    pub price: Decimal,
    /// The id of its category, which must exist, else `VALIDATION_ERROR`. Without it the product is in none.
    pub category_id: Option<ID>,
    /// The initial number of pieces on hand: 0 to 1,000,000,000. Null is a `VALIDATION_ERROR`.
    #[graphql(default_with = "MaybeUndefined::Value(0)")]
    pub stock_quantity: MaybeUndefined<i32>,
}

/// The input of `updateProduct`. Fields that are omitted stay as they are.
#[derive(Debug, InputObject)]
pub struct UpdateProductInput {
    /// The id of the product.
    pub id: ID,
    /// The new name: 1 to 200 characters. Null is a `VALIDATION_ERROR`.
    pub name: MaybeUndefined<String>,
    /// A text of at most 1,000 characters. Null removes it.
    pub description: MaybeUndefined<String>,
    /// The new price: 0.01 to 999999.99, at most two decimals. Null is a `VALIDATION_ERROR`.
    pub price: MaybeUndefined<Decimal>,
    /// The id of its new category, which must exist, else `VALIDATION_ERROR`. Null removes it from its category.
    pub category_id: MaybeUndefined<ID>,
    /// The change is rejected with `CONFLICT` unless the product is at this version. Null is a `VALIDATION_ERROR`.
    pub expected_version: MaybeUndefined<i32>,
}

impl CreateProductInput {
    /// The message of the command.
    ///
    /// # Errors
    /// All fields that break a rule.
    pub(super) fn into_message(self, context: &Context<'_>) -> Result<ProductUpParam, ApiError> {
        let mut errors = ArgumentErrors::default();
        let message = ProductUpParam {
            crud: Crud::Insert.into(),
            name_value: errors.check(name(self.name)),
            description: errors.check(description(self.description)).flatten(),
            price_decimal: errors.check(arguments::price(context, "price", self.price)),
            category_id_value: errors
                .check(category_id(self.category_id.as_ref()))
                .flatten(),
            stock_quantity: errors.check(stock_quantity(self.stock_quantity)),
            ..ProductUpParam::default()
        };
        errors.none(message)
    }
}

impl UpdateProductInput {
    /// The message of the command.
    ///
    /// # Errors
    /// All fields that break a rule.
    pub(super) fn into_message(self, context: &Context<'_>) -> Result<ProductUpParam, ApiError> {
        let (new_description, clear_description) = clearable(self.description);
        let (new_category, clear_category) = clearable(self.category_id);
        let mut errors = ArgumentErrors::default();
        let id = arguments::id("id", &self.id);
        let message = ProductUpParam {
            crud: Crud::Update.into(),
            id: errors.check(id).unwrap_or_default(),
            name_value: errors.check(new_name(self.name)).flatten(),
            description: errors.check(description(new_description)).flatten(),
            clear_description,
            price_decimal: errors.check(new_price(context, self.price)).flatten(),
            category_id_value: errors.check(category_id(new_category.as_ref())).flatten(),
            clear_category,
            expected_version: errors
                .check(expected_version(self.expected_version))
                .flatten(),
            ..ProductUpParam::default()
        };
        errors.none(message)
    }
}

fn name(given: String) -> Result<String, ArgumentError> {
    valid(given, |text| ProductName::parse("name", text))
}

fn new_name(given: MaybeUndefined<String>) -> Result<Option<String>, ArgumentError> {
    not_null("name", given)?.map(name).transpose()
}

fn new_price(
    context: &Context<'_>,
    given: MaybeUndefined<Decimal>,
) -> Result<Option<String>, ArgumentError> {
    let given = not_null("price", given)?;
    given
        .map(|price| arguments::price(context, "price", price))
        .transpose()
}

fn category_id(given: Option<&ID>) -> Result<Option<String>, ArgumentError> {
    arguments::optional_id("categoryId", given)
}

fn stock_quantity(given: MaybeUndefined<i32>) -> Result<i64, ArgumentError> {
    const FIELD: &str = "stockQuantity";
    let quantity = not_null(FIELD, given)?.map_or(0, i64::from);
    valid(quantity, |quantity| StockLevel::parse(FIELD, *quantity))
}
