//! Simulated providers: no network, but a durable book, so that they can be held against their promises over crashes.
//!
//! [`Conduct`] is what their URL says about their manners. [`Provider`] behaves so and writes the [`book`]; the ports
//! of payments and shipping put their words on it.

pub mod book;
mod conduct;
mod dice;
pub(super) mod provider;
mod record;
mod statement;
mod totals;

pub use book::{Book, BookTask};
pub use conduct::{Conduct, Rate};
pub use dice::Dice;
pub use provider::Provider;
pub use record::{Action, Kind, Record, State, Verdict};
pub use totals::{OrderTotals, Totals};
