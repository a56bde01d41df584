//! What is on hand of a product, and what orders hold of it. A stream of its own beside the product's, so that
//! selling does not wait for editing.
//!
//! An order holds what it reserved until that is released (the order is undone) or deducted (it is shipped). Both
//! work after the product is deleted, and both take the reservation away, so that the state is as large as what is
//! held now and not as what was ever sold.

mod commands;
mod event;
mod state;

pub use commands::UpdateStock;
pub use event::{StockClosed, StockEvent, StockHeld, StockUpdated};
pub use state::{Stock, StockValues};
