//! The order of lists of categories.

use async_graphql::{Enum, InputObject};
use contract::query;

use super::super::relay::KeyColumns;
use super::super::sort::SortDirection;

/// The value that categories are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CategorySortField {
    /// The bytes of the name, then the id.
    Name,
    /// The time of creation, then the id.
    CreatedAt,
}

/// The order of a list of categories.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct CategorySort {
    /// The value that they are sorted by.
    pub field: CategorySortField,
    /// The direction of all parts of the order.
    pub direction: SortDirection,
}

impl CategorySort {
    /// The order of lists without another one.
    pub const DEFAULT: Self = Self {
        field: CategorySortField::Name,
        direction: SortDirection::Asc,
    };

    #[must_use]
    pub const fn message(self) -> query::CategorySort {
        let field = match self.field {
            CategorySortField::Name => query::CategorySortField::Name,
            CategorySortField::CreatedAt => query::CategorySortField::CreatedAt,
        };
        query::CategorySort {
            field: field as i32,
            direction: self.direction.number(),
        }
    }
    /// The values of the keys of this order.
    #[must_use]
    pub const fn columns(self) -> KeyColumns {
        match self.field {
            CategorySortField::Name => KeyColumns::Name,
            CategorySortField::CreatedAt => KeyColumns::Number,
        }
    }
}
