//! Orders. An order tells what the customer was promised and what became of it; what it holds of the shop's goods is
//! told by [`crate::stock`], and what still has to be done for it by its saga.
//!
//! ```text
//! OrderCreated ──▶ PROCESSING ──OrderConfirmed──▶ CONFIRMED ──OrderShipped──▶ SHIPPED ──OrderDelivered──▶ DELIVERED
//!                      │                              │
//!                      └──────────┬───────────────────┘
//!                                 ├──OrderCancelled──▶ CANCELLED
//!                                 └──OrderFailed─────▶ FAILED
//! ```
//!
//! What providers did for an order is not decided here: its saga hears of it, once, and the order's event is part of
//! the commit in which it does. `OrderCancellationRequested` changes no status: from then on the order is neither confirmed nor shipped, and ends
//! as CANCELLED or FAILED. A suspended saga shows an order as FAILED as well; that is the saga's to tell.

mod cancel;
mod event;
mod lines;
mod place;
mod progress;
mod refusal;
mod state;

pub use cancel::{CancelOrder, Cancellation};
pub use event::*;
pub use lines::{GivenLine, OrderLine, OrderLines};
pub use place::PlaceOrder;
pub use progress::{DeliverOrder, ShipOrder};
pub use refusal::{OrderAct, OrderObstacle, OrderState};
pub use state::{Order, OrderValues, Payment, RequestedCancellation, Shipment};
