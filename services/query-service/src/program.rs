//! The read side as a standalone process.

use std::process::ExitCode;
use std::sync::Arc;

use authentication::ServiceSecret;
use clap::Command;
use event_sourcing::{Clock, SteadyClock};
use event_store_any::AnyEventStore;
use platform::config::{Databases, Read, Reader, ServiceSettings};
use platform::runtime::{self, Service, StopDeadline};
use platform::{Health, StartError, Tasks};
use tonic::service::Routes;

use crate::app::{self, QueryService};
use crate::config::{Config, SETTINGS};

/// Runs the read side and returns its exit code. `command` has the binary's name, description and version. Each
/// projection's schema version is raised by `VERSIONS_RAISED_BY`, with which a test runs two releases side by side.
#[must_use]
pub fn run<const VERSIONS_RAISED_BY: u32>(command: Command) -> ExitCode {
    runtime::serve::<ReadSide<VERSIONS_RAISED_BY>>(command)
}

struct ReadSide<const VERSIONS_RAISED_BY: u32> {
    log: AnyEventStore,
    service: QueryService,
}

impl<const VERSIONS_RAISED_BY: u32> Service for ReadSide<VERSIONS_RAISED_BY> {
    const SETTINGS: ServiceSettings = SETTINGS;
    type Config = Config;

    fn configure(reader: &mut Reader) -> Read<Config> {
        let secret = ServiceSecret::require_file(reader);
        let config = Config::read(reader);
        secret.and(config)
    }

    async fn migrate(databases: &Databases) -> Result<(), StartError> {
        app::migrate(databases, VERSIONS_RAISED_BY).await
    }

    async fn open(databases: &Databases, config: Config) -> Result<Self, StartError> {
        let clock = SteadyClock::start();
        let log = app::open_event_store(databases, clock.clone()).await?;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let database = QueryService::open_database(databases, &clock).await?;
        let database = database.with_versions_raised_by(VERSIONS_RAISED_BY);
        let service =
            QueryService::start_on(database, databases, &config, log.store(), &clock).await?;
        let measured = log.clone();
        let measure = move || measured.measure_pools();
        runtime::repeat(
            "metrics of the event store's pools",
            service.tasks(),
            measure,
        );
        Ok(Self { log, service })
    }

    fn routes(&self) -> Routes {
        self.service.routes()
    }

    fn health(&self) -> &Health {
        self.service.health()
    }

    fn tasks(&self) -> &Tasks {
        self.service.tasks()
    }

    async fn close(self, deadline: StopDeadline) {
        self.service.stop(deadline.for_tasks()).await;
        deadline.close("the event store", self.log.close()).await;
    }
}
