//! Shipping.
//!
//! [`provider`] has the type of a provider of shipping; [`config`] reads the URL that selects one. The protocol of
//! [`HttpShipping`] is described in `docs/providers.md`.

mod config;
mod http;
mod provider;
mod simulated;

pub use config::{HttpShippingSettings, ShippingConfig};
pub use http::HttpShipping;
pub use provider::Shipping;
pub(crate) use provider::tracking_number;
pub use simulated::SimulatedShipping;
