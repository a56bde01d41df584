//! The status of an order.

use std::fmt;

use event_sourcing::quoted;
use serde::{Deserialize, Serialize};

use super::text::invalid;
use crate::ValidationError;

/// The status of an order, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Created. Its saga starts in the same commit, so clients normally never see it.
    Pending,
    /// Its saga is running.
    Processing,
    /// Paid and given to shipping.
    Confirmed,
    /// Handed to the carrier; it can no longer be cancelled.
    Shipped,
    Delivered,
    /// Undone: it holds no stock, no money and no shipment.
    Cancelled,
    /// It needs an operator, or was closed by one.
    Failed,
}

impl OrderStatus {
    /// All of them, in the order of the lifecycle.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Processing,
        Self::Confirmed,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Failed,
    ];

    /// Reads a [`name`](Self::name).
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                invalid(field, &format!("be one of {names}, got {}", quoted(text)))
            })
    }

    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::Confirmed => "CONFIRMED",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
