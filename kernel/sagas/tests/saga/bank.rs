//! A payout like that of the example, with every fault.

use async_trait::async_trait;
use event_sourcing::Command;
use event_sourcing::execute::{DecideError, Lane, States, UnitOfWork};
use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check};
use sagas::{EngineBuilder, SagaOutcome};

use crate::account::{Account, AccountEvent, Moved, deposit};
use crate::payout::{Order, Payout, Send};

/// Changes the balance of Alice's account.
struct Change(Vec<AccountEvent>);

impl Command for Change {
    const NAME: &'static str = "book";
    type Rejection = String;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Account>("alice")]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
        work.append::<Account>("alice", &self.0)
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

struct PayOut;

#[async_trait]
impl Scenario for PayOut {
    type Saga = Payout;

    async fn begin(&self, env: &TestEnv) -> String {
        env.execute(&Change(deposit(1_000))).await;
        let order = Order {
            from: "alice".to_owned(),
            to: "carol".to_owned(),
            cents: 300,
        };
        env.begin::<Payout>("payout-1", "alice", order).await;
        "payout-1".to_owned()
    }

    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
        let receipt = |order: &Order| format!("{} cents for {}", order.cents, order.to);
        engine.provider(provider.provider::<Send>(receipt))
    }

    async fn reject_step(&self, env: &TestEnv, _step: &str) -> bool {
        let withdrawn = AccountEvent::Withdrawn(Moved { cents: 900 });
        env.execute(&Change(vec![withdrawn])).await;
        true
    }

    async fn check(&self, end: &End<'_, Payout>) -> Result<(), String> {
        let left = end.env.state::<Account>("alice").await.cents;
        let is_right = match end.outcome {
            SagaOutcome::Completed => left == 700,
            SagaOutcome::Compensated | SagaOutcome::Failed => left == 1_000 || left == 100,
        };
        is_right
            .then_some(())
            .ok_or(format!("{left} cents are left"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_payout_arrives_or_is_paid_back_whatever_fails() {
    check(PayOut).await;
}
