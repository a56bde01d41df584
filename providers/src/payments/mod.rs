//! Payments and refunds.
//!
//! [`provider`] has the type of a provider of payments; [`config`] reads the URL that selects one.

mod config;
mod provider;
mod simulated;
pub mod stripe;

pub use config::PaymentsConfig;
pub use provider::Payments;
pub(crate) use provider::payment_id;
pub use simulated::SimulatedPayments;
