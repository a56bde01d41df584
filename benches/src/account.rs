//! The aggregate of the workloads: an account and its event.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent, Metadata};
use serde::{Deserialize, Serialize};

/// An event of about the same size as those of the shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
#[event(name = "Deposited")]
pub struct Deposited {
    pub account: String,
    pub amount_cents: i64,
    pub currency: String,
    pub reason: String,
}

impl Deposited {
    pub fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            amount_cents: 1_250,
            currency: "EUR".to_owned(),
            reason: "A standing order, paid in on the first of the month".to_owned(),
        }
    }
}

/// The sum of its deposits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub balance_cents: i64,
    pub deposits: u64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Deposited;

    fn evolve(&mut self, event: &Deposited, _at: DateTime<Utc>) {
        self.balance_cents += event.amount_cents;
        self.deposits += 1;
    }
}

/// Metadata as a request sets it.
pub fn metadata() -> Metadata {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    Metadata {
        operation: None,
        correlation_id: Some("01920f3e-7b1c-7c4e-9d2a-5f6e7a8b9c0d".to_owned()),
        causation_id: None,
        user_id: Some("customer-4711".to_owned()),
        trace: BTreeMap::from([("traceparent".to_owned(), trace.to_owned())]),
    }
}
