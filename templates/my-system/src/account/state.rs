//! What the events of an account add up to, and its rules.

use chrono::{DateTime, Utc};
use event_sourcing::Aggregate;
use serde::{Deserialize, Serialize};

use super::event::{AccountEvent, Amount, Opened};

const MAX_OWNER_CHARS: usize = 100;

/// Without an owner it is not open yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub owner: Option<String>,
    pub cents: i64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _at: DateTime<Utc>) {
        match event {
            AccountEvent::Opened(opened) => self.owner = Some(opened.owner.clone()),
            AccountEvent::Deposited(amount) => self.cents = self.cents.saturating_add(amount.cents),
            AccountEvent::Withdrawn(amount) => self.cents = self.cents.saturating_sub(amount.cents),
        }
    }
}

/// Why a command on an account is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRejection {
    #[error("owner has 1 to {MAX_OWNER_CHARS} characters, got {0}")]
    OwnerLength(usize),
    #[error("cents is at least 1, got {0}")]
    NotPositive(i64),
    #[error("the account is open already")]
    AlreadyOpen,
    #[error("there is no such account")]
    NotOpen,
    #[error("{wanted} cents are wanted, and the account has {has}")]
    NotEnough { has: i64, wanted: i64 },
}

impl Account {
    /// # Errors
    /// [`AccountRejection`]
    pub fn open(&self, owner: &str) -> Result<Vec<AccountEvent>, AccountRejection> {
        let length = owner.chars().count();
        if owner.trim().is_empty() || length > MAX_OWNER_CHARS {
            return Err(AccountRejection::OwnerLength(length));
        }
        if self.owner.is_some() {
            return Err(AccountRejection::AlreadyOpen);
        }
        let owner = owner.to_owned();
        Ok(vec![AccountEvent::Opened(Opened { owner })])
    }

    /// # Errors
    /// [`AccountRejection`]
    pub fn deposit(&self, cents: i64) -> Result<Vec<AccountEvent>, AccountRejection> {
        self.require_open_and_positive(cents)?;
        Ok(vec![AccountEvent::Deposited(Amount { cents })])
    }

    /// # Errors
    /// [`AccountRejection`]
    pub fn withdraw(&self, cents: i64) -> Result<Vec<AccountEvent>, AccountRejection> {
        self.require_open_and_positive(cents)?;
        if cents > self.cents {
            let (has, wanted) = (self.cents, cents);
            return Err(AccountRejection::NotEnough { has, wanted });
        }
        Ok(vec![AccountEvent::Withdrawn(Amount { cents })])
    }

    fn require_open_and_positive(&self, cents: i64) -> Result<(), AccountRejection> {
        if cents < 1 {
            return Err(AccountRejection::NotPositive(cents));
        }
        if self.owner.is_none() {
            return Err(AccountRejection::NotOpen);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::given;

    use super::*;

    fn opened() -> AccountEvent {
        let owner = "ann".to_owned();
        AccountEvent::Opened(Opened { owner })
    }

    fn deposited(cents: i64) -> AccountEvent {
        AccountEvent::Deposited(Amount { cents })
    }

    #[test]
    fn money_is_withdrawn_while_there_is_some() {
        let withdrawn = |cents| AccountEvent::Withdrawn(Amount { cents });
        given::<Account>([opened(), deposited(100), withdrawn(70)])
            .when(|account| account.withdraw(30))
            .then([withdrawn(30)]);
    }

    #[test]
    fn no_account_is_overdrawn() {
        let rejection = AccountRejection::NotEnough {
            has: 100,
            wanted: 101,
        };
        given::<Account>([opened(), deposited(100)])
            .when(|account| account.withdraw(101))
            .then_rejected(rejection);
    }

    #[test]
    fn an_amount_is_positive() {
        given::<Account>([opened()])
            .when(|account| account.deposit(0))
            .then_rejected(AccountRejection::NotPositive(0));
    }

    #[test]
    fn an_owner_has_a_name() {
        given::<Account>([])
            .when(|account| account.open(""))
            .then_rejected(AccountRejection::OwnerLength(0));
    }
}
