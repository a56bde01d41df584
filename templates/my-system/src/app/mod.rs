//! Composition: opens the databases, starts what runs in the background, and serves the edge.

mod background;
mod databases;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::execute::ExecutorTasks;
use event_sourcing::handler::{HandlerConfig, HandlerParts};
use event_sourcing::{
    Clock, CommandId, EventStore, Executor, ExecutorConfig, Filter, SteadyClock, Tail,
};
use graphql_http::{Authentication, Clients};
use idempotency_sql::{KeyClock, Requests};
use platform::event_handlers::{self, PlannedHandler};
use platform::health::{explain_start, watch_clock};
use platform::runtime::{HttpListener, StopDeadline, upkeep};
use platform::telemetry::Metrics;
use platform::{Health, StartError, Tasks};
use sagas::{EngineConfig, EngineTasks, SagaDirectory, SagaEngine};

use crate::accounts::{AccountQueries, Accounts};
use crate::bank::SimulatedBank;
use crate::edge::{self, Edge};
use crate::payout::{Payout, SendMoney};
use crate::receipts::{LogMailer, Receipts};
use crate::settings::{Config, HTTP_ADDR};
use databases::OpenDatabases;

/// The running system.
#[derive(Debug)]
pub struct MySystem {
    opened: OpenDatabases,
    tasks: Tasks,
    /// What reads wait for.
    folding: Tasks,
    executor_tasks: ExecutorTasks,
    saga_tasks: EngineTasks,
    address: SocketAddr,
}

impl MySystem {
    /// Opens the databases, starts everything, and serves.
    ///
    /// # Errors
    /// The address is in use, or a database cannot be opened or does not fit this binary.
    pub async fn open(config: &Config, metrics: Metrics) -> Result<Self, StartError> {
        let steady = SteadyClock::start();
        let clock: Arc<dyn Clock> = Arc::new(steady.clone());
        let opened = OpenDatabases::open(config, steady.clone()).await?;
        let listener = HttpListener::bind(HTTP_ADDR.spec.name, config.http).await?;
        let listener = listener.with_limits(config.connections);
        let tasks = Tasks::new();
        let health = Health::new(env!("CARGO_PKG_VERSION"), &tasks);
        let store = opened.events.store();
        let key_clock = KeyClock::start(&opened.requests, Arc::clone(&clock)).await;
        let key_clock = key_clock.map_err(databases::failed)?;
        opened.require_own_log(&key_clock).await?;
        let requests = Requests::new(opened.requests.clone(), Arc::clone(&store), key_clock);
        let requests = Arc::new(requests);
        background::watch_log(&tasks, &store).await?;
        background::clean_up(&tasks, Arc::clone(&requests));
        let log: Arc<dyn EventStore> = Arc::new(Tail::new(Arc::clone(&store), Filter::ALL));
        let (executor, executor_tasks) = Executor::start(
            Arc::clone(&store),
            Arc::clone(&clock),
            ExecutorConfig::default(),
        );
        let executor = Arc::new(executor);
        let (engine, saga_tasks) = start_sagas(&opened, &log, &executor, &clock)?;
        background::watch_sagas(&tasks, &saga_tasks);
        start_handlers(&opened, &log, &clock, &tasks);
        let folding = tasks.background();
        let barrier = background::project::<Accounts>(&opened, &log, &health, &folding).await?;
        background::probe(&opened, &health, &tasks).await;
        watch_clock(&health, &tasks, steady).await;
        explain_start(&health, &tasks);
        upkeep(metrics.clone(), &tasks);
        let edge = Edge {
            sagas: SagaDirectory::new(engine, Arc::clone(&executor), Arc::clone(&store)),
            accounts: AccountQueries::new(opened.read_model.clone(), barrier),
            executor,
        };
        let address = listener.address();
        let backend = edge::StoredAnswers::new(requests, store, Arc::clone(&clock));
        let tokens = config.tokens.as_ref();
        let clients = Clients {
            authentication: Authentication::open(tokens, &clock, &health, &tasks).await?,
            ..Clients::unlimited()
        };
        let parts = edge::RouterParts {
            backend: Arc::new(backend),
            clock,
            health,
            metrics,
            clients,
        };
        listener.serve(edge::router(edge, config, parts, &tasks)?, &tasks);
        Ok(Self {
            opened,
            tasks,
            folding,
            executor_tasks,
            saga_tasks,
            address,
        })
    }

    /// The bound address; a configured port 0 is replaced by the port that the system chose.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Completes the running requests, flushes pending commits, and closes the databases, within `limit`.
    pub async fn close(self, limit: Duration) {
        let deadline = StopDeadline::within(limit);
        if self.tasks.drain(deadline.for_tasks()).await.is_err() {
            tracing::warn!("some tasks did not stop in time");
        }
        let ended = async {
            let _folded = self.folding.drain(limit).await;
            self.saga_tasks.stop().await;
            self.executor_tasks.finished().await;
        };
        deadline.close("the executor", ended).await;
        deadline.close("a database", self.opened.close()).await;
    }
}

fn start_sagas(
    opened: &OpenDatabases,
    log: &Arc<dyn EventStore>,
    executor: &Arc<Executor>,
    clock: &Arc<dyn Clock>,
) -> Result<(SagaEngine, EngineTasks), StartError> {
    // Unique per start: the lease is a fence, and an earlier start of this process must not pass for this one.
    let owner = CommandId::from_parts(clock.now(), rand::random()).to_string();
    let config = EngineConfig {
        single_process: opened.events.is_single_process(),
        ..EngineConfig::new(owner)
    };
    let (executor, log, clock) = (Arc::clone(executor), Arc::clone(log), Arc::clone(clock));
    let engine = SagaEngine::builder(executor, log, opened.events.leases(), clock, config)
        .saga::<Payout>()
        .provider::<SendMoney>(Arc::new(SimulatedBank::default()));
    let started = engine.start();
    started.map_err(|error| StartError::failed("start the sagas", error))
}

/// Each handler that is to run is in this list.
fn start_handlers(
    opened: &OpenDatabases,
    log: &Arc<dyn EventStore>,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
) {
    let planned = vec![PlannedHandler::new(Receipts {
        mailer: Arc::new(LogMailer),
    })];
    let parts = HandlerParts {
        log: Arc::clone(log),
        leases: opened.events.leases(),
        store: Arc::new(opened.handlers.clone()),
        clock: Arc::clone(clock),
    };
    // In a single process a constant name resumes its own leases without waiting for their expiry.
    let owner = if opened.events.is_single_process() {
        "alone".to_owned()
    } else {
        CommandId::from_parts(clock.now(), rand::random()).to_string()
    };
    let _for_operators = event_handlers::start(planned, &parts, &HandlerConfig::new(owner), tasks);
}
