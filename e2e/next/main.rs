//! The query-service of a later release, for tests that run it next to the present one: the same program, whose
//! projections have schema versions that are higher by one.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Command;
use event_sourcing::{Clock, SystemClock};
use platform::config::{Databases, ServiceSettings};
use platform::runtime::{self, Service};
use platform::{ConfigError, Health, Settings, StartError, Tasks};
use query_service::{Config, OpenedLog, QueryService, SETTINGS};
use read_model_sql::Database;
use tonic::service::Routes;

fn main() -> ExitCode {
    let command = Command::new("query-service-next").version(env!("CARGO_PKG_VERSION"));
    runtime::serve::<NextReadSide>(command)
}

struct NextReadSide {
    log: OpenedLog,
    service: QueryService,
}

impl Service for NextReadSide {
    const SETTINGS: ServiceSettings = SETTINGS;
    type Config = Config;

    fn configure(settings: &Settings) -> Result<Config, ConfigError> {
        Config::read(settings)
    }

    async fn open(databases: &Databases, config: Config) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log = OpenedLog::open(databases, Arc::clone(&clock)).await?;
        let url = databases.database.as_str();
        let database = Database::open(url, databases.pool_size, Arc::clone(&clock))
            .await
            .map_err(|error| StartError::failed("open the query database", error))?;
        let raised = database.with_versions_raised_by(1);
        let service = QueryService::start_on(raised, &config, log.store(), clock).await?;
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

    async fn close(self, limit: Duration) {
        self.service.stop(limit).await;
        self.log.close().await;
    }
}
