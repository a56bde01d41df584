//! Composition: builds the write side from the event store, the command database, the providers and the sagas.

use std::sync::Arc;
use std::time::Duration;

use authentication::CallGuard;
use axum::Router;
use command_database::{CommandDatabase, DatabaseError};
use domain::fulfilment::{CancelOrderSaga, OrderSaga, SAGA_STREAMS};
use event_sourcing::execute::ExecutorTasks;
use event_sourcing::handler::{HandlerConfig, HandlerParts};
use event_sourcing::{Clock, EventStore, Executor, ExecutorConfig, LogMark, SteadyClock, Tail};
use event_store_any::{AnyEventStore, OpenError};
use futures::future::BoxFuture;
use idempotency_sql::{KeyClock, Requests};
use platform::config::{Databases, Engine};
use platform::event_handlers::{self, PlannedHandler};
use platform::health::{Health, StartStep, explain_start};
use platform::runtime::repeat;
use platform::{StartError, Tasks, fields};
use providers::{Providers, ProvidersError};
use sagas::{EngineConfig, EngineTasks, SagaEngine};
use sql_database::postgres::check_server;
use tokio::time::{Instant, timeout_at};
use tonic::service::Routes;

use crate::bus::CommandBus;
use crate::config::Config;
use crate::fulfilment::{SagaService, follow};
use crate::handlers::{OrderNotifications, Webhook};
use crate::{context, event_log, grpc, probes};

const OPEN_EVENTS: &str = "open the event store";
const OPEN_DATABASE: &str = "open the command database";
const SET_UP: &str = "set up the providers";
/// How often expired idempotency keys are removed.
const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// Opens the event store that `config` names. On PostgreSQL it synchronizes `clock` with the server's clock.
///
/// # Errors
/// The store cannot be opened, or its schema does not fit this binary.
#[must_use]
pub fn open_event_store(
    config: &Databases,
    clock: SteadyClock,
) -> BoxFuture<'_, Result<AnyEventStore, StartError>> {
    let step = StartStep::on_event_store(config, OPEN_EVENTS);
    let settings = event_store_any::Settings {
        clock,
        pool_size: config.pool_size,
        migrate: config.migrate,
        ..event_store_any::Settings::default()
    };
    step.take(OpenError::is_retryable, move || {
        AnyEventStore::open(config.event_store.as_str(), settings.clone())
    })
}

/// The running write side, without listeners.
#[derive(Debug)]
pub struct CommandService {
    routes: Routes,
    health: Health,
    tasks: Tasks,
    executor_tasks: ExecutorTasks,
    database: CommandDatabase,
    providers: Providers,
    sagas: EngineTasks,
}

impl CommandService {
    /// Starts it on an open event store.
    ///
    /// # Errors
    /// The command database cannot be opened, its schema does not fit this binary, or a provider cannot be set up.
    pub fn start<'s>(
        config: &'s Databases,
        own: &'s Config,
        opened: &'s AnyEventStore,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'s, Result<Self, StartError>> {
        Box::pin(Self::start_now(config, own, opened, clock))
    }

