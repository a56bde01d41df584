//! Composition: the event store, the command database, the providers and the sagas make the write side.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use command_database::{CommandDatabase, DatabaseError};
use domain::fulfilment::{CancelOrderSaga, OrderSaga, SAGA_STREAMS};
use event_sourcing::execute::ExecutorTasks;
use event_sourcing::handler::{HandlerConfig, HandlerParts};
use event_sourcing::{Clock, EventStore, Executor, ExecutorConfig, LogMark, SteadyClock, Tail};
use event_store_any::{AnyEventStore, OpenError};
use futures::future::BoxFuture;
use platform::config::{Databases, Engine};
use platform::health::{Health, StartStep, explain_start};
use platform::runtime::repeat;
use platform::{StartError, Tasks, fields};
use providers::Providers;
use sagas::{EngineConfig, EngineTasks, SagaEngine};
use sql_database::postgres::require_sessions;
use tokio::time::{Instant, timeout_at};
use tonic::service::Routes;

use crate::bus::CommandBus;
use crate::config::Config;
use crate::context;
use crate::event_log;
use crate::fulfilment::{SagaService, follow};
use crate::grpc;
use crate::handlers::{self, OrderNotifications, Planned, Webhook};
use crate::idempotency::{KeyClock, Requests};
use crate::probes;

const OPEN_EVENTS: &str = "open the event store";
const OPEN_DATABASE: &str = "open the command database";
const SET_UP: &str = "set up the providers";
/// How often kept answers are looked through for old ones.
const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// Opens the event store that `config` names. On a server it corrects `clock` by the server's.
///
/// # Errors
/// It cannot be opened, or does not fit this binary.
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
    executing: ExecutorTasks,
    database: CommandDatabase,
    providers: Providers,
    sagas: EngineTasks,
}

impl CommandService {
    /// Starts it on an open event store.
    ///
    /// # Errors
    /// The command database cannot be opened, or does not fit this binary; or a provider cannot be set up.
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
        log_start(config, own);
        let store = opened.store();
        let database = open_database(config).await?;
        let accepted = own.accept_log.as_deref();
        let key_clock = KeyClock::start(&database, Arc::clone(&clock)).await;
        let key_clock = key_clock.map_err(|error| StartError::failed(OPEN_DATABASE, error))?;
        let head = event_log::check(&database, &*store, &key_clock, accepted).await?;
        let requests = Requests::new(database.clone(), Arc::clone(&store), key_clock);
        let requests = Arc::new(requests);
        let mut providers = Providers::from_settings(&own.providers, &database, &clock)
            .map_err(|error| StartError::failed(SET_UP, error))?;
        let tasks = Tasks::new();
        let health = Health::new(env!("CARGO_PKG_VERSION"), &tasks);
        clean_up(&tasks, Arc::clone(&requests));
        watch_log(&tasks, Arc::clone(&store), head);
        let (executor, executing) = Executor::start(
            Arc::clone(&store),
            Arc::clone(&clock),
            ExecutorConfig::default(),
        );
        probes::start(&health, &tasks, opened, &database, executor.last_write()).await;
        explain_start(&health, &tasks);
        measure_pools(&tasks, opened, &database);
        let executor = Arc::new(executor);
        let planned = plan_handlers(own, &executor, &providers, &clock)?;
        let followed = SagaEngine::event_filter(&SAGA_STREAMS).or(handlers::filter(&planned));
        let log: Arc<dyn EventStore> = Arc::new(Tail::new(Arc::clone(&store), followed));
        let (engine, sagas) =
            start_sagas(own, opened, &log, &executor, &providers, Arc::clone(&clock))?;
        let (ended, stopping) = (sagas.ended(), tasks.stopping());
        tasks.spawn("sagas", async move {
            stopping.run_until_cancelled(ended).await;
        });
        if let Some(news) = providers.hints.take() {
            let (executor, clock) = (Arc::clone(&executor), Arc::clone(&clock));
            let hearing = follow(news, executor, engine.clone(), clock, tasks.stopping());
            tasks.spawn("news from providers", hearing);
        }
        let parts = HandlerParts {
            log,
            leases: opened.leases(),
            store: Arc::new(database.event_handlers().clone()),
            clock: Arc::clone(&clock),
        };
        let handling = HandlerConfig::new(owner(opened, &*clock));
        let event_handlers = handlers::start(planned, &parts, &handling, &tasks);
        let routes = grpc::routes(&grpc::Parts {
            fulfilments: SagaService::new(engine, Arc::clone(&executor), Arc::clone(&store)),
            bus: Arc::new(CommandBus::new(executor, clock)),
            requests,
            event_handlers,
            store,
            health: health.clone(),
        })?;
        Ok(Self {
            routes,
            health,
            tasks,
            executing,
            database,
            providers,
            sagas,
        })
    }

    /// The gRPC services, to be served on a port and called in the process. [`Self::stop`] waits for the end of every
    /// clone.
    #[must_use]
    pub fn routes(&self) -> Routes {
        self.routes.clone()
    }

    /// What providers call, to be served over HTTP.
    pub fn webhooks(&self) -> Router {
        self.providers.webhooks.clone()
    }

    /// How its parts are.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Its tasks, its listeners among them.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Ends it: no new requests, the running ones to their end, what they wrote durable, connections closed. The
    /// event store stays open. What has not ended after `limit` is left behind, and logged.
    #[must_use]
    pub fn stop(self, limit: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.stop_now(limit))
    }

    async fn stop_now(self, limit: Duration) {
        let deadline = Instant::now() + limit;
        if let Err(error) = self.tasks.drain(limit).await {
            tracing::warn!({ fields::ERROR } = %error, "some requests did not end in time");
        }
        // The executor ends when nobody can send it a command any more.
        drop(self.routes);
        let ended = async {
            self.sagas.stop().await;
            self.executing.finished().await;
            self.providers.finished().await;
            self.database.close().await;
        };
        if timeout_at(deadline, ended).await.is_err() {
            tracing::warn!("the executor did not end in time");
        }
    }
}

