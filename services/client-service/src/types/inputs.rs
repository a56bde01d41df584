//! What mutations take.
//!
//! An absent field leaves a value unchanged. Null clears what can be cleared, and is refused elsewhere: so fields
//! that are optional, but cannot be cleared, keep apart whether they were absent or null.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::decimal::Decimal;
use crate::errors::ApiError;

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
    /// Refuse the change unless the category is at this version.
    pub expected_version: MaybeUndefined<i32>,
}

/// A new product.
#[derive(Debug, InputObject)]
pub struct CreateProductInput {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 1,000 characters.
    pub description: Option<String>,
    /// 0.01 to 999999.99.
    pub price: Decimal,
    /// Its category, if any.
    pub category_id: Option<ID>,
    /// What is on hand at first.
    #[graphql(default_with = "MaybeUndefined::Value(0)")]
    pub stock_quantity: MaybeUndefined<i32>,
}

/// A change of a product.
#[derive(Debug, InputObject)]
pub struct UpdateProductInput {
    /// The product.
    pub id: ID,
    /// 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// At most 1,000 characters. Null removes it.
    pub description: MaybeUndefined<String>,
    /// 0.01 to 999999.99.
    pub price: MaybeUndefined<Decimal>,
    /// Its category. Null takes it out of its category.
    pub category_id: MaybeUndefined<ID>,
    /// Refuse the change unless the product is at this version.
    pub expected_version: MaybeUndefined<i32>,
}

/// A new order.
#[derive(Debug, InputObject)]
pub struct CreateOrderInput {
    /// Whose order it is: 1 to 255 characters.
    pub user_id: ID,
    /// 1 to 100; a product that is named repeatedly is added up.
    pub items: Vec<OrderItemInput>,
    /// Where it goes.
    pub shipping_address: MaybeUndefined<ShippingAddressInput>,
}

/// A product of a new order.
#[derive(Debug, InputObject)]
pub struct OrderItemInput {
    /// The product.
    pub product_id: ID,
    /// 1 to 1,000 pieces.
    pub quantity: i32,
}

/// Where a new order goes.
#[derive(Debug, InputObject)]
pub struct ShippingAddressInput {
    /// At most 255 characters.
    pub street: String,
    /// At most 255 characters.
    pub city: String,
    /// At most 20 characters.
    pub postal_code: String,
}

/// A wish to have an order undone.
#[derive(Debug, InputObject)]
pub struct CancelOrderInput {
    /// The order.
    pub order_id: ID,
    /// At most 1,000 characters.
    pub reason: MaybeUndefined<String>,
}

/// A field that cannot be cleared.
///
/// # Errors
/// It is null.
pub fn not_null<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>, ApiError> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => Err(ApiError::invalid(
            field,
            "must not be null, but can be left out",
        )),
    }
}

/// A field that can be cleared: its new value, and whether it is to be cleared.
#[must_use]
pub fn clearable<T>(value: MaybeUndefined<T>) -> (Option<T>, bool) {
    match value {
        MaybeUndefined::Undefined => (None, false),
        MaybeUndefined::Value(value) => (Some(value), false),
        MaybeUndefined::Null => (None, true),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::MaybeUndefined;

    use super::not_null;

    #[test]
    fn null_is_refused_in_words_that_fit_what_is_made_and_what_is_changed() {
        assert_eq!(not_null("reason", MaybeUndefined::Value(1)), Ok(Some(1)));
        let absent: MaybeUndefined<i32> = MaybeUndefined::Undefined;
        assert_eq!(not_null("reason", absent), Ok(None));
        let refused = not_null("reason", MaybeUndefined::<i32>::Null).expect_err("null");
        assert_eq!(refused.field.as_deref(), Some("reason"));
        assert_eq!(
            refused.message,
            "reason must not be null, but can be left out"
        );
    }
}
