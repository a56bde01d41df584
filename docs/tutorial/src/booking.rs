//! The saga: seats are reserved, and a card is charged for them. If that fails, the seats are released.

use event_sourcing::execute::Lane;
use sagas::{ExternalStep, Role, Saga, SagaDefinition, Step, StepRejected, Writes};
use serde::{Deserialize, Serialize};

use crate::show::{Seats, Show, ShowEvent};

/// What a booking begins with, and what its steps add to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BookingData {
    pub show: String,
    pub seats: u32,
    pub card: String,
    pub receipt: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Booking;

impl Saga for Booking {
    const NAME: &'static str = "booking";
    const STREAM: &'static str = "booking_saga";
    type Data = BookingData;
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[SagaDefinition::new(
        1,
        &[&[RESERVE_SEATS], &[Step::external::<ChargeCard>()]],
    )];
}

/// A local step: its events and the saga's are one commit.
const RESERVE_SEATS: Step<Booking> =
    Step::<Booking>::local("reserve_seats", Role::Compensatable, |data, streams| {
        let show = streams.state::<Show>(&data.show)?;
        let reserved = show.reserve(data.seats);
        let reserved = reserved.map_err(|rejection| StepRejected(rejection.to_string()))?;
        Ok(Writes::none().and::<Show>(&*data.show, reserved))
    })
    .undone_by(|data, _| {
        let released = ShowEvent::Released(Seats { count: data.seats });
        Ok(Writes::none().and::<Show>(&*data.show, vec![released]))
    })
    .writing(|data| vec![Lane::write::<Show>(&data.show)]);

/// An external step: a call to a provider, which its provider also undoes.
pub struct ChargeCard;

#[derive(Clone, Debug)]
pub struct Charge {
    pub card: String,
    pub cents: u64,
}

impl ExternalStep for ChargeCard {
    const NAME: &'static str = "charge_card";
    type Saga = Booking;
    type Request = Charge;
    /// The receipt.
    type Response = String;

    fn request(data: &BookingData) -> Charge {
        Charge {
            card: data.card.clone(),
            cents: u64::from(data.seats) * 1_500,
        }
    }

    fn apply_output(data: &mut BookingData, receipt: String) {
        data.receipt = Some(receipt);
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check};
    use sagas::{EngineBuilder, SagaOutcome};

    use super::*;
    use crate::plan::PlanShow;

    struct TwoSeats;

    #[async_trait]
    impl Scenario for TwoSeats {
        type Saga = Booking;

        async fn begin(&self, env: &TestEnv) -> String {
            let (id, title) = ("hamlet".to_owned(), "Hamlet".to_owned());
            env.execute(&PlanShow {
                id,
                title,
                seats: 10,
            })
            .await;
            let data = BookingData {
                show: "hamlet".to_owned(),
                seats: 2,
                card: "4242".to_owned(),
                receipt: None,
            };
            env.begin::<Booking>("booking-1", "ann", data).await;
            "booking-1".to_owned()
        }

        fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
            let receipt = |charge: &Charge| format!("{} cents", charge.cents);
            engine.provider(provider.provider::<ChargeCard>(receipt))
        }

        async fn check(&self, end: &End<'_, Booking>) -> Result<(), String> {
            let show: Show = end.env.state("hamlet").await;
            let expected = match end.outcome {
                SagaOutcome::Completed => Some(8),
                SagaOutcome::Compensated | SagaOutcome::Failed => Some(10),
            };
            let is_right = show.free == expected;
            is_right
                .then_some(())
                .ok_or(format!("{:?} seats are free", show.free))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn seats_are_paid_or_released_whatever_fails() {
        let report = check(TwoSeats).await;
        assert!(report.cases > 10, "{report:?}");
    }
}
