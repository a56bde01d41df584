//! What happened to an account. Names and shapes are stored, and are read as long as the system lives.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum AccountEvent {
    #[event(name = "AccountOpened")]
    Opened(Opened),
    #[event(name = "MoneyDeposited")]
    Deposited(Amount),
    #[event(name = "MoneyWithdrawn")]
    Withdrawn(Amount),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub owner: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub cents: i64,
}
