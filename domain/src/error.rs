//! What the rules say no with. Each variant is one error type of the contract.

use std::fmt;

use event_sourcing::Version;

use crate::order::OrderState;
use crate::validation::{ValidationError, ValidationErrors};
use crate::value::{EntityId, Money, Quantity, StockLevel};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// `VALIDATION_ERROR`: the input breaks rules; at least one is named.
    #[error("{}", join(.0))]
    Validation(Vec<ValidationError>),
    /// `NOT_FOUND`: it never was, or it is deleted.
    #[error("{entity} {id} does not exist")]
    NotFound {
        /// What was looked for.
        entity: Entity,
        /// The id that was given.
        id: EntityId,
    },
    /// `CONFLICT`: the input is fine, but not in the present state.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// `DOMAIN_ERROR`: the order is not in a state for it.
    #[error(transparent)]
    OrderState(#[from] OrderState),
}

/// What stands against a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The client has seen another version.
    #[error("{entity} {id} is at version {}, expected {}", .actual.0, .expected.0)]
    Version {
        /// What was to be changed.
        entity: Entity,
        id: EntityId,
        /// The version that the client named.
        expected: Version,
        /// The version that it has.
        actual: Version,
    },
    /// The id is in use, or was: ids are not given twice.
    #[error("{entity} {id} already exists")]
    AlreadyExists {
        /// What was to be created.
        entity: Entity,
        /// The id that was given.
        id: EntityId,
    },
    /// Another category has this name, if case is disregarded.
    #[error("a category named {name:?} already exists")]
    NameTaken {
        /// The name that was given.
        name: String,
    },
    /// Products belong to the category.
    #[error("category {id} still has {count} {}", if *.count == 1 { "product" } else { "products" })]
    CategoryInUse {
        id: EntityId,
        /// How many products it has.
        count: u64,
    },
    /// Orders hold more than what would be left.
    #[error("quantity must be at least {}, which is reserved, got {}", .reserved.get(), .given.get())]
    BelowReserved {
        reserved: StockLevel,
        /// The level that was given.
        given: StockLevel,
    },
    /// An order wants more than others left.
    #[error("product {product} has {} available, {} wanted", .available.get(), .wanted.get())]
    OutOfStock {
        product: EntityId,
        /// What no order holds.
        available: StockLevel,
        /// What this order wants of it.
        wanted: Quantity,
    },
    /// The customer was shown another amount.
    #[error("{of} is {actual}, expected {expected}")]
    Amount {
        /// What has that amount.
        of: Priced,
        /// What the client named.
        expected: Money,
        actual: Money,
    },
}

/// What an order shows an amount of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Priced {
    /// One piece of a product.
    Unit(EntityId),
    /// All ordered pieces of a product.
    Subtotal(EntityId),
    Total,
}

impl fmt::Display for Priced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(product) => write!(f, "the price of product {product}"),
            Self::Subtotal(product) => write!(f, "the subtotal of product {product}"),
            Self::Total => f.write_str("the order's total"),
        }
    }
}

/// The kinds of things that clients name by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    Category,
    Product,
    Order,
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Category => "category",
            Self::Product => "product",
            Self::Order => "order",
        })
    }
}

impl DomainError {
    pub(crate) fn not_found(entity: Entity, id: &EntityId) -> Self {
        let id = id.clone();
        Self::NotFound { entity, id }
    }

    /// Rejects an id whose stream has events.
    pub(crate) fn require_new(version: Version, entity: Entity, id: &EntityId) -> Result<(), Self> {
        if version == Version::NONE {
            return Ok(());
        }
        let id = id.clone();
        Err(Self::Conflict(Conflict::AlreadyExists { entity, id }))
    }
}

impl From<ValidationError> for DomainError {
    fn from(error: ValidationError) -> Self {
        Self::Validation(vec![error])
    }
}

impl From<ValidationErrors> for DomainError {
    fn from(findings: ValidationErrors) -> Self {
        Self::Validation(findings.0)
    }
}

fn join(errors: &[ValidationError]) -> String {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("; ")
}
