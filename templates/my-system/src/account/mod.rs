//! An account: its events, its state, and its commands. Pure: no clock, no database, no network.

mod commands;
mod event;
mod state;

pub use commands::{Deposit, OpenAccount, PayOut};
pub use event::{AccountEvent, Amount, Opened};
pub use state::{Account, AccountRejection};
