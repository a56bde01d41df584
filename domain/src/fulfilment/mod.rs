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
mod kind;
mod order;
mod stock;

use std::time::Duration;

use sagas::RetryPolicy;

pub use cancel_order::{CancelOrderSaga, UndoCall, UndoneDeal, Unfulfilment};
pub use kind::{SAGA_STREAMS, SAGA_TYPES, parse_saga_type};
pub use order::{Fulfilment, FulfilmentCall, Obtained, OrderSaga};
pub use stock::Goods;

/// The time limit of one call to a provider.
const CALL: Duration = Duration::from_secs(10);
/// How long a provider may take over all tries, before the order is given up.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long an order may take until it is confirmed.
const UNTIL_CONFIRMED: Duration = Duration::from_mins(5);
/// When a provider is asked again.
const RETRY: RetryPolicy = RetryPolicy::DEFAULT;
