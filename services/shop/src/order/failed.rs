//! Errors of the commands on orders.

use crate::api::RequestError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("order {0} does not exist")]
    NoOrder(String),
    #[error("no product has the id or the name {0:?}")]
    NoProduct(String),
    /// Several products have the name, or the search was truncated and others may have it.
    #[error("{0}")]
    Ambiguous(String),
    /// A followed order ended, but was not confirmed.
    #[error("{0}")]
    NotConfirmed(String),
}
