//! Payments: who takes the money and gives it back.
//!
//! [`port`] says what any provider of payments promises; [`choice`] reads the URL that chooses one.

mod choice;
mod port;
mod simulated;
pub mod stripe;

pub use choice::PaymentsChoice;
pub use port::{Charge, Payment, Payments};
pub use simulated::SimulatedPayments;
