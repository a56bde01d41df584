//! The databases of the process.

use std::sync::Arc;
use std::time::Duration;

use event_handler_sql::SqlHandlerStore;
use event_sourcing::{Clock, LogMark, Position, SteadyClock, StoreError};
use event_store_any::{AnyEventStore, OpenError, Settings};
use idempotency_sql::{KeyClock, RequestTables, marks};
use platform::StartError;
use platform::config::{Databases, Engine};
use platform::health::StartStep;
use sql_database::postgres::check_server;
use sql_database::sqlite::private;
use sql_database::{Connections, Database};

use crate::settings::Config;

const OPEN_EVENTS: &str = "open the event store";
const OPEN_REQUESTS: &str = "open the database of the requests";
const OPEN_READ_MODEL: &str = "open the read model's database";

/// The open databases.
#[derive(Debug)]
pub(super) struct OpenDatabases {
    pub(super) events: AnyEventStore,
    /// Durable: stored answers and progress are guarantees to others.
    durable: Database,
    pub(super) requests: RequestTables,
    pub(super) handlers: SqlHandlerStore,
    pub(super) read_model: read_model_sql::Database,
}

pub(super) fn failed(error: StoreError) -> StartError {
    StartError::failed("start", error)
}

impl OpenDatabases {
    /// Opens all of them, and waits for a PostgreSQL server that is not there yet.
    pub(super) async fn open(config: &Config, clock: SteadyClock) -> Result<Self, StartError> {
        make_folder(config)?;
        // First, because it takes the lock on its file: a second process fails here and not at its port.
        let events = open_events(&config.write_side, clock.clone()).await?;
        let step = StartStep::on_database(&config.write_side, OPEN_REQUESTS);
        let write_side = &config.write_side;
        let (durable, requests, handlers) = step
            .take(StoreError::is_retryable, move || {
                Box::pin(open_requests(write_side))
            })
            .await?;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let step = StartStep::on_database(&config.read_side, OPEN_READ_MODEL);
        let read_side = &config.read_side;
        let read_model = step
            .take(StoreError::is_retryable, move || {
                Box::pin(open_read_model(read_side, Arc::clone(&clock)))
            })
            .await?;
        Ok(Self {
            events,
            durable,
            requests,
            handlers,
            read_model,
        })
    }

    /// Fails if stored answers or the handlers' progress belong to another log than the event store's. After a restore of
    /// the event store alone, a handler would skip new events, and a stored answer would tell of what is lost.
    pub(super) async fn require_own_log(&self, clock: &KeyClock) -> Result<(), StartError> {
        let store = self.events.store();
        let log = store.identify(&[]).await.map_err(failed)?.head.log;
        let answered = marks::newest(&self.requests, clock, log).await;
        let handled = self.handlers.marks().await.map_err(failed)?;
        let handled = handled.into_iter().map(|(_, mark)| mark);
        let known: Vec<LogMark> = handled.chain(answered.map_err(failed)?).collect();
        let positions: Vec<Position> = known.iter().map(|mark| mark.position).collect();
        let identity = store.identify(&positions).await.map_err(failed)?;
        let foreign = known.iter().find_map(|mark| identity.verify(mark).err());
        foreign.map_or(Ok(()), |foreign| {
            Err(StartError::failed("check the event store's log", foreign))
        })
    }

    pub(super) async fn close(self) {
        self.read_model.close().await;
        self.durable.close().await;
        // Last: the others refer to its log.
        self.events.close().await;
    }
}

async fn open_events(config: &Databases, clock: SteadyClock) -> Result<AnyEventStore, StartError> {
    let settings = Settings {
        clock,
        pool_size: config.pool_size,
        migrate: config.migrate,
        ..Settings::default()
    };
    let step = StartStep::on_event_store(config, OPEN_EVENTS);
    step.take(OpenError::is_retryable, move || {
        AnyEventStore::open(config.event_store.as_str(), settings.clone())
    })
    .await
}

async fn open_requests(
    config: &Databases,
) -> Result<(Database, RequestTables, SqlHandlerStore), StoreError> {
    let connections = Connections {
        pool: "requests",
        application: "my-system",
        size: config.pool_size,
        acquire_timeout: Duration::from_secs(5),
    };
    let url = config.database.as_str();
    let database = Database::open_durable(OPEN_REQUESTS, url, connections).await?;
    let requests = RequestTables::open(database.clone(), config.migrate).await?;
    let handlers = SqlHandlerStore::open(database.clone(), config.migrate).await?;
    Ok((database, requests, handlers))
}

async fn open_read_model(
    config: &Databases,
    clock: Arc<dyn Clock>,
) -> Result<read_model_sql::Database, StoreError> {
    let url = config.database.as_str();
    if config.database.engine() == Engine::Postgres {
        check_server(url, OPEN_READ_MODEL).await?;
    }
    if config.migrate {
        read_model_sql::Database::open(url, config.pool_size, clock).await
    } else {
        read_model_sql::Database::connect(url, config.pool_size, clock).await
    }
}

/// Creates the data folder, if any database is in it.
fn make_folder(config: &Config) -> Result<(), StartError> {
    if !config.uses_data_dir() {
        return Ok(());
    }
    let path = &config.data_dir;
    let made = private::create_folder(path);
    made.map_err(|error| StartError::failed(format!("make the folder {}", path.display()), error))?;
    private::warn_if_shared(path);
    Ok(())
}
