//! Numbers of pieces.

use event_sourcing::Version;
use serde::{Deserialize, Serialize};

use super::text::invalid;
use crate::ValidationError;

/// Pieces of one product in an order: 1 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(u32);

/// Pieces of one product in stock: 0 to 1,000,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StockLevel(u32);

impl Quantity {
    const MAX: u32 = 1_000;

    /// # Errors
    /// Outside 1 to 1,000.
    pub fn parse(field: &str, given: i64) -> Result<Self, ValidationError> {
        within(field, given, 1, Self::MAX).map(Self)
    }

    /// The sum, if an order has the same product twice.
    ///
    /// # Errors
    /// Above 1,000.
    pub fn plus(self, field: &str, other: Self) -> Result<Self, ValidationError> {
        Self::parse(field, i64::from(self.0) + i64::from(other.0))
    }

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl StockLevel {
    pub const ZERO: Self = Self(0);

    /// # Errors
    /// Outside 0 to 1,000,000,000.
    pub fn parse(field: &str, given: i64) -> Result<Self, ValidationError> {
        within(field, given, 0, 1_000_000_000).map(Self)
    }

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The difference; zero if `other` is more.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    #[must_use]
    pub fn with(self, quantity: Quantity) -> Self {
        Self(self.0.saturating_add(quantity.0))
    }
}

impl From<Quantity> for StockLevel {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.0)
    }
}

/// Parses the version that a client expects.
///
/// # Errors
/// Below 0.
pub fn parse_expected_version(field: &str, given: i64) -> Result<Version, ValidationError> {
    u64::try_from(given)
        .map(Version)
        .map_err(|_| invalid(field, &format!("be 0 or more, got {given}")))
}

fn within(field: &str, given: i64, min: u32, max: u32) -> Result<u32, ValidationError> {
    u32::try_from(given)
        .ok()
        .filter(|count| (min..=max).contains(count))
        .ok_or_else(|| invalid(field, &format!("be {min} to {max}, got {given}")))
}
