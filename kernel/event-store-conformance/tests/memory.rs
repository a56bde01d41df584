//! Runs the conformance suite against the memory store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use event_sourcing::clock::ManualClock;
use event_sourcing::{MemoryEventStore, Position};
use event_store_conformance::{Handle, Harness, conformance_tests};

struct MemoryHarness {
    clock: Arc<ManualClock>,
    store: Arc<MemoryEventStore>,
}

impl MemoryHarness {
    fn start() -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let store = Arc::new(MemoryEventStore::new(Arc::clone(&clock) as _));
        Self { clock, store }
    }
}

#[async_trait]
impl Harness for MemoryHarness {
    async fn open(&self) -> Handle {
        Handle::new(Arc::clone(&self.store))
    }

    async fn advance(&self, by: Duration) {
        self.clock
            .advance(TimeDelta::from_std(by).expect("a short time"));
    }

    async fn damage(&self, position: Position, variant: usize) -> bool {
        let is_supported = variant == 0;
        if is_supported {
            self.store.damage(position, "damaged by a test");
        }
        is_supported
    }
}

conformance_tests!(async { MemoryHarness::start() });
