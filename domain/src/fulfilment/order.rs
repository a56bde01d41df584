//! The saga `order`: takes a placed order to confirmed or cancelled.

use event_sourcing::execute::Lane;
use sagas::{Role, Saga, SagaDefinition, Step};

use super::data::{Fulfilment, OrderSaga};
use super::order_stream::{cancelled, confirm, failed, lane};
use super::payment::ProcessPayment;
use super::shipping::ArrangeShipping;
use super::stock;

impl Saga for OrderSaga {
    const NAME: &'static str = "order";
    const STREAM: &'static str = "order_saga";
    type Data = Fulfilment;
    const DEFINITIONS: &'static [SagaDefinition<Self>] =
        &[table(1, &[&[RESERVE], &[PAY], &[SHIP], &[CONFIRM]])];

    fn lanes(data: &Fulfilment) -> Vec<Lane> {
        lane(&data.order_id)
    }
}

const fn table(
    definition: u32,
    stages: &'static [&'static [Step<OrderSaga>]],
) -> SagaDefinition<OrderSaga> {
    SagaDefinition {
        compensated: |data, reason, reads| cancelled(&data.order_id, reason, reads),
        failed: |data, reason, reads| failed(&data.order_id, reason, reads),
        ..SagaDefinition::new(definition, stages)
    }
}

const RESERVE: Step<OrderSaga> =
    Step::<OrderSaga>::local("reserve_inventory", Role::Compensatable, |data, reads| {
        stock::reserve(&data.order_id, &data.items, reads)
    })
    .undone_by(|data, reads| stock::release(&data.order_id, &data.items, reads))
    .writing(|data| stock::lanes(&data.items));

const PAY: Step<OrderSaga> = Step::external::<ProcessPayment>();
const SHIP: Step<OrderSaga> = Step::external::<ArrangeShipping>();

const CONFIRM: Step<OrderSaga> =
    Step::<OrderSaga>::local("confirm_order", Role::Pivot, |data, reads| {
        confirm(&data.order_id, reads)
    });
