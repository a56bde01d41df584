//! The direction of a list.

use async_graphql::Enum;
use contract::query;

/// The direction of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SortDirection {
    /// From the lowest value to the highest, and from the earliest time to the latest.
    Asc,
    /// From the highest value to the lowest, and from the latest time to the earliest.
    Desc,
}

impl SortDirection {
    /// Its number in the messages.
    #[must_use]
    pub const fn number(self) -> i32 {
        (match self {
            Self::Asc => query::SortDirection::Asc,
            Self::Desc => query::SortDirection::Desc,
        }) as i32
    }
}
