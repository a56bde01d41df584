//! The sagas that fulfil an order and that undo a confirmed one.
//!
//! ```text
//!   order         reserve_inventory ─▶ process_payment ─▶ arrange_shipping ─▶ confirm_order
//!                       undone by            undone by           undone by       the pivot
//!                 release_inventory    refund_payment      cancel_shipping
//!
//!   cancel_order  cancel_shipping ─▶ refund_payment ─▶ release_inventory      each retried until it succeeds
//! ```
//!
//! Stock is reserved first, since that is free of charge and easy to undo; money is taken once the goods are reserved; the
//! pivot, which cannot be undone, is last. It is local, so the order is confirmed in the commit that completes
//! `arrange_shipping`.

mod cancel_order;
mod data;
mod kind;
mod order;
mod order_stream;
mod payment;
mod shipping;
mod stock;

pub use data::{CancelOrderData, CancelOrderSaga, Fulfilment, OrderSaga};
pub use kind::{SAGA_STREAMS, SAGA_TYPES, parse_saga_type};
pub use payment::{Charge, ProcessPayment, RefundPayment};
pub use shipping::{ArrangeShipping, CancelShipping, Shipment};
pub use stock::ReservedItem;
