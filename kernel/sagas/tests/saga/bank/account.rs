//! The aggregate: a state, its events, and pure decisions.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    pub cents: i64,
}

#[derive(Clone, Debug, DomainEvent)]
pub enum AccountEvent {
    #[event(name = "Deposited")]
    Deposited(Moved),
    #[event(name = "Withdrawn")]
    Withdrawn(Moved),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Moved {
    pub cents: i64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _at: DateTime<Utc>) {
        match event {
            AccountEvent::Deposited(moved) => self.cents += moved.cents,
            AccountEvent::Withdrawn(moved) => self.cents -= moved.cents,
        }
    }
}

#[derive(Debug, PartialEq)]
pub enum Rejection {
    Overdrawn { cents: i64 },
}

pub fn withdraw(account: &Account, cents: i64) -> Result<Vec<AccountEvent>, Rejection> {
    if account.cents < cents {
        return Err(Rejection::Overdrawn {
            cents: account.cents,
        });
    }
    Ok(vec![AccountEvent::Withdrawn(Moved { cents })])
}

pub fn deposit(cents: i64) -> Vec<AccountEvent> {
    vec![AccountEvent::Deposited(Moved { cents })]
}
