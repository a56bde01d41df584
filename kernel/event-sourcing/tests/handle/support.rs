//! A log, a handler that records its deliveries, and processes that run it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_sourcing::handler::{
    Delivery, EventHandler, HandlerConfig, HandlerControl, HandlerControlEvent, HandlerError,
    HandlerParts, HandlerRunner, HandlerState, HandlerStore, ParkedStream, Reactions, Start,
};
use event_sourcing::testing::doc::{Counter, Incremented};
use event_sourcing::testing::{ReplaceableStore, at};
use event_sourcing::{
    Actor, Aggregate, CommandId, Commit, DomainEvent, EncodedEvent, EventStore, ExpectedVersion,
    LeaseStore, MemoryEventStore, MemoryHandlerStore, Metadata, NewEvent, Position, StreamId,
    SystemClock, Write,
};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The external receiver, which outlives processes.
pub struct Receiver {
    /// Each attempt: stream, number, key.
    pub tries: Mutex<Vec<(String, u64, String)>>,
    /// Each attempt that succeeded.
    pub handled: Mutex<Vec<(String, u64)>>,
    /// Whether 13 fails permanently and 7 transiently.
    pub is_broken: AtomicBool,
    /// The number of further attempts that fail, whatever the event.
    pub failures: AtomicU64,
    /// Every attempt needs a permit.
    pub gate: Semaphore,
    pub in_flight: AtomicU64,
    pub most_in_flight: AtomicU64,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            tries: Mutex::default(),
            handled: Mutex::default(),
            is_broken: AtomicBool::new(true),
            failures: AtomicU64::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            in_flight: AtomicU64::new(0),
            most_in_flight: AtomicU64::new(0),
        }
    }
}

impl Receiver {
    /// The handled numbers of a stream, in order.
    pub fn of(&self, stream: &str) -> Vec<u64> {
        let handled = self.handled.lock().unwrap();
        let own = handled.iter().filter(|(id, _)| id == stream);
        own.map(|(_, by)| *by).collect()
    }

    /// The same without repeats.
    pub fn first_of(&self, stream: &str) -> Vec<u64> {
        let mut seen = Vec::new();
        for by in self.of(stream) {
            if !seen.contains(&by) {
                seen.push(by);
            }
        }
        seen
    }

    pub fn tries_of(&self, stream: &str) -> usize {
        let tries = self.tries.lock().unwrap();
        tries.iter().filter(|(id, ..)| id == stream).count()
    }

    pub fn repair(&self) {
        self.is_broken.store(false, Ordering::SeqCst);
    }

    async fn take(&self, stream: &str, by: u64, key: String) -> Result<(), HandlerError> {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let permit = self.gate.acquire().await.unwrap();
        permit.forget();
        // The receiver is not instantaneous, so that deliveries overlap.
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let tried = (stream.to_owned(), by, key);
        self.tries.lock().unwrap().push(tried);
        let left = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if left.is_ok() {
            return Err(HandlerError::retryable("a transient failure"));
        }
        if self.is_broken.load(Ordering::SeqCst) {
            match by {
                13 => return Err(HandlerError::permanent("13 is not taken")),
                7 => return Err(HandlerError::retryable("7 is not taken now")),
                _ => {}
            }
        }
        let handled = (stream.to_owned(), by);
        self.handled.lock().unwrap().push(handled);
        Ok(())
    }
}

/// Sends the numbers to a receiver.
pub struct Sending<const FROM_START: bool>(pub Arc<Receiver>);

impl<const FROM_START: bool> EventHandler for Sending<FROM_START> {
    const NAME: &'static str = "sending";
    const START: Start = if FROM_START {
        Start::Beginning
    } else {
        Start::Now
    };

    fn reactions(&self, on: &mut Reactions<Self>) {
        on.aggregate::<Counter>(Self::on_counter)
            .ignoring(&["Renamed"]);
    }
}

impl<const FROM_START: bool> Sending<FROM_START> {
    async fn on_counter(
        &self,
        event: &Incremented,
        delivery: Delivery<'_>,
    ) -> Result<(), HandlerError> {
        let stream = delivery.envelope.stream.aggregate_id();
        let key = delivery.idempotency_key();
        self.0.take(stream, event.by, key).await
    }
}

