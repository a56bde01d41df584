//! The projection runner: rows equal the fold of the log, whatever fails and whichever processes run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod idle;
mod log;
mod parking;
mod paused;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::projection::control::{ProjectionResumed, ProjectionSkipped};
use event_sourcing::projection::{
    Actor, ControlEvent, EventContext, FoldError, Handlers, PageWrite, Parked, ProjectionControl,
    ProjectionProgress, ProjectionStore, Runner, RunnerConfig, RunnerState,
};
use event_sourcing::testing::doc::{Counter, Incremented};
use event_sourcing::testing::{ReplaceableStore, at};
use event_sourcing::{
    Aggregate, CommandId, Commit, DomainEvent, EncodedEvent, EventStore, ExpectedVersion, Filter,
    Lease, LeaseRetention, LeaseStore, LogMark, MemoryEventStore, Metadata, NewEvent, Position,
    Projection, StoreError, StreamId, SystemClock, Token, Write,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Sums a counter. An old binary cannot fold 13.
struct Sums<const COUNTS_13: bool>;

type Old = Sums<false>;

impl<const COUNTS_13: bool> Projection for Sums<COUNTS_13> {
    const NAME: &'static str = "sums";
    const SCHEMA_VERSION: u32 = 1;
    type Row = u64;

    fn handlers(on: &mut Handlers<Self>) {
        let sum = |row: Option<u64>, event: &Incremented, context: EventContext<'_>| {
            if event.by == 13 && context.key == "all" && !COUNTS_13 {
                return Err(FoldError("13 is not counted".to_owned()));
            }
            Ok(Some(row.unwrap_or(0) + event.by))
        };
        on.try_aggregate::<Counter>(sum)
            .keyed_by(|_, envelope| {
                let id = envelope.stream.aggregate_id();
                [id.to_owned(), "all".to_owned()]
            })
            .ignoring(&["Renamed"]);
    }
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<String, u64>,
    position: Position,
    mark: Option<LogMark>,
    is_building: bool,
    token: Option<Token>,
    parked: Option<Parked>,
    restarts: usize,
    writes: usize,
}

/// Rows in memory. Writes can fail, before or after taking effect.
#[derive(Default)]
struct Rows {
    table: Mutex<Table>,
    fail_every: usize,
    calls: AtomicUsize,
    /// The duration of each write, and the only connection.
    writing: Duration,
    connection: tokio::sync::Mutex<()>,
    demand: watch::Sender<Position>,
}

impl Rows {
    /// Rows that have not caught up yet.
    fn building() -> Self {
        let table = Table {
            is_building: true,
            ..Table::default()
        };
        Self {
            table: Mutex::new(table),
            ..Self::default()
        }
    }
}

/// Leases in the database of the rows: they need the same connection.
struct Leases {
    log: Arc<MemoryEventStore>,
    rows: Arc<Rows>,
}

#[async_trait]
impl LeaseStore for Leases {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let _connection = self.rows.connection.lock().await;
        self.log.acquire_leases(names, owner, ttl, retention).await
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let _connection = self.rows.connection.lock().await;
        self.log.renew_leases(owner, ttl).await
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let _connection = self.rows.connection.lock().await;
        self.log.release_leases(names, owner).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let _connection = self.rows.connection.lock().await;
        self.log.held_leases(prefix).await
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let _connection = self.rows.connection.lock().await;
        self.log.seize_leases(names, owner, ttl).await
    }
}

fn broken() -> StoreError {
    StoreError::Unavailable {
        operation: "write",
        source: Arc::from(Box::from("broken")),
    }
}

#[async_trait]
impl<const COUNTS_13: bool> ProjectionStore<Sums<COUNTS_13>> for Rows {
    fn requested_position(&self) -> Option<watch::Receiver<Position>> {
        Some(self.demand.subscribe())
    }

    async fn begin(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let mut table = self.table.lock().unwrap();
        if table.token.is_some_and(|present| present > token) {
            return Ok(None);
        }
        table.token = Some(token);
        Ok(Some(ProjectionProgress {
            position: table.position,
            mark: table.mark,
            caught_up: !table.is_building,
            parked: table.parked.clone(),
        }))
    }

