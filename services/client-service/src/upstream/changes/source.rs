//! The sources of changes. Each depends on its own projections, so that one that is parked does not delay the others.

use contract::query::ChangeKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Categories,
    Products,
    Orders,
}

impl Source {
    pub const ALL: [Self; 3] = [Self::Categories, Self::Products, Self::Orders];

    /// The source of a kind of changes. Without a kind, which no message of our own services has, any would do.
    pub const fn of(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::CategoryCreated
            | ChangeKind::CategoryUpdated
            | ChangeKind::CategoryDeleted
            | ChangeKind::Unspecified => Self::Categories,
            ChangeKind::ProductCreated
            | ChangeKind::ProductUpdated
            | ChangeKind::ProductDeleted
            | ChangeKind::StockUpdated => Self::Products,
            ChangeKind::OrderUpdated => Self::Orders,
        }
    }

    pub const fn kinds(self) -> &'static [ChangeKind] {
        match self {
            Self::Categories => &[
                ChangeKind::CategoryCreated,
                ChangeKind::CategoryUpdated,
                ChangeKind::CategoryDeleted,
            ],
            Self::Products => &[
                ChangeKind::ProductCreated,
                ChangeKind::ProductUpdated,
                ChangeKind::ProductDeleted,
                ChangeKind::StockUpdated,
            ],
            Self::Orders => &[ChangeKind::OrderUpdated],
        }
    }

    /// The name of its projection.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Categories => "categories",
            Self::Products => "products",
            Self::Orders => "orders",
        }
    }
}