/// The log and the stores that all processes share.
pub struct Fixture {
    pub log: Arc<ReplaceableStore>,
    pub leases: Arc<MemoryEventStore>,
    pub store: Arc<MemoryHandlerStore>,
    pub receiver: Arc<Receiver>,
}

pub struct Running {
    pub state: watch::Receiver<HandlerState>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

pub fn memory() -> MemoryEventStore {
    MemoryEventStore::new(Arc::new(SystemClock))
}

pub fn operator() -> Actor {
    Actor {
        id: "an operator".to_owned(),
        reason: "a test".to_owned(),
    }
}

impl Fixture {
    pub fn new() -> Self {
        Self {
            log: Arc::new(ReplaceableStore::new(memory())),
            leases: Arc::new(memory()),
            store: Arc::default(),
            receiver: Arc::default(),
        }
    }

    pub async fn append(&self, id: &str, steps: impl IntoIterator<Item = u64>) {
        for by in steps {
            self.append_one(id, Incremented { by }.encode()).await;
        }
    }

    pub async fn append_one(&self, id: &str, event: EncodedEvent) {
        self.append_to(Counter::stream(id), event).await;
    }

    pub async fn append_to(&self, stream: StreamId, event: EncodedEvent) {
        let head = self.log.head().await.unwrap().0;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&head.to_be_bytes());
        let event = NewEvent {
            event,
            metadata: Metadata::default(),
        };
        let write = Write {
            stream,
            expected: ExpectedVersion::Any,
            events: vec![event],
        };
        let id = CommandId::from_parts(at(0), random);
        let commit = Commit::try_new(id, at(0), vec![write], None).unwrap();
        let answers = self.log.append(&[commit]).await.unwrap();
        answers[0].as_ref().unwrap();
    }

    /// Records a decision of an operator.
    pub async fn decide(&self, decide: impl FnOnce(&HandlerControl) -> Vec<HandlerControlEvent>) {
        for event in decide(&HandlerControl::default()) {
            let stream = HandlerControl::stream("sending");
            self.append_to(stream, event.encode()).await;
        }
    }

    pub async fn resume_stream(&self, id: &str) {
        let stream = Counter::stream(id).to_string();
        self.decide(|control| control.resume_stream("sending", &stream, operator()))
            .await;
    }

    pub async fn skip(&self, id: &str, position: u64) {
        let stream = Counter::stream(id).to_string();
        self.decide(|control| control.skip("sending", &stream, Position(position), operator()))
            .await;
    }

    pub fn config() -> HandlerConfig {
        HandlerConfig {
            page: 7,
            ..HandlerConfig::new("one")
        }
    }

    pub fn run(&self) -> Running {
        self.run_with(Self::config())
    }

    pub fn run_with(&self, config: HandlerConfig) -> Running {
        self.run_handler(Sending::<true>(Arc::clone(&self.receiver)), config)
    }

    pub fn run_handler<H: EventHandler>(&self, handler: H, config: HandlerConfig) -> Running {
        let parts = HandlerParts {
            log: Arc::clone(&self.log) as Arc<dyn EventStore>,
            leases: Arc::clone(&self.leases) as Arc<dyn LeaseStore>,
            store: Arc::clone(&self.store) as Arc<dyn HandlerStore>,
            clock: Arc::new(SystemClock),
        };
        let runner = HandlerRunner::new(handler, parts, config);
        let (state, stop) = (runner.state(), CancellationToken::new());
        let task = tokio::spawn(runner.run(stop.clone()));
        Running { state, stop, task }
    }

    pub async fn parked(&self) -> BTreeMap<String, ParkedStream> {
        let progress = self.store.progress("sending").await.unwrap();
        let parked = progress.parked.into_iter();
        parked
            .map(|row| (row.stream.aggregate_id().to_owned(), row))
            .collect()
    }

    pub async fn checkpoint(&self) -> u64 {
        let progress = self.store.progress("sending").await.unwrap();
        progress.mark.map_or(0, |mark| mark.position.0)
    }
}

impl Running {
    pub async fn reaches(&mut self, position: u64) {
        self.until(|state| state.position.0 >= position).await;
    }

    pub async fn until(&mut self, fact: impl FnMut(&HandlerState) -> bool) {
        tokio::time::timeout(Duration::from_hours(1), self.state.wait_for(fact))
            .await
            .unwrap_or_else(|_| panic!("timed out"))
            .expect("the runner is running");
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends like a killed process.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}
