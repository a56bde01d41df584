//! The order of lists of products.

use async_graphql::{Enum, InputObject};
use contract::query;

use super::super::relay::KeyColumns;
use super::super::sort::SortDirection;

/// The value that products are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ProductSortField {
    /// The bytes of the name, then the id.
    Name,
    /// The price, then the name, then the id.
    Price,
    /// The time of creation, then the id.
    CreatedAt,
}

/// The order of a list of products.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct ProductSort {
    /// The value that they are sorted by.
    pub field: ProductSortField,
    /// The direction of all parts of the order.
    pub direction: SortDirection,
}

impl ProductSort {
    /// The order of lists without another one.
    pub const DEFAULT: Self = Self {
        field: ProductSortField::Name,
        direction: SortDirection::Asc,
    };

    #[must_use]
    pub const fn message(self) -> query::ProductSort {
        let field = match self.field {
            ProductSortField::Name => query::ProductSortField::Name,
            ProductSortField::Price => query::ProductSortField::Price,
            ProductSortField::CreatedAt => query::ProductSortField::CreatedAt,
        };
        query::ProductSort {
            field: field as i32,
            direction: self.direction.number(),
        }
    }
    /// The values of the keys of this order.
    #[must_use]
    pub const fn columns(self) -> KeyColumns {
        match self.field {
            ProductSortField::Name => KeyColumns::Name,
            ProductSortField::Price => KeyColumns::NumberAndName,
            ProductSortField::CreatedAt => KeyColumns::Number,
        }
    }
}