    async fn restart(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        {
            let mut table = self.table.lock().unwrap();
            if table.token != Some(token) {
                return Ok(None);
            }
            table.rows.clear();
            table.position = Position::START;
            table.mark = None;
            table.is_building = true;
            table.restarts += 1;
        }
        ProjectionStore::<Sums<COUNTS_13>>::begin(self, token).await
    }

    async fn progress(&self) -> Result<ProjectionProgress, StoreError> {
        let table = self.table.lock().unwrap();
        Ok(ProjectionProgress {
            position: table.position,
            mark: table.mark,
            caught_up: !table.is_building,
            parked: table.parked.clone(),
        })
    }

    async fn load(&self, keys: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        let table = self.table.lock().unwrap();
        Ok(keys
            .iter()
            .filter_map(|key| Some((key.clone(), *table.rows.get(key)?)))
            .collect())
    }

    async fn write(&self, page: PageWrite<u64>) -> Result<bool, StoreError> {
        let _connection = self.connection.lock().await;
        tokio::time::sleep(self.writing).await;
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let failing = self.fail_every > 0 && call.is_multiple_of(self.fail_every);
        if failing && call.is_multiple_of(2) {
            return Err(broken());
        }
        let mut table = self.table.lock().unwrap();
        if table.position != page.from || table.token != Some(page.token) {
            return Ok(false);
        }
        for (key, row) in page.changes {
            match row {
                Some(row) => table.rows.insert(key, row),
                None => table.rows.remove(&key),
            };
        }
        table.position = page.read_up_to;
        table.mark = Some(page.mark);
        table.is_building = !page.caught_up;
        table.parked = page.parked;
        table.writes += 1;
        if failing { Err(broken()) } else { Ok(true) }
    }
}

fn operator() -> Actor {
    Actor {
        id: "an operator".to_owned(),
        reason: "a test".to_owned(),
    }
}

struct Fixture {
    log: Arc<ReplaceableStore>,
    leases: Arc<MemoryEventStore>,
    /// Makes events at one position differ before and after a restore.
    epoch: u64,
    rows: Arc<Rows>,
}

fn memory() -> MemoryEventStore {
    MemoryEventStore::new(Arc::new(SystemClock))
}

struct Running {
    state: watch::Receiver<RunnerState>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Fixture {
    fn new(rows: Rows) -> Self {
        Self {
            log: Arc::new(ReplaceableStore::new(memory())),
            leases: Arc::new(memory()),
            epoch: 0,
            rows: Arc::new(rows),
        }
    }

    async fn append(&self, id: &str, steps: impl IntoIterator<Item = u64>) {
        for by in steps {
            self.append_one(id, Incremented { by }.encode()).await;
        }
    }

    /// Appends events that the projection ignores.
    async fn append_others(&self, count: usize) {
        for _ in 0..count {
            let other = EncodedEvent {
                event_type: "Renamed",
                schema_version: 1,
                data: "{}".to_owned(),
            };
            self.append_one("a", other).await;
        }
    }

    async fn append_one(&self, id: &str, event: EncodedEvent) {
        self.append_to(Counter::stream(id), event).await;
    }

    /// Records a decision of an operator about the projection.
    async fn decide(&self, event: ControlEvent) {
        self.append_to(ProjectionControl::stream(Old::NAME), event.encode())
            .await;
    }

    async fn resume(&self) {
        self.decide(ControlEvent::Resumed(ProjectionResumed {
            projection: Old::NAME.to_owned(),
            actor: operator(),
        }))
        .await;
    }

    async fn skip(&self, position: u64) {
        self.decide(ControlEvent::Skipped(ProjectionSkipped {
            projection: Old::NAME.to_owned(),
            position: Position(position),
            actor: operator(),
        }))
        .await;
    }

    async fn append_to(&self, stream: StreamId, event: EncodedEvent) {
        let head = self.log.head().await.unwrap().0;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&(head + self.epoch * 1_000_000).to_be_bytes());
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
        self.log.append(&[commit]).await.unwrap()[0]
            .as_ref()
            .unwrap();
    }

    fn run(&self, owner: &str) -> Running {
        self.run_binary::<false>(owner)
    }

    fn run_binary<const COUNTS_13: bool>(&self, owner: &str) -> Running {
        self.run_on::<COUNTS_13>(Arc::clone(&self.log) as Arc<dyn EventStore>, owner)
    }

