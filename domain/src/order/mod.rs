//! Orders. An order records what was ordered and how it progressed; its reservations are in [`crate::stock`], and the
//! steps that remain are in its saga.
//!
//! ```text
//! OrderCreated ──▶ PROCESSING ──OrderConfirmed──▶ CONFIRMED ──OrderShipped──▶ SHIPPED ──OrderDelivered──▶ DELIVERED
//!                      │                              │
//!                      └──────────┬───────────────────┘
//!                                 ├──OrderCancelled──▶ CANCELLED
//!                                 └──OrderFailed─────▶ FAILED
//! ```
//!
//! Results of providers are not decided here: the saga records a result once, and the order's event is in the same commit.
//! `OrderCancellationRequested` changes no status: from then on the order is neither confirmed nor shipped, and ends as
//! CANCELLED or FAILED. Clients see an order with a suspended saga as FAILED as well; that follows from the saga's events.

mod cancel;
mod event;
mod lines;
mod place;
mod progress;
mod rejection;
mod state;

pub use cancel::{CancelOrder, Cancellation};
pub use event::*;
pub use lines::{GivenLine, OrderLine, OrderLines};
pub use place::PlaceOrder;
pub use progress::{DeliverOrder, ShipOrder};
pub use rejection::{OrderAct, OrderObstacle, OrderSagaState, OrderState};
pub use state::{Order, OrderValues, Payment, RequestedCancellation, Shipment};
