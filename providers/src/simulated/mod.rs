//! Simulated providers: no network, but a durable book, so that they can be held against their promises over crashes.
//!
//! [`SimulationConfig`] is what their URL says about their manners. [`Provider`] behaves so and writes the [`ledger`];
//! [`SimulatedStep`] says of a saga's step what the book shall hold of it.

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
