//! The settings of all providers.

use platform::config::{Read, Reader};

use crate::notifications::NotificationsChoice;
use crate::payments::PaymentsChoice;
use crate::shipping::ShippingChoice;
use crate::simulated::Conduct;

/// Who the providers are.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// `PAYMENTS_URL`
    pub payments: PaymentsChoice,
    /// `SHIPPING_URL`
    pub shipping: ShippingChoice,
    /// `NOTIFICATIONS_URL`
    pub notifications: NotificationsChoice,
}

impl ProviderSettings {
    /// Reads them, with the secrets that they need.
    ///
    /// # Errors
    /// A URL is not served, or a secret is missing.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let payments = PaymentsChoice::read(reader);
        let shipping = ShippingChoice::read(reader);
        let notifications = NotificationsChoice::read(reader);
        Ok(Self {
            payments: payments?,
            shipping: shipping?,
            notifications: notifications?,
        })
    }
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            payments: PaymentsChoice::Simulated(Conduct::default()),
            shipping: ShippingChoice::Simulated(Conduct::default()),
            notifications: NotificationsChoice::Log,
        }
    }
}