    fn run_on<const COUNTS_13: bool>(&self, log: Arc<dyn EventStore>, owner: &str) -> Running {
        let config = RunnerConfig {
            page: 7,
            ..RunnerConfig::new(owner)
        };
        let runner = Runner::new(
            log,
            Arc::clone(&self.rows) as Arc<dyn ProjectionStore<Sums<COUNTS_13>>>,
            Arc::new(Leases {
                log: Arc::clone(&self.leases),
                rows: Arc::clone(&self.rows),
            }),
            config,
        );
        let (state, stop) = (runner.state(), CancellationToken::new());
        let task = tokio::spawn(runner.run(stop.clone()));
        Running { state, stop, task }
    }

    fn rows(&self) -> BTreeMap<String, u64> {
        self.rows.table.lock().unwrap().rows.clone()
    }
}

impl Running {
    async fn reaches(&mut self, position: u64) {
        self.until(|state| state.position.0 >= position).await;
    }

    async fn until(&mut self, fact: impl FnMut(&RunnerState) -> bool) {
        tokio::time::timeout(Duration::from_mins(1), self.state.wait_for(fact))
            .await
            .unwrap_or_else(|_| panic!("timed out"))
            .expect("the runner is running");
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn sums<const N: usize>(rows: [(&str, u64); N]) -> BTreeMap<String, u64> {
    rows.into_iter()
        .map(|(key, sum)| (key.to_owned(), sum))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn rows_are_the_fold_of_the_log_and_follow_it() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", 101..=120).await;
    let mut running = fixture.run("one");
    running.reaches(20).await;
    fixture.append("b", [5]).await;
    running.reaches(21).await;
    assert_eq!(
        fixture.rows(),
        sums([("a", 2_210), ("b", 5), ("all", 2_215)])
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_before_or_after_writing_causes_no_double_count() {
    let fixture = Fixture::new(Rows {
        fail_every: 3,
        ..Rows::default()
    });
    fixture.append("a", 101..=200).await;
    let mut running = fixture.run("one");
    running.reaches(100).await;
    assert_eq!(fixture.rows(), sums([("a", 15_050), ("all", 15_050)]));
    assert!(fixture.rows.calls.load(Ordering::Relaxed) > fixture.rows.table.lock().unwrap().writes);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_folded_parks_the_projection_and_earlier_events_stay_folded() {
    let fixture = Fixture::new(Rows::default());
    fixture.append("a", [1, 2, 13, 4]).await;
    let mut running = fixture.run("one");
    running.until(|state| state.parked.is_some()).await;
    let state = running.state.borrow().clone();
    assert_eq!(state.position, Position(2));
    assert_eq!(state.parked.unwrap().reason, "13 is not counted");
    // Neither of the event's two rows has changed.
    assert_eq!(fixture.rows(), sums([("a", 3), ("all", 3)]));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_runner_works_and_another_takes_over_when_it_stops() {
    let fixture = Fixture::new(Rows::default());
    let mut first = fixture.run("one");
    first.until(|state| state.active).await;
    let mut second = fixture.run("two");
    fixture.append("a", 1..=10).await;
    first.reaches(10).await;
    assert!(!second.state.borrow().active);
    first.stop().await;
    fixture.append("a", 1..=10).await;
    second.reaches(20).await;
    assert_eq!(fixture.rows(), sums([("a", 110), ("all", 110)]));
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_runner_with_an_old_token_writes_nothing() {
    let fixture = Fixture::new(Rows::default());
    let mut zombie = fixture.run("one");
    zombie.until(|state| state.active).await;
    // Another process has stored a newer token; this one still considers its lease valid.
    fixture.rows.table.lock().unwrap().token = Some(Token(99));
    fixture.append("a", [1]).await;
    zombie.until(|state| !state.active).await;
    assert_eq!(fixture.rows(), sums([]));
    zombie.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_needs_the_writers_connection_does_not_deadlock_with_the_page() {
    let lease = RunnerConfig::new("").lease;
    let fixture = Fixture::new(Rows {
        // The renewal is due while the first page is written.
        writing: lease / 2,
        ..Rows::default()
    });
    fixture.append("a", 101..=120).await;
    let mut running = fixture.run("one");
    running.reaches(20).await;
    assert_eq!(fixture.rows(), sums([("a", 2_210), ("all", 2_210)]));
    // Each of the three pages was written once.
    assert_eq!(fixture.rows.calls.load(Ordering::Relaxed), 3);
    running.stop().await;
}
