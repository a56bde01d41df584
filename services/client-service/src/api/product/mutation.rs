//! Mutations of products.

use async_graphql::{Context, ID, Object};
use contract::proto::{Crud, PriceUpParam, ProductUpParam, StockUpParam};
use graphql_http::{ApiError, Decimal, ForAdmins};

use super::super::arguments;
use super::super::presence::{clearable, not_null};
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
        let stock_quantity = not_null("stockQuantity", input.stock_quantity)?;
        let param = ProductUpParam {
            crud: Crud::Insert.into(),
            name_value: Some(input.name),
            description: input.description,
            price_decimal: Some(arguments::price(context, "price", input.price)?),
            category_id_value: input.category_id.map(|id| id.0),
            stock_quantity: Some(stock_quantity.map_or(0, i64::from)),
            ..ProductUpParam::default()
        };
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
        let (description, clear_description) = clearable(input.description);
        let (category_id, clear_category) = clearable(input.category_id);
        let expected_version = not_null("expectedVersion", input.expected_version)?;
        let param = ProductUpParam {
            crud: Crud::Update.into(),
            id: input.id.0,
            name_value: not_null("name", input.name)?,
            price_decimal: not_null("price", input.price)?
                .map(|price| arguments::price(context, "price", price))
                .transpose()?,
            description,
            clear_description,
            category_id_value: category_id.map(|id| id.0),
            clear_category,
            expected_version: expected_version.map(i64::from),
            ..ProductUpParam::default()
        };
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
        let param = PriceUpParam {
            id: id.0,
            new_price: arguments::price(context, "newPrice", new_price)?,
            reason,
        };
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
