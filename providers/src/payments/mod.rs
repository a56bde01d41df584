//! Payments: who takes the money and gives it back.
//!
//! [`provider`] says what any provider of payments is; [`choice`] reads the URL that chooses one.

mod choice;
mod provider;
mod simulated;
pub mod stripe;

pub use choice::PaymentsChoice;
pub use provider::Payments;
pub(crate) use provider::payment_id;
pub use simulated::SimulatedPayments;
