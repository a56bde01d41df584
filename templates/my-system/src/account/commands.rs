//! The commands. Each decides on all the streams that it concerns; what it reads is a precondition of its commit.

use event_sourcing::Metadata;
use event_sourcing::execute::{Command, DecideError, States, UnitOfWork};
use sagas::{SagaState, Summary, started};

use super::state::{Account, AccountRejection};
use crate::payout::{Payout, PayoutData};

type Decided = Result<(), DecideError<AccountRejection>>;

#[derive(Clone, Debug)]
pub struct OpenAccount {
    pub id: String,
    pub owner: String,
}

impl Command for OpenAccount {
    const NAME: &'static str = "open_account";
    type Rejection = AccountRejection;
    type Reply = Account;

    fn decide(&self, work: &mut UnitOfWork<'_, AccountRejection>) -> Decided {
        work.decide::<Account, _>(&self.id, |account| account.open(&self.owner))
    }

    fn reply(&self, states: &States) -> Option<Account> {
        Some(Account::clone(&states.get::<Account>(&self.id)?.0))
    }
}

#[derive(Clone, Debug)]
pub struct Deposit {
    pub id: String,
    pub cents: i64,
}

impl Command for Deposit {
    const NAME: &'static str = "deposit";
    type Rejection = AccountRejection;
    type Reply = Account;

    fn decide(&self, work: &mut UnitOfWork<'_, AccountRejection>) -> Decided {
        work.decide::<Account, _>(&self.id, |account| account.deposit(self.cents))
    }

    fn reply(&self, states: &States) -> Option<Account> {
        Some(Account::clone(&states.get::<Account>(&self.id)?.0))
    }
}

/// Starts the saga that pays money out, if the account has it now. The money leaves the account in the saga's first step.
#[derive(Clone, Debug)]
pub struct PayOut {
    /// The saga's id.
    pub id: String,
    pub data: PayoutData,
}

impl Command for PayOut {
    const NAME: &'static str = "pay_out";
    type Rejection = AccountRejection;
    type Reply = Summary;

    fn decide(&self, work: &mut UnitOfWork<'_, AccountRejection>) -> Decided {
        let PayoutData { account, cents, .. } = &self.data;
        work.state::<Account>(account)?.withdraw(*cents)?;
        let (data, metadata) = (self.data.clone(), Metadata::default());
        let started = started::<Payout>(&self.id, account, data, metadata);
        work.append::<SagaState<Payout>>(&self.id, &[started])
    }

    fn reply(&self, states: &States) -> Option<Summary> {
        states.get::<SagaState<Payout>>(&self.id)?.0.summary()
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::{given_streams, written};

    use super::*;
    use crate::account::{AccountEvent, Opened};

    fn open(owner: &str) -> OpenAccount {
        let (id, owner) = ("a".to_owned(), owner.to_owned());
        OpenAccount { id, owner }
    }

    fn opened() -> AccountEvent {
        let owner = "ann".to_owned();
        AccountEvent::Opened(Opened { owner })
    }

    #[test]
    fn an_account_is_opened_once() {
        given_streams()
            .when(&open("ann"))
            .then([written::<Account>("a", [opened()])]);
        given_streams()
            .with::<Account>("a", [opened()])
            .when(&open("bob"))
            .then_rejected(AccountRejection::AlreadyOpen);
    }

    #[test]
    fn what_an_account_has_not_is_not_paid_out() {
        let data = PayoutData {
            account: "a".to_owned(),
            cents: 5,
            iban: "DE02".to_owned(),
            reference: None,
        };
        let id = "p".to_owned();
        given_streams()
            .with::<Account>("a", [opened()])
            .when(&PayOut { id, data })
            .then_rejected(AccountRejection::NotEnough { has: 0, wanted: 5 });
    }
}
