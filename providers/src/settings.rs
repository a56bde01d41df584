//! The settings of all providers.

use platform::config::{Read, Reader};

use crate::notifications::NotificationsConfig;
use crate::payments::PaymentsConfig;
use crate::shipping::ShippingConfig;
use crate::simulated::SimulationConfig;

/// Which providers are used.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    pub payments: PaymentsConfig,
    pub shipping: ShippingConfig,
    pub notifications: NotificationsConfig,
}

impl ProviderSettings {
    /// Reads the settings, with the secrets that they need.
    ///
    /// # Errors
    /// A URL is not supported, or a secret is missing.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let payments = PaymentsConfig::read(reader);
        let shipping = ShippingConfig::read(reader);
        let notifications = NotificationsConfig::read(reader);
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
            payments: PaymentsConfig::Simulated(SimulationConfig::default()),
            shipping: ShippingConfig::Simulated(SimulationConfig::default()),
            notifications: NotificationsConfig::Log,
        }
    }
}
