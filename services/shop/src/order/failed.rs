//! Why a command of orders came to nothing.

use crate::api::RequestError;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such order.
    #[error("order {0} does not exist")]
    NoOrder(String),
    /// There is no such product.
    #[error("no product has the id or the name {0:?}")]
    NoProduct(String),
    /// Several products have the name, or may have it.
    #[error("{0}")]
    Ambiguous(String),
    /// The order came to another end than hoped for.
    #[error("{0}")]
    Ended(String),
}
