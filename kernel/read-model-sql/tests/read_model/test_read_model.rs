//! A log that can grow and be replaced, and runners of two versions of a projection, each with the handles of a
//! separate process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use event_sourcing::projection::{ProjectionStore, Runner, RunnerConfig, RunnerState};
use event_sourcing::testing::ReplaceableStore;
use event_sourcing::{
    CommandId, Commit, EncodedEvent, EventStore, ExpectedVersion, LeaseStore, MemoryEventStore,
    Metadata, NewEvent, Position, StreamId, SystemClock, Write,
};
use read_model_sql::rebuild::{RebuildRequest, RebuildState, RebuildStatus};
use read_model_sql::{
    Checkpoint, Database, Engine, RebuildControl, RebuildTask, Row, SqlLeaseStore,
    SqlProjectionStore, Statement,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{Counter, Counters, Fresh};

pub const TIMEOUT: Duration = Duration::from_secs(30);
/// Events of a page: few, so that a build takes several pages.
const PAGE: usize = 10;
/// Duration of a lease, and so how long that of a killed process stays valid.
const LEASE: Duration = Duration::from_secs(2);

pub struct TestReadModel {
    pub log: Arc<ReplaceableStore>,
    pub fresh: Fresh,
    commands: AtomicU64,
    processes: AtomicU64,
}

/// The handles and tasks of a process that folds.
pub struct Process {
    pub database: Database,
    pub state: watch::Receiver<RunnerState>,
    pub checkpoint: watch::Receiver<Checkpoint>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

pub fn memory() -> MemoryEventStore {
    MemoryEventStore::new(Arc::new(SystemClock))
}

impl TestReadModel {
    pub async fn both() -> [Self; 2] {
        Fresh::both().await.map(|fresh| Self {
            log: Arc::new(ReplaceableStore::new(memory())),
            fresh,
            commands: AtomicU64::new(1),
            processes: AtomicU64::new(1),
        })
    }

    /// Appends `count` events to a few streams.
    pub async fn append(&self, count: u64) {
        for _ in 0..count {
            let number = self.commands.fetch_add(1, Ordering::Relaxed);
            let event = EncodedEvent {
                event_type: "Counted",
                schema_version: 1,
                data: "{}".to_owned(),
            };
            let write = Write {
                stream: StreamId::new("counter", format!("c{}", number % 7)),
                expected: ExpectedVersion::Any,
                events: vec![NewEvent {
                    event,
                    metadata: Metadata::default(),
                }],
            };
            let mut random = [0; 10];
            random[2..].copy_from_slice(&number.to_be_bytes());
            let id = CommandId::from_parts(DateTime::UNIX_EPOCH, random);
            let commit = Commit::try_new(id, DateTime::UNIX_EPOCH, vec![write], None);
            let answers = self.log.append(&[commit.expect("a commit")]).await;
            assert!(answers.expect("appended")[0].is_ok());
        }
    }

    pub async fn head(&self) -> Position {
        self.log.head().await.expect("a head")
    }

    /// Starts a process whose projections have schema versions higher by `raised_by`.
    pub async fn start(&self, raised_by: u32) -> Process {
        let database = self.fresh.open().await.with_versions_raised_by(raised_by);
        let rows = open_store(&database, self).await;
        let owner = format!("process-{}", self.processes.fetch_add(1, Ordering::Relaxed));
        let config = RunnerConfig {
            page: PAGE,
            lease: LEASE,
            ..RunnerConfig::new(owner.clone())
        };
        let leases = Arc::new(SqlLeaseStore::new(database.clone()));
        let runner = Runner::<Counters>::new(
            Arc::clone(&self.log) as Arc<dyn EventStore>,
            Arc::new(rows) as Arc<dyn ProjectionStore<Counters>>,
            Arc::clone(&leases) as Arc<dyn LeaseStore>,
            config,
        );
        if database.engine() == Engine::Sqlite {
            // Only one process uses the file, so leases in it belong to a process that has ended.
            let names = [runner.lease()];
            let seized = leases.seize_leases(&names, &owner, LEASE).await;
            seized.expect("a lease");
        }
        let (state, stop) = (runner.state(), CancellationToken::new());
        let checkpoint = database
            .checkpoints()
            .follow(database.version_of::<Counters>());
        let mut tasks = JoinSet::new();
        tasks.spawn(runner.run(stop.clone()));
        let (feed, stopped) = (database.clone(), stop.clone());
        tasks.spawn(async move {
            stopped
                .run_until_cancelled(feed.checkpoints().run(&feed))
                .await;
        });
        Process {
            database,
            state,
            checkpoint,
            stop,
            tasks,
        }
    }

    /// Starts a process that only rebuilds.
    pub async fn start_rebuilding(&self) -> RebuildProcess {
        let database = self.fresh.open().await;
        let control = RebuildControl::of::<Counters>(&database);
        let owner = format!("rebuild-{}", self.processes.fetch_add(1, Ordering::Relaxed));
        let leases = Arc::new(SqlLeaseStore::new(database.clone()));
        let config = RunnerConfig {
            page: PAGE,
            lease: LEASE,
            ..RunnerConfig::new(owner.clone())
        };
        let log = Arc::clone(&self.log) as Arc<dyn EventStore>;
        let shared = Arc::clone(&leases) as Arc<dyn LeaseStore>;
        let task = RebuildTask::<Counters>::new(control.clone(), log, shared, &config);
        // The test has ended every process that had the lease.
        let seized = leases.seize_leases(&[task.lease()], &owner, LEASE).await;
        seized.expect("a lease");
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(stop.clone()));
        RebuildProcess {
            database,
            control,
            stop,
            tasks,
        }
    }

    /// The fold of the log.
    pub async fn expected(&self) -> Vec<Counter> {
        let fresh = Fresh::sqlite();
        let other = TestReadModel {
            log: Arc::clone(&self.log),
            fresh,
            commands: AtomicU64::new(0),
            processes: AtomicU64::new(0),
        };
        let mut build = other.start(0).await;
        build.reaches(self.head().await).await;
        let rows = build.rows("counters_g1").await;
        build.stop().await;
        rows
    }
}

/// The store of a process without a runner.
pub async fn open_store(
    database: &Database,
    model: &TestReadModel,
) -> SqlProjectionStore<Counters> {
    let rows = SqlProjectionStore::open(database.clone())
        .await
        .expect("a generation");
    rows.require_head(&*model.log).await.expect("a head");
    rows
}

pub fn request(is_automatic: bool) -> RebuildRequest {
    RebuildRequest {
        who: "grace".to_owned(),
        reason: "a test".to_owned(),
        is_automatic,
    }
}

/// A process that rebuilds.
pub struct RebuildProcess {
    pub database: Database,
    pub control: RebuildControl,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl RebuildProcess {
    pub async fn start(&self, is_automatic: bool) {
        let started = self.control.start(&request(is_automatic)).await;
        started.expect("started");
    }

    pub async fn status(&self) -> RebuildStatus {
        let status = self.control.status().await.expect("read");
        status.expect("a rebuild")
    }

    /// Waits until the rebuild has this state.
    pub async fn becomes(&self, state: RebuildState) -> RebuildStatus {
        let reached = async {
            loop {
                let status = self.status().await;
                if status.state == state {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        };
        if let Ok(status) = tokio::time::timeout(TIMEOUT, reached).await {
            return status;
        }
        panic!("not {state:?} in time: {:?}", self.status().await);
    }

    /// Stops the process as a crash does.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
        self.database.close().await;
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("the task ends without a panic");
        }
        self.database.close().await;
    }
}

impl Process {
    pub async fn execute(&self, sql: &'static str) {
        let mut transaction = self.database.begin().await.expect("a transaction");
        let changed = transaction.execute(Statement::new("test", sql)).await;
        assert_eq!(changed.expect("changed"), 1, "{sql}");
        transaction.commit("test").await.expect("committed");
    }

    pub async fn reaches(&mut self, position: Position) {
        self.until(|state| state.caught_up && state.position == position)
            .await;
    }

    pub async fn until(&mut self, fact: impl FnMut(&RunnerState) -> bool) {
        tokio::time::timeout(TIMEOUT, self.state.wait_for(fact))
            .await
            .expect("in time")
            .expect("a running runner");
    }

    pub async fn sees(&mut self, fact: impl FnMut(&Checkpoint) -> bool) -> Checkpoint {
        tokio::time::timeout(TIMEOUT, self.checkpoint.wait_for(fact))
            .await
            .expect("in time")
            .expect("a running watcher")
            .clone()
    }

    /// The rows of a table or a view, in order.
    pub async fn rows(&self, table: &str) -> Vec<Counter> {
        let sql = format!("SELECT name, note, count FROM {table} ORDER BY name");
        let rows = self
            .database
            .fetch_all(Statement::new("test", sqlx::AssertSqlSafe(sql)));
        let rows: Vec<Row<Counter>> = rows.await.expect("rows");
        rows.into_iter().map(|Row(row)| row).collect()
    }

    /// The numbers of all generations, and the one that the view shows.
    pub async fn generations(&self) -> (Vec<i64>, i64) {
        let all: Vec<(i64,)> = self
            .database
            .fetch_all(Statement::new(
                "test",
                "SELECT generation FROM read_model_generations ORDER BY generation",
            ))
            .await
            .expect("generations");
        let shown: Vec<(i64,)> = self
            .database
            .fetch_all(Statement::new(
                "test",
                "SELECT generation FROM read_model_active",
            ))
            .await
            .expect("the shown generation");
        (
            all.into_iter().map(|(number,)| number).collect(),
            shown[0].0,
        )
    }

    /// Waits until these generations exist and the view shows `shown`.
    pub async fn shows(&self, generations: &[i64], shown: i64) {
        let wanted = (generations.to_vec(), shown);
        let seen = async {
            while self.generations().await != wanted {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(TIMEOUT, seen).await.is_err() {
            assert_eq!(self.generations().await, wanted);
        }
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("the task ends without a panic");
        }
        self.database.close().await;
    }

    /// Stops the process as a crash does: no lease is released.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
        self.database.close().await;
    }
}
