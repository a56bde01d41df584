//! Payments by Stripe.

mod faults;
mod foreign;
mod official;
mod signature;
mod stage;
mod undo;
mod webhook;
