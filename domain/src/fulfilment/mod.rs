//! How an order is fulfilled, and how a confirmed one is undone: two sagas.
//!
//! ```text
//!   order         reserve_inventory ─▶ process_payment ─▶ arrange_shipping ─▶ confirm_order
//!                       undone by            undone by           undone by       the pivot
//!                 release_inventory    refund_payment      cancel_shipping
//!
//!   cancel_order  cancel_shipping ─▶ refund_payment ─▶ release_inventory      each repeated until it succeeds
//! ```
//!
//! Stock is reserved first, since that costs nobody anything; money is taken once the goods are sure; the step that
//! cannot be undone comes last. An order is confirmed in the commit of its shipment's arrangement.

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