/// Brings the event store and the command database up to date, and closes them.
///
/// # Errors
/// One of them cannot be opened, or does not fit this binary.
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
                require_sessions(url.as_str(), OPEN_DATABASE).await?;
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

/// Tells what the write side is made of.
fn log_start(config: &Databases, own: &Config) {
    tracing::info!(
        { fields::SERVICE } = "command-service",
        { fields::VERSION } = env!("CARGO_PKG_VERSION"),
        { fields::COMMIT } = platform::COMMIT,
        { fields::EVENT_STORE } = %config.event_store,
        { fields::DATABASE } = %config.database,
        { fields::PAYMENTS } = own.providers.payments.name(),
        { fields::SHIPPING } = own.providers.shipping.name(),
        { fields::NOTIFICATIONS } = own.providers.notifications.name(),
        "starting"
    );
}

/// The event handlers of the write side.
fn plan_handlers(
    own: &Config,
    executor: &Arc<Executor>,
    providers: &Providers,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Planned>, StartError> {
    let mut planned = vec![Planned::new(OrderNotifications {
        executor: Arc::clone(executor),
        notifications: Arc::clone(&providers.notifications),
    })];
    if let Some(webhooks) = &own.webhooks {
        let publishers = webhooks.publishers(clock);
        let publishers = publishers.map_err(|error| StartError::failed(SET_UP, error))?;
        for publisher in publishers {
            // The publisher's own limit is to be met first.
            let limit = publisher.timeout() + Duration::from_secs(5);
            planned.push(Planned::new(Webhook::new(publisher)).within(limit));
        }
    }
    Ok(planned)
}

/// Names this process in a lease that is no fence: alone it goes on with what it held before.
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
    // Nobody else has this name, also not an earlier start of this process.
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

/// Ends the process when its event store is replaced under it.
fn watch_log(tasks: &Tasks, store: Arc<dyn EventStore>, head: LogMark) {
    let stopping = tasks.stopping();
    tasks.spawn("the event store's log", async move {
        // A task that ends early is a fault, which ends the process; the next start says what is to be done.
        let _ended = stopping
            .run_until_cancelled(event_log::watch(store, head))
            .await;
    });
}

/// Forgets old keys from time to time.
fn clean_up(tasks: &Tasks, requests: Arc<Requests>) {
    let stopping = tasks.stopping();
    tasks.spawn("clean-up of idempotent requests", async move {
        loop {
            match requests.clean_up().await {
                Ok(0) => {}
                Ok(removed) => tracing::debug!(
                    { fields::REQUESTS_REMOVED } = removed,
                    "old idempotent requests removed"
                ),
                Err(error) => tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    "old idempotent requests could not be removed; they are tried again"
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
                "the running time was not noted; idempotency keys are kept a little longer"
            );
        }
    });
}
