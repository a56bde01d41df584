//! Mutations of products.

use async_graphql::{Context, ID, Object};
use contract::proto::{Crud, PriceUpParam, ProductUpParam, StockUpParam};
use graphql_http::{ApiError, Decimal, ForAdmins};

use super::super::argument_errors::ArgumentErrors;
use super::super::arguments;
use super::input::{CreateProductInput, UpdateProductInput};
use super::types::Product;
use crate::upstream::RequestContext;

/// Mutations of products.
#[derive(Debug, Default)]
pub struct ProductMutations;

#[Object]
impl ProductMutations {
    /// Creates a product and returns it. `VALIDATION_ERROR` if a value breaks its rule or there is no such category.
    #[graphql(directive = ForAdmins::apply())]
    async fn create_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The values of the new product.")] input: CreateProductInput,
    ) -> Result<Product, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = input.into_message(context)?;
        let by = (scope, scope.command_id(context));
        Product::from_reply(scope.services.create_product(by, param).await?)
    }

    /// Changes a product and returns it. A change to the present values succeeds and counts as no change. `NOT_FOUND` if
    /// there is no such product, `CONFLICT` if `expectedVersion` is not the present version.
    #[graphql(directive = ForAdmins::apply())]
    async fn update_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The product and its new values.")] input: UpdateProductInput,
    ) -> Result<Product, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = input.into_message(context)?;
        let by = (scope, scope.command_id(context));
        Product::from_reply(scope.services.update_product(by, param).await?)
    }

    /// Changes a product's price and returns the product. `VALIDATION_ERROR` for a price out of range, `NOT_FOUND` if there is
    /// no such product.
    #[graphql(directive = ForAdmins::apply())]
    async fn change_product_price(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] id: ID,
        #[graphql(desc = "The new price: 0.01 to 999999.99, at most two decimals.")]
        new_price: Decimal,
        #[graphql(
            desc = "Why it changes, for audit: at most 1,000 characters. It is stored with the event and not shown by this API."
        )]
        reason: Option<String>,
    ) -> Result<Product, ApiError> {
        let scope = RequestContext::of(context)?;
        let mut errors = ArgumentErrors::default();
        let id = errors.check(arguments::id("id", &id));
        let new_price = errors.check(arguments::price(context, "newPrice", new_price));
        let reason = errors.check(arguments::reason(reason));
        let param = errors.none(PriceUpParam {
            id: id.unwrap_or_default(),
            new_price: new_price.unwrap_or_default(),
            reason: reason.flatten(),
        })?;
        let by = (scope, scope.command_id(context));
        Product::from_reply(scope.services.change_price(by, param).await?)
    }

    /// Sets the number of pieces on hand and returns the product. `NOT_FOUND` if there is no such product, `CONFLICT` if more
    /// are reserved for orders.
    #[graphql(directive = ForAdmins::apply())]
    async fn update_stock(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] product_id: ID,
        #[graphql(
            desc = "The number of pieces on hand: 0 to 1,000,000,000, not fewer than are reserved."
        )]
        quantity: i32,
    ) -> Result<Product, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = StockUpParam {
            product_id: product_id.0,
            quantity: quantity.into(),
        };
        let by = (scope, scope.command_id(context));
        Ok(Product::from_stock(
            scope.services.update_stock(by, param).await?,
        ))
    }

    /// Deletes a product and returns true. `NOT_FOUND` if there is no such product. Orders that contain it stay as they are,
    /// with its name and price.
    #[graphql(directive = ForAdmins::apply())]
    async fn delete_product(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the product.")] id: ID,
    ) -> Result<bool, ApiError> {
        let scope = RequestContext::of(context)?;
        let param = ProductUpParam {
            crud: Crud::Delete.into(),
            id: id.0,
            ..ProductUpParam::default()
        };
        let by = (scope, scope.command_id(context));
        scope.services.delete_product(by, param).await?;
        Ok(true)
    }
}
