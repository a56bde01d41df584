//! Runs the conformance suite against a tail, which is a store as well.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use event_sourcing::clock::ManualClock;
use event_sourcing::{Filter, MemoryEventStore, Position, Tail};
use event_store_conformance::{Handle, Harness, conformance_tests};

struct TailHarness {
    clock: Arc<ManualClock>,
    store: Arc<MemoryEventStore>,
    tail: Arc<Tail>,
}

impl TailHarness {
    fn start() -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let store = Arc::new(MemoryEventStore::new(Arc::clone(&clock) as _));
        let tail = Arc::new(Tail::new(Arc::clone(&store) as _, Filter::ALL));
        Self { clock, store, tail }
    }
}

#[async_trait]
impl Harness for TailHarness {
    async fn open(&self) -> Handle {
        Handle {
            events: Arc::clone(&self.tail) as _,
            leases: Arc::clone(&self.store) as _,
        }
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

conformance_tests!(async { TailHarness::start() });
