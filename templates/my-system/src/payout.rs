//! The saga `payout`: money leaves an account and is sent to a bank. If the bank declines it, or an operator cancels the
//! saga, the money is paid back.

use event_sourcing::execute::Lane;
use sagas::{ExternalStep, Role, Saga, SagaDefinition, Step, StepRejected, Writes};
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountEvent, Amount};

/// What a payout begins with, and what its steps add to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutData {
    pub account: String,
    pub cents: i64,
    pub iban: String,
    /// The bank's reference, once the money is sent.
    pub reference: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Payout;

impl Saga for Payout {
    const NAME: &'static str = "payout";
    const STREAM: &'static str = "payout_saga";
    type Data = PayoutData;
    /// Running sagas keep their definition: change the steps by adding a definition with the next version.
    const DEFINITIONS: &'static [SagaDefinition<Self>] = &[SagaDefinition::new(
        1,
        &[&[WITHDRAW], &[Step::external::<SendMoney>()]],
    )];
}

/// A local step: its events and the saga's are one commit.
const WITHDRAW: Step<Payout> =
    Step::<Payout>::local("withdraw", Role::Compensatable, |data, streams| {
        let account = streams.state::<Account>(&data.account)?;
        let withdrawn = account.withdraw(data.cents);
        let withdrawn = withdrawn.map_err(|rejection| StepRejected(rejection.to_string()))?;
        Ok(Writes::none().and::<Account>(&*data.account, withdrawn))
    })
    .undone_by(|data, _| {
        let paid_back = AccountEvent::Deposited(Amount { cents: data.cents });
        Ok(Writes::none().and::<Account>(&*data.account, vec![paid_back]))
    })
    .writing(|data| vec![Lane::write::<Account>(&data.account)]);

/// An external step: a call to a bank, which the bank also undoes.
#[derive(Debug)]
pub struct SendMoney;

#[derive(Clone, Debug)]
pub struct Transfer {
    pub iban: String,
    pub cents: i64,
}

impl ExternalStep for SendMoney {
    const NAME: &'static str = "send_money";
    type Saga = Payout;
    type Request = Transfer;
    /// The bank's reference.
    type Response = String;

    fn request(data: &PayoutData) -> Transfer {
        Transfer {
            iban: data.iban.clone(),
            cents: data.cents,
        }
    }

    fn apply_output(data: &mut PayoutData, reference: String) {
        data.reference = Some(reference);
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use sagas::testing::{End, FakeProvider, Scenario, TestEnv, check};
    use sagas::{EngineBuilder, SagaOutcome};

    use super::*;
    use crate::account::{Deposit, OpenAccount};

    struct PayOutThirty;

    #[async_trait]
    impl Scenario for PayOutThirty {
        type Saga = Payout;

        async fn begin(&self, env: &TestEnv) -> String {
            let (id, owner) = ("a".to_owned(), "ann".to_owned());
            env.execute(&OpenAccount { id, owner }).await;
            let id = "a".to_owned();
            env.execute(&Deposit { id, cents: 100 }).await;
            let data = PayoutData {
                account: "a".to_owned(),
                cents: 30,
                iban: "DE02".to_owned(),
                reference: None,
            };
            env.begin::<Payout>("payout-1", "a", data).await;
            "payout-1".to_owned()
        }

        fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder {
            let reference = |transfer: &Transfer| format!("{} cents", transfer.cents);
            engine.provider(provider.provider::<SendMoney>(reference))
        }

        async fn check(&self, end: &End<'_, Payout>) -> Result<(), String> {
            let account: Account = end.env.state("a").await;
            let expected = match end.outcome {
                SagaOutcome::Completed => 70,
                SagaOutcome::Compensated | SagaOutcome::Failed => 100,
            };
            let is_right = account.cents == expected;
            is_right
                .then_some(())
                .ok_or(format!("the account has {} cents", account.cents))
        }
    }

    /// Runs the saga with every fault of every step.
    #[tokio::test(start_paused = true)]
    async fn money_is_sent_or_paid_back_whatever_fails() {
        let report = check(PayOutThirty).await;
        assert!(report.cases > 10, "{report:?}");
    }
}
