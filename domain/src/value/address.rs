//! Shipping addresses.

use serde::{Deserialize, Serialize};

use super::text::limited;
use crate::ValidationErrors;

/// Any part may be empty: there are places without a street name or a postal code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippingAddress {
    street: String,
    city: String,
    postal_code: String,
}

impl ShippingAddress {
    /// `field` is the name of the whole address; an error names the part, such as `shippingAddress.postalCode`.
    ///
    /// # Errors
    /// Street or city longer than 255 characters, the postal code longer than 20, or one of them with U+0000.
    pub fn parse(
        field: &str,
        street: &str,
        city: &str,
        postal_code: &str,
    ) -> Result<Self, ValidationErrors> {
        let mut errors = ValidationErrors::default();
        let mut part = |name: &str, text: &str, max| {
            let parsed = limited(&format!("{field}.{name}"), text, 0, max).map(ToOwned::to_owned);
            errors.check(parsed)
        };
        let street = part("street", street, 255);
        let city = part("city", city, 255);
        let postal_code = part("postalCode", postal_code, 20);
        match (street, city, postal_code) {
            (Some(street), Some(city), Some(postal_code)) => Ok(Self {
                street,
                city,
                postal_code,
            }),
            _ => Err(errors),
        }
    }

    /// The street and the house number.
    #[must_use]
    pub fn street(&self) -> &str {
        &self.street
    }

    #[must_use]
    pub fn city(&self) -> &str {
        &self.city
    }

    #[must_use]
    pub fn postal_code(&self) -> &str {
        &self.postal_code
    }
}
