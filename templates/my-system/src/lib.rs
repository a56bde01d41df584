//! The system: accounts, receipts of deposits, and payouts to a bank.
//!
//! ```text
//!   edge ──► account   (commands)  ──► event log ──► accounts  (a table, for queries)
//!     │                                     ├──────► receipts  (an event handler)
//!     └────► accounts  (queries)            └──────► payout    (a saga) ──► bank
//! ```
//!
//! `app` composes it; what is particular to this system is in the other modules.

pub mod account;
pub mod accounts;
pub mod app;
pub mod bank;
mod edge;
pub mod payout;
pub mod receipts;
pub mod settings;
