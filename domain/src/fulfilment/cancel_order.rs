//! The saga `cancel_order`: undoes an order that is confirmed and not shipped.
//!
//! The cancellation has been accepted, so it must not fail: every step is retriable.

use event_sourcing::execute::Lane;
use sagas::{Role, Saga, SagaDefinition, Step};

use super::data::{CancelOrderData, CancelOrderSaga};
use super::order_stream::{cancelled, failed, lane};
use super::payment::RefundPayment;
use super::shipping::CancelShipping;
use super::stock;

impl Saga for CancelOrderSaga {
    const NAME: &'static str = "cancel_order";
    const STREAM: &'static str = "cancel_order_saga";
    type Data = CancelOrderData;
    const DEFINITIONS: &'static [SagaDefinition<Self>] =
        &[table(1, &[&[CANCEL_SHIPPING], &[REFUND], &[RELEASE]])];

    fn lanes(data: &CancelOrderData) -> Vec<Lane> {
        lane(&data.order_id)
    }
}

const fn table(
    definition: u32,
    stages: &'static [&'static [Step<CancelOrderSaga>]],
) -> SagaDefinition<CancelOrderSaga> {
    SagaDefinition {
        completed: |data, reason, reads| cancelled(&data.order_id, reason, reads),
        failed: |data, reason, reads| failed(&data.order_id, reason, reads),
        ..SagaDefinition::new(definition, stages)
    }
}

const CANCEL_SHIPPING: Step<CancelOrderSaga> = Step::undoing::<CancelShipping>();
const REFUND: Step<CancelOrderSaga> = Step::undoing::<RefundPayment>();

const RELEASE: Step<CancelOrderSaga> =
    Step::<CancelOrderSaga>::local("release_inventory", Role::Retriable, |data, reads| {
        stock::release(&data.order_id, &data.items, reads)
    })
    .writing(|data| stock::lanes(&data.items));
