//! Stock: how much of a product is on hand, and how much of that is reserved by orders. Its stream is separate from the
//! product's, so that orders do not conflict with edits.
//!
//! A reservation lasts until it is released (the order is undone) or deducted (the order is shipped). Both work after the
//! product is deleted, and both remove the reservation from the state, so that its size depends on the open
//! reservations and not on all sales.

mod commands;
mod event;
mod state;

pub use commands::UpdateStock;
pub use event::{StockClosed, StockEvent, StockHeld, StockUpdated};
pub use state::{Stock, StockValues};
