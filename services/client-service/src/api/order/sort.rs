//! The order of lists of orders.

use async_graphql::{Enum, InputObject};
use contract::query;

use super::super::relay::KeyColumns;
use super::super::sort::SortDirection;

/// The value that orders are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderSortField {
    /// The time of creation, then the id.
    CreatedAt,
}

/// The order of a list of orders.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct OrderSort {
    /// The value that they are sorted by.
    pub field: OrderSortField,
    /// The direction of all parts of the order.
    pub direction: SortDirection,
}

impl OrderSort {
    /// The order of lists without another one.
    pub const DEFAULT: Self = Self {
        field: OrderSortField::CreatedAt,
        direction: SortDirection::Desc,
    };

    #[must_use]
    pub const fn message(self) -> query::OrderSort {
        let field = match self.field {
            OrderSortField::CreatedAt => query::OrderSortField::CreatedAt,
        };
        query::OrderSort {
            field: field as i32,
            direction: self.direction.number(),
        }
    }
    /// The values of the keys of this order.
    #[must_use]
    pub const fn columns(self) -> KeyColumns {
        match self.field {
            OrderSortField::CreatedAt => KeyColumns::Number,
        }
    }
}
