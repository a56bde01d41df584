//! Composition: builds the read side from the event store, the query database and the projections.

use std::sync::Arc;
use std::time::Duration;

use authentication::CallGuard;
use event_sourcing::{Clock, EventStore, Filter, SteadyClock, StoreError, Tail};
use event_store_any::{AnyEventStore, OpenError};
use futures::future::BoxFuture;
use platform::config::{Databases, Engine};
use platform::health::{Health, StartStep, explain_start};
use platform::runtime::repeat;
use platform::{StartError, Tasks, fields};
use read_model_sql::{Checkpoint, Database};
use sql_database::postgres::check_server;
use tokio::sync::watch;
use tonic::service::Routes;

use crate::changes::Changes;
use crate::config::Config;
use crate::fold::ProjectionStarter;
use crate::grpc;
use crate::probes;
use crate::projection_status::{ProjectionHandle, ProjectionStatuses};
use crate::queries::QueryHandlers;

const OPEN_EVENTS: &str = "open the event store";
const OPEN_DATABASE: &str = "open the query database";
const MAKE_TABLES: &str = "create the tables of the projections";

/// Opens the event store that `config` names, for reading.
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
        AnyEventStore::open_read_only(config.event_store.as_str(), settings.clone())
    })
}

/// The running read side, without listeners.
#[derive(Debug)]
pub struct QueryService {
    routes: Routes,
    health: Health,
    tasks: Tasks,
    /// What reads wait for: projections, checkpoints and caches.
    folding: Tasks,
    database: Database,
    checkpoints: Vec<watch::Receiver<Checkpoint>>,
}

impl QueryService {
    /// Starts the service: creates its tables, folds events into them while this process holds the projections' leases,
    /// and answers queries.
    ///
    /// # Errors
    /// The query database cannot be opened, or its schema does not fit this binary.
    pub fn start<'s>(
        config: &'s Databases,
        own: &'s Config,
        log: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
    ) -> BoxFuture<'s, Result<Self, StartError>> {
        Box::pin(async move {
            let database = Self::open_database(config, &clock).await?;
            Self::start_on(database, config, own, log, &clock).await
        })
    }

    /// Opens the query database that `config` names.
    ///
    /// # Errors
    /// The database cannot be opened, or its schema does not fit this binary.
    pub fn open_database<'s>(
        config: &'s Databases,
        clock: &Arc<dyn Clock>,
    ) -> BoxFuture<'s, Result<Database, StartError>> {
        tracing::info!(
            { fields::SERVICE } = "query-service",
            { fields::VERSION } = env!("CARGO_PKG_VERSION"),
            { fields::COMMIT } = platform::COMMIT,
            { fields::EVENT_STORE } = %config.event_store,
            { fields::DATABASE } = %config.database,
            "starting"
        );
        let clock = Arc::clone(clock);
        let step = StartStep::on_database(config, OPEN_DATABASE);
        step.take(StoreError::is_retryable, move || {
            Box::pin(open(config, Arc::clone(&clock)))
        })
    }

    /// Starts the service on an open query database.
    ///
    /// # Errors
    /// The query database or the log cannot be read, or the database's schema does not fit this binary.
    pub fn start_on<'s>(
        database: Database,
        config: &'s Databases,
        own: &'s Config,
        log: Arc<dyn EventStore>,
        clock: &Arc<dyn Clock>,
    ) -> BoxFuture<'s, Result<Self, StartError>> {
        let guard = CallGuard::new(own.secret.as_ref(), clock);
        Box::pin(Self::start_now(database, config, own, log, guard))
    }

    async fn start_now(
        database: Database,
        config: &Databases,
        own: &Config,
        log: Arc<dyn EventStore>,
        guard: CallGuard,
    ) -> Result<Self, StartError> {
        // Unfiltered: projections and caches together need nearly every event.
        let log: Arc<dyn EventStore> = Arc::new(Tail::new(log, Filter::ALL));
        let tasks = Tasks::new();
        let background = tasks.background();
        let reads = QueryHandlers::new(database.clone(), Arc::clone(&log));
        let making = StartStep::on_database(config, MAKE_TABLES);
        let folding = ProjectionStarter::new(Arc::clone(&log), database.clone(), making);
        let mut projections = Vec::new();
        for model in reads.models() {
            projections.push(model.fold(&folding, &background).await?);
        }
        // Before anything is served: the first request must not see an unknown checkpoint.
        database
            .checkpoints()
            .refresh(&database)
            .await
            .map_err(failed)?;
        follow(&background, &database, &log, &reads);
        let health = Health::new(env!("CARGO_PKG_VERSION"), &tasks);
        probes::start(&health, &tasks, &log, &database, &projections, own.lag).await;
        explain_start(&health, &tasks);
        let measured = database.clone();
        repeat("metrics of the read side's pools", &tasks, move || {
            measured.measure_pools();
        });
        let checkpoints = projections
            .iter()
            .map(ProjectionHandle::checkpoint)
            .collect();
        let changes = Changes::new(Arc::clone(&log), database.clone(), reads.clone());
        let standings = ProjectionStatuses::new(projections, database.clone(), log);
        let changes = (changes, tasks.stopping());
        let routes = grpc::routes(&reads, changes, Arc::new(standings), health.clone(), guard)?;
        Ok(Self {
            routes,
            health,
            tasks,
            folding: background,
            database,
            checkpoints,
        })
    }

    /// The gRPC services, to be served on a port or called in process.
    #[must_use]
    pub fn routes(&self) -> Routes {
        self.routes.clone()
    }

    /// Whether each read model has caught up once. Until then reads of the others fail with [`ReadError::Building`].
    ///
    /// [`ReadError::Building`]: crate::queries::ReadError::Building
    #[must_use]
    pub fn has_caught_up(&self) -> bool {
        let mut checkpoints = self.checkpoints.iter();
        checkpoints.all(|one| one.borrow().caught_up)
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

    /// Stops the service: completes running requests, for which events are folded until then, releases the leases, and closes
    /// connections. The event store stays open. What has not stopped after `limit` is abandoned and logged.
    #[must_use]
    pub fn stop(self, limit: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let ended = async {
                // Requests must not use up the time in which the leases are released.
                let answered = self.tasks.drain(limit / 10 * 9).await;
                let folded = self.folding.drain(limit).await;
                self.database.close().await;
                answered.and(folded)
            };
            match tokio::time::timeout(limit, ended).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!({ fields::ERROR } = %error, "some tasks did not stop in time");
                }
                Err(_) => tracing::warn!("the query database did not close in time"),
            }
        })
    }
}