    async fn start_now(
        config: &Databases,
        own: &Config,
        opened: &AnyEventStore,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        // The command database is checked against the log before anything writes to either; handlers start last.
        log_start(config, own);
        let store = opened.store();
        let database = open_database(config).await?;
        let accepted = own.accept_log.as_deref();
        let key_clock = KeyClock::start(database.requests(), Arc::clone(&clock)).await;
        let key_clock = key_clock.map_err(|e| StartError::failed(OPEN_DATABASE, e))?;
        let head = event_log::check(&database, &*store, &key_clock, accepted).await?;
        let requests = Arc::new(Requests::new(
            database.requests().clone(),
            Arc::clone(&store),
            key_clock,
        ));
        let mut providers =
            Providers::from_settings(&own.providers, &database, &clock).map_err(not_set_up)?;
        let tasks = Tasks::new();
        let health = Health::new(env!("CARGO_PKG_VERSION"), &tasks);
        clean_up(&tasks, Arc::clone(&requests));
        watch_log(&tasks, Arc::clone(&store), head);
        let limits = ExecutorConfig::default();
        let (executor, executing) = Executor::start(Arc::clone(&store), Arc::clone(&clock), limits);
        probes::start(&health, &tasks, opened, &database, executor.last_write()).await;
        explain_start(&health, &tasks);
        measure_pools(&tasks, opened, &database);
        let executor = Arc::new(executor);
        let planned = plan_handlers(own, &executor, &providers, &clock)?;
        let followed = SagaEngine::event_filter(&SAGA_STREAMS).or(event_handlers::filter(&planned));
        let log: Arc<dyn EventStore> = Arc::new(Tail::new(Arc::clone(&store), followed));
        let (engine, sagas) =
            start_sagas(own, opened, &log, &executor, &providers, Arc::clone(&clock))?;
        watch_sagas(&tasks, &sagas);
        if let Some(hints) = providers.hints.take() {
            let (executor, clock) = (Arc::clone(&executor), Arc::clone(&clock));
            let following = follow(hints, executor, engine.clone(), clock, tasks.stopping());
            tasks.spawn("events from providers", following);
        }
        let parts = HandlerParts {
            log,
            leases: opened.leases(),
            store: Arc::new(database.event_handlers().clone()),
            clock: Arc::clone(&clock),
        };
        let limits = HandlerConfig::new(owner(opened, &*clock));
        let event_handlers = event_handlers::start(planned, &parts, &limits, &tasks);
        let guard = CallGuard::new(own.secret.as_ref(), &clock);
        let routes = grpc::routes(&grpc::Parts {
            fulfilments: SagaService::new(engine, Arc::clone(&executor), Arc::clone(&store)),
            bus: Arc::new(CommandBus::new(executor, clock)),
            requests,
            event_handlers,
            store,
            health: health.clone(),
            guard,
        })?;
        Ok(Self {
            routes,
            health,
            tasks,
            executor_tasks: executing,
            database,
            providers,
            sagas,
        })
    }

    /// The gRPC services, to be served on a port or called in process. [`Self::stop`] waits until every clone is
    /// dropped.
    #[must_use]
    pub fn routes(&self) -> Routes {
        self.routes.clone()
    }

    /// The HTTP routes that providers call.
    pub fn webhooks(&self) -> Router {
        self.providers.webhooks.clone()
    }

    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The tasks of the service, including its listeners.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Stops the service: rejects new requests, completes the running ones, flushes pending commits, and closes
    /// connections. The event store stays open. What has not stopped after `limit` is abandoned and logged.
    #[must_use]
    pub fn stop(self, limit: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.stop_now(limit))
    }

    async fn stop_now(self, limit: Duration) {
        let deadline = Instant::now() + limit;
        if let Err(error) = self.tasks.drain(limit).await {
            tracing::warn!({ fields::ERROR } = %error, "some tasks did not stop in time");
        }
        // The executor stops when its last sender is dropped, and the routes hold one.
        drop(self.routes);
        let ended = async {
            self.sagas.stop().await;
            self.executor_tasks.finished().await;
            self.providers.finished().await;
            self.database.close().await;
        };
        if timeout_at(deadline, ended).await.is_err() {
            tracing::warn!("the executor did not stop in time");
        }
    }
}

/// Migrates the event store and the command database, and closes them.
///
/// # Errors
/// One of them cannot be opened, or its schema does not fit this binary.
#[must_use]
pub fn migrate(config: &Databases) -> BoxFuture<'_, Result<(), StartError>> {
    Box::pin(async move {
        let config = Databases {
            migrate: true,
            ..config.clone()
        };
        let store = open_event_store(&config, SteadyClock::start()).await?;
        let database = open_database(&config).await?;
        database.close().await;
        store.close().await;
        Ok(())
    })
}

fn open_database(config: &Databases) -> BoxFuture<'_, Result<CommandDatabase, StartError>> {
    let step = StartStep::on_database(config, OPEN_DATABASE);
    step.take(DatabaseError::is_retryable, move || {
        Box::pin(async move {
            let url = &config.database;
            if url.engine() == Engine::Postgres {
                check_server(url.as_str(), OPEN_DATABASE).await?;
            }
            CommandDatabase::connect(url, config.pool_size, config.migrate).await
        })
    })
}

fn measure_pools(tasks: &Tasks, opened: &AnyEventStore, database: &CommandDatabase) {
    let (opened, database) = (opened.clone(), database.clone());
    repeat("metrics of the write side's pools", tasks, move || {
        opened.measure_pools();
        database.measure_pools();
    });
}

