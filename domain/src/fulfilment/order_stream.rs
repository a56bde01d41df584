//! The events that the sagas append to the stream of their order.

use std::convert::Infallible;

use event_sourcing::execute::{DecideError, Lane};
use sagas::{StateReader, StepRejected, Writes};

use crate::order::{Order, OrderEvent};
use crate::value::{EntityId, Reason};

pub(super) fn lane(order: &EntityId) -> Vec<Lane> {
    vec![Lane::write::<Order>(order.as_str())]
}

pub(super) fn write(order: &EntityId, event: OrderEvent) -> Writes {
    Writes::none().and::<Order>(order.as_str(), vec![event])
}

pub(super) fn confirm(
    order_id: &EntityId,
    reads: &mut StateReader<'_, StepRejected>,
) -> Result<Writes, DecideError<StepRejected>> {
    let order = reads.state::<Order>(order_id.as_str())?;
    let confirmed = order.confirm(order_id);
    let confirmed = confirmed.map_err(|error| StepRejected(error.to_string()))?;
    Ok(Writes::none().and::<Order>(order_id.as_str(), confirmed))
}

/// The order's event at the end of a saga that undid it.
pub(super) fn cancelled(
    order_id: &EntityId,
    reason: &str,
    reads: &mut StateReader<'_, Infallible>,
) -> Result<Writes, DecideError<Infallible>> {
    let order = reads.state::<Order>(order_id.as_str())?;
    // A requested cancellation has its own reason; otherwise the reason is why the saga compensated.
    let is_requested = order
        .values()
        .is_some_and(|order| order.cancellation.is_some());
    let reason = (!is_requested).then(|| Reason::shortened(reason));
    // While its saga runs, nothing else ends an order, so the decision cannot be rejected.
    let events = order.cancelled(order_id, reason).unwrap_or_default();
    Ok(Writes::none().and::<Order>(order_id.as_str(), events))
}

/// The order's event at the end of a saga that an operator closed.
pub(super) fn failed(
    order_id: &EntityId,
    reason: &str,
    reads: &mut StateReader<'_, Infallible>,
) -> Result<Writes, DecideError<Infallible>> {
    let order = reads.state::<Order>(order_id.as_str())?;
    // As above.
    let events = order
        .failed(order_id, Reason::shortened(reason))
        .unwrap_or_default();
    Ok(Writes::none().and::<Order>(order_id.as_str(), events))
}