fn failed(error: StoreError) -> StartError {
    StartError::failed(OPEN_DATABASE, error)
}

async fn open(config: &Databases, clock: Arc<dyn Clock>) -> Result<Database, StoreError> {
    let url = config.database.as_str();
    if config.database.engine() == Engine::Postgres {
        check_server(url, OPEN_DATABASE).await?;
    }
    if config.migrate {
        Database::open(url, config.pool_size, clock).await
    } else {
        Database::connect(url, config.pool_size, clock).await
    }
}

/// Migrates the event store and the query database, including the tables of the projections, and closes them. The
/// projections' schema versions are raised by `versions_raised_by`.
///
/// # Errors
/// One of them cannot be opened, or its schema does not fit this binary.
#[must_use]
pub fn migrate(
    config: &Databases,
    versions_raised_by: u32,
) -> BoxFuture<'_, Result<(), StartError>> {
    Box::pin(async move {
        let config = Databases {
            migrate: true,
            ..config.clone()
        };
        let clock = SteadyClock::start();
        let log = open_event_store(&config, clock.clone()).await?;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let database = QueryService::open_database(&config, &clock).await?;
        let database = database.with_versions_raised_by(versions_raised_by);
        let making = StartStep::on_database(&config, MAKE_TABLES);
        for model in QueryHandlers::new(database.clone(), log.store()).models() {
            model.make_table(making).await?;
        }
        database.close().await;
        log.close().await;
        Ok(())
    })
}

/// Runs the followers of checkpoints and caches until the tasks stop.
fn follow(tasks: &Tasks, database: &Database, log: &Arc<dyn EventStore>, reads: &QueryHandlers) {
    let (stopping, followed) = (tasks.stopping(), database.clone());
    tasks.spawn("checkpoints", async move {
        let moving = followed.checkpoints().run(&followed);
        stopping.run_until_cancelled(moving).await;
    });
    for model in reads.models() {
        let (stopping, log, model) = (tasks.stopping(), Arc::clone(log), Arc::clone(model));
        tasks.spawn(format!("cache of {}", model.name()), async move {
            stopping.run_until_cancelled(model.follow(log)).await;
        });
    }
}