/// Logs the configuration that matters for operation.
fn log_start(config: &Databases, own: &Config) {
    tracing::info!(
        { fields::SERVICE } = "command-service",
        { fields::VERSION } = env!("CARGO_PKG_VERSION"),
        { fields::COMMIT } = platform::COMMIT,
        { fields::EVENT_STORE } = %config.event_store,
        { fields::DATABASE } = %config.database,
        { fields::AUTHENTICATION } = if own.secret.is_some() { "jwt" } else { "off" },
        { fields::PAYMENTS } = own.providers.payments.name(),
        { fields::SHIPPING } = own.providers.shipping.name(),
        { fields::NOTIFICATIONS } = own.providers.notifications.name(),
        "starting"
    );
}

fn not_set_up(error: ProvidersError) -> StartError {
    match error.setting() {
        Some(setting) => StartError::invalid_content(setting, error),
        None => StartError::failed(SET_UP, error),
    }
}

fn plan_handlers(
    own: &Config,
    executor: &Arc<Executor>,
    providers: &Providers,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<PlannedHandler>, StartError> {
    let mut planned = vec![PlannedHandler::new(OrderNotifications {
        executor: Arc::clone(executor),
        notifications: Arc::clone(&providers.notifications),
    })];
    if let Some(webhooks) = &own.webhooks {
        let publishers = webhooks.publishers(clock);
        let publishers = publishers.map_err(not_set_up)?;
        for publisher in publishers {
            // Longer than the publisher's own timeout, so that its error, which is more specific, arrives first.
            let limit = publisher.timeout() + Duration::from_secs(5);
            planned.push(PlannedHandler::new(Webhook::new(publisher)).within(limit));
        }
    }
    Ok(planned)
}

/// The lease owner of the event handlers. These leases are not fences; so in a single-process setup the name is
/// constant, and a restarted process resumes its lease without waiting for expiry.
fn owner(opened: &AnyEventStore, clock: &dyn Clock) -> String {
    if opened.is_single_process() {
        "alone".to_owned()
    } else {
        context::new_id(clock).to_string()
    }
}

fn start_sagas(
    own: &Config,
    opened: &AnyEventStore,
    log: &Arc<dyn EventStore>,
    executor: &Arc<Executor>,
    providers: &Providers,
    clock: Arc<dyn Clock>,
) -> Result<(SagaEngine, EngineTasks), StartError> {
    // Unique per start: the lease is a fence, and an earlier start of this process must not pass for this one.
    let owner = context::new_id(&*clock).to_string();
    let config = EngineConfig {
        single_process: opened.is_single_process(),
        lease: own.sagas.lease,
        max_backoff: own.sagas.longest_pause,
        ..EngineConfig::new(owner).with_calls(own.sagas.calls as usize)
    };
    let (executor, log) = (Arc::clone(executor), Arc::clone(log));
    let engine = SagaEngine::builder(executor, log, opened.leases(), clock, config);
    let engine = engine.saga::<OrderSaga>().saga::<CancelOrderSaga>();
    let started = providers.register(engine).start();
    started.map_err(|error| StartError::failed("start the sagas", error))
}

/// Ends the process if the engine ends before it is stopped.
fn watch_sagas(tasks: &Tasks, sagas: &EngineTasks) {
    let (ended, stopping) = (sagas.ended(), tasks.stopping());
    tasks.spawn("sagas", async move {
        stopping.run_until_cancelled(ended).await;
    });
}

/// Stops the process when its event store is replaced while it runs.
fn watch_log(tasks: &Tasks, store: Arc<dyn EventStore>, head: LogMark) {
    let stopping = tasks.stopping();
    tasks.spawn("the event store's log", async move {
        // A task that returns early stops the process; the check at the next start reports what the operator must do.
        let _ended = stopping
            .run_until_cancelled(event_log::watch(store, head))
            .await;
    });
}

/// Periodically removes expired idempotency keys.
fn clean_up(tasks: &Tasks, requests: Arc<Requests>) {
    let stopping = tasks.stopping();
    tasks.spawn("clean-up of idempotent requests", async move {
        loop {
            match requests.clean_up().await {
                Ok(0) => {}
                Ok(removed) => tracing::debug!(
                    { fields::REQUESTS_REMOVED } = removed,
                    "expired idempotency keys removed"
                ),
                Err(error) => tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    "expired idempotency keys could not be removed; the next run retries"
                ),
            }
            tokio::select! {
                () = stopping.cancelled() => break,
                () = tokio::time::sleep(CLEAN_UP_INTERVAL) => {}
            }
        }
        if let Err(error) = requests.age().await {
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "the running time was not stored; idempotency keys are retained a little longer"
            );
        }
    });
}
