//! The memory store keeps every promise.

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

    async fn damage(&self, position: Position, way: usize) -> bool {
        let is_known = way == 0;
        if is_known {
            self.store.damage(position, "damaged by a test");
        }
        is_known
    }
}

conformance_tests!(async { MemoryHarness::start() });
