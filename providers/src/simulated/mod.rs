//! Simulated providers: no network, but a durable book, so that they can be held against their promises over crashes.
//!
//! [`Conduct`] is what their URL says about their manners. [`Provider`] behaves so and writes the [`book`];
//! [`SimulatedStep`] says of a saga's step what the book shall hold of it.

pub mod book;
mod conduct;
mod dice;
pub(super) mod provider;
mod record;
mod statement;
mod step;
mod totals;

pub use book::{Book, BookTask};
pub use conduct::{Conduct, Rate};
pub use dice::Dice;
pub use provider::Provider;
pub use record::{Action, Kind, Record, State, Verdict};
pub use step::{SimulatedProvider, SimulatedStep};
pub use totals::{OrderTotals, Totals};
