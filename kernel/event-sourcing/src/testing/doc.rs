//! A counter, for the examples in this crate's documentation.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::DomainEvent;
use crate::aggregate::Aggregate;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    pub value: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DomainEvent)]
#[event(name = "Incremented")]
pub struct Incremented {
    pub by: u64,
}

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Incremented;

    fn evolve(&mut self, event: &Incremented, _at: DateTime<Utc>) {
        self.value = self.value.saturating_add(event.by);
    }
}

/// Increments by a positive number.
///
/// # Errors
/// If `by` is 0.
pub fn increment(_counter: &Counter, by: u64) -> Result<Vec<Incremented>, String> {
    if by == 0 {
        Err("by must be positive".to_owned())
    } else {
        Ok(vec![Incremented { by }])
    }
}
