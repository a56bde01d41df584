//! Why a command is rejected. Each variant is one error type of the contract.

use std::fmt;

use event_sourcing::{Version, quoted};

use crate::order::{OrderSagaState, OrderState};
use crate::validation::{ValidationError, ValidationErrors};
use crate::value::{EntityId, Money, Quantity, StockLevel};

/// Why a command is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// `VALIDATION_ERROR`: the input breaks rules; there is at least one error.
    #[error("{}", join(.0))]
    Validation(Vec<ValidationError>),
    /// `NOT_FOUND`: it never existed, or it is deleted.
    #[error("{entity} {id} does not exist")]
    NotFound { entity: Entity, id: EntityId },
    /// `CONFLICT`: the input is valid, but not in the current state.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// `DOMAIN_ERROR`: the order is not in a state for it.
    #[error(transparent)]
    OrderState(#[from] OrderState),
    /// `DOMAIN_ERROR`: the order's saga cannot be cancelled.
    #[error(transparent)]
    OrderSaga(#[from] OrderSagaState),
}

/// Why a valid command is rejected in the current state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The client has seen another version.
    #[error("{entity} {id} is at version {}, expected {}", .actual.0, .expected.0)]
    Version {
        entity: Entity,
        id: EntityId,
        /// The version that the client expects.
        expected: Version,
        actual: Version,
    },
    /// The id is in use, or was: ids are never reused.
    #[error("{entity} {id} already exists")]
    AlreadyExists { entity: Entity, id: EntityId },
    /// Another category has this name, without regard to case.
    #[error("a category named {} already exists", quoted(name))]
    NameTaken { name: String },
    /// Products belong to the category.
    #[error("category {id} still has {count} {}", if *.count == 1 { "product" } else { "products" })]
    CategoryInUse {
        id: EntityId,
        /// Its number of products.
        count: u64,
    },
    /// Orders have reserved more than the new level.
    #[error("quantity must be at least {}, which is reserved, got {}", .reserved.get(), .given.get())]
    BelowReserved {
        reserved: StockLevel,
        /// The new level.
        given: StockLevel,
    },
    /// An order needs more than is available.
    #[error("product {product} has {} available, {} wanted", .available.get(), .wanted.get())]
    OutOfStock {
        product: EntityId,
        /// The level that no order has reserved.
        available: StockLevel,
        /// The quantity in the order.
        wanted: Quantity,
    },
    /// The client expects another amount.
    #[error("{of} is {actual}, expected {expected}")]
    Amount {
        of: Priced,
        /// The amount that the client expects.
        expected: Money,
        actual: Money,
    },
}

/// What an amount of an order is the price of.
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

/// The kinds of entities that clients identify by id.
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
    fn from(errors: ValidationErrors) -> Self {
        Self::Validation(errors.0)
    }
}

fn join(errors: &[ValidationError]) -> String {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("; ")
}
