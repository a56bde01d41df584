//! The aggregate: a state, its events, and pure decisions.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DecodeError, DomainEvent, EncodedEvent, upcast};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    pub cents: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AccountEvent {
    Deposited { deposited: i64 },
    Withdrawn { withdrawn: i64 },
}

impl DomainEvent for AccountEvent {
    fn encode(&self) -> EncodedEvent {
        let (event_type, key, cents) = match self {
            Self::Deposited { deposited } => ("Deposited", "deposited", deposited),
            Self::Withdrawn { withdrawn } => ("Withdrawn", "withdrawn", withdrawn),
        };
        EncodedEvent {
            event_type,
            schema_version: 1,
            data: format!("{{\"{key}\":{cents}}}"),
        }
    }

    fn decode(event_type: &str, version: u32, data: &str) -> Result<Self, DecodeError> {
        upcast::read(event_type, version, data, &[])
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _at: DateTime<Utc>) {
        match event {
            AccountEvent::Deposited { deposited } => self.cents += deposited,
            AccountEvent::Withdrawn { withdrawn } => self.cents -= withdrawn,
        }
    }
}

#[derive(Debug, PartialEq)]
pub enum Refusal {
    Overdrawn { cents: i64 },
}

pub fn withdraw(account: &Account, cents: i64) -> Result<Vec<AccountEvent>, Refusal> {
    if account.cents < cents {
        return Err(Refusal::Overdrawn {
            cents: account.cents,
        });
    }
    Ok(vec![AccountEvent::Withdrawn { withdrawn: cents }])
}

pub fn deposit(cents: i64) -> Vec<AccountEvent> {
    vec![AccountEvent::Deposited { deposited: cents }]
}
