//! Payments by Stripe.

mod faults;
mod foreign;
mod official;
mod signature;
pub mod stage;
mod undo;
mod webhook;
