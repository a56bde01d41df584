//! A hint from a provider makes the next attempt due immediately.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use command_service::fulfilment::follow;
use domain::fulfilment::{Charge, OrderSaga, ProcessPayment};
use domain::order::Order;
use domain::value::{OrderStatus, Reference};
use event_sourcing::execute::Executor;
use event_sourcing::testing::TokioClock;
use event_sourcing::{Clock, EventStore, ExecutorConfig, LeaseStore, MemoryEventStore};
use sagas::testing::FakeProvider;
use sagas::{
    CallError, CompensationResult, EngineConfig, OperationKey, OperationStatus, SagaEngine,
    StepProvider,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::shop::{self, ORDER};

/// Loses the result of the first payment, and later sends an event about it.
#[derive(Debug)]
struct Forgetful {
    hints: Option<mpsc::Sender<OperationKey>>,
    has_lost: AtomicBool,
}

#[async_trait]
impl StepProvider<ProcessPayment> for Forgetful {
    async fn act(&self, key: &OperationKey, _: &Charge) -> Result<Reference, CallError> {
        if !self.has_lost.swap(true, Ordering::SeqCst) {
            if let Some(hints) = self.hints.clone() {
                let key = key.clone();
                // After the commit that records the lost result.
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    hints.send(key).await.expect("a listener");
                });
            }
            return Err(CallError::unknown("the result was lost"));
        }
        Ok(shop::payment_id())
    }

    async fn look_up(&self, _: &OperationKey) -> Result<OperationStatus<Reference>, CallError> {
        Ok(OperationStatus::Done(shop::payment_id()))
    }

    async fn undo(&self, _: &OperationKey, _: &Charge) -> Result<CompensationResult, CallError> {
        panic!("no compensation is expected");
    }
}

/// The time to confirm an order whose first payment result is lost, with or without a hint.
async fn time_to_confirm(is_hinted: bool) -> Duration {
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::start());
    let store = Arc::new(MemoryEventStore::new(Arc::clone(&clock)));
    let events = Arc::clone(&store) as Arc<dyn EventStore>;
    let config = ExecutorConfig::default();
    let (executor, _tasks) = Executor::start(Arc::clone(&events), Arc::clone(&clock), config);
    let executor = Arc::new(executor);
    let (hints, news) = mpsc::channel(1);
    let payments = Arc::new(Forgetful {
        hints: is_hinted.then_some(hints),
        has_lost: AtomicBool::new(false),
    });
    let leases = store as Arc<dyn LeaseStore>;
    let config = EngineConfig::new("test");
    let engine = SagaEngine::builder(
        Arc::clone(&executor),
        Arc::clone(&events),
        leases,
        Arc::clone(&clock),
        config,
    )
    .saga::<OrderSaga>();
    let engine =
        shop::providers(&FakeProvider::default(), engine).provider::<ProcessPayment>(payments);
    let (engine, _sagas) = engine.start().expect("an engine");
    let stopping = CancellationToken::new();
    let following = follow(
        news,
        Arc::clone(&executor),
        engine,
        Arc::clone(&clock),
        stopping,
    );
    tokio::spawn(following);
    shop::fill(&executor, &*clock).await;
    let start = Instant::now();
    loop {
        let (order, _) = executor.load::<Order>(ORDER).await.expect("an order");
        if order
            .values()
            .is_some_and(|order| order.status == OrderStatus::Confirmed)
        {
            return start.elapsed();
        }
        let head = events.head().await.expect("a head");
        events.wait_for(head.next()).await.expect("an event");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_from_the_provider_makes_the_next_attempt_due() {
    let by_itself = time_to_confirm(false).await;
    let hinted = time_to_confirm(true).await;
    assert!(
        by_itself >= Duration::from_millis(500),
        "it waited only {by_itself:?}"
    );
    assert!(hinted < Duration::from_millis(300), "it waited {hinted:?}");
}
