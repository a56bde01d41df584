//! Payments: who takes the money and gives it back.
//!
//! [`provider`] says what any provider of payments is; [`config`] reads the URL that chooses one.

mod config;
mod provider;
mod simulated;
pub mod stripe;

pub use config::PaymentsConfig;
pub use provider::Payments;
pub(crate) use provider::payment_id;
pub use simulated::SimulatedPayments;
