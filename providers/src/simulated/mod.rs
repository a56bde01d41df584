//! Simulated providers: without a network, but with a durable ledger, so that their guarantees can be tested over crashes.
//!
//! [`SimulationConfig`] is their behaviour, read from the URL. [`Provider`] implements it and writes the [`ledger`];
//! [`SimulatedStep`] maps a saga's step to a row of the ledger.

mod config;
pub mod ledger;
pub(super) mod provider;
mod record;
mod rng;
mod statement;
mod step;
mod totals;

pub use config::{Rate, SimulationConfig};
pub use ledger::{LedgerTask, SimulatedLedger};
pub use provider::Provider;
pub use record::{Action, Decision, ProviderKind, Record, State};
pub use rng::Rng;
pub use step::{SimulatedProvider, SimulatedStep};
pub use totals::{OrderTotals, Totals};
