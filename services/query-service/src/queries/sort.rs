//! The orders of lists.
//!
//! Each order ends with the id, so that no two rows are equal in it, and a key names one place. In descending order all
//! columns are descending: one index serves both directions, and a place between two rows is one comparison.

use super::row_key::RowKey;

/// A direction of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortDirection {
    #[default]
    Ascending,
    Descending,
}

impl SortDirection {
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// An order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort<F> {
    pub field: F,
    pub direction: SortDirection,
}

impl<F: SortField> Sort<F> {
    /// The SQL after `ORDER BY`.
    pub(super) fn order_by(self) -> &'static str {
        self.field.columns().order_by(self.direction)
    }
}

/// What the rows of a table can be sorted by.
pub trait SortField: Copy {
    type Row;

    fn columns(self) -> SortColumns;

    /// The key of a row in this order.
    fn key(self, row: &Self::Row) -> RowKey;
}

/// The columns of an order, in which an index must have them.
#[derive(Clone, Copy, Debug)]
pub struct SortColumns {
    /// Whether the first column is a number.
    pub has_number: bool,
    /// Whether the name is one of the columns.
    pub has_name: bool,
    pub(super) names: &'static str,
    descending: &'static str,
}

impl SortColumns {
    pub(super) fn order_by(self, direction: SortDirection) -> &'static str {
        match direction {
            SortDirection::Ascending => self.names,
            SortDirection::Descending => self.descending,
        }
    }
}

pub(super) const BY_NAME: SortColumns = SortColumns {
    has_number: false,
    has_name: true,
    names: "name, id",
    descending: "name DESC, id DESC",
};

pub(super) const BY_PRICE: SortColumns = SortColumns {
    has_number: true,
    has_name: true,
    names: "price_cents, name, id",
    descending: "price_cents DESC, name DESC, id DESC",
};

pub(super) const BY_CREATION: SortColumns = SortColumns {
    has_number: true,
    has_name: false,
    names: "created_at, id",
    descending: "created_at DESC, id DESC",
};
