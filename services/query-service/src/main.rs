//! The read side as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Command;
use event_sourcing::{Clock, SystemClock};
use platform::config::{Databases, ServiceSettings};
use platform::runtime::{self, Service};
use platform::{ConfigError, Health, Settings, StartError, Tasks};
use query_service::{Config, OpenedLog, QueryService, SETTINGS};
use tonic::service::Routes;

fn main() -> ExitCode {
    let command = Command::new("query-service")
        .about(
            "The read side of the shop: folds events into tables and answers from them over gRPC",
        )
        .version(env!("CARGO_PKG_VERSION"));
    runtime::serve::<ReadSide>(command)
}

struct ReadSide {
    log: OpenedLog,
    service: QueryService,
}

impl Service for ReadSide {
    const SETTINGS: ServiceSettings = SETTINGS;
    type Config = Config;

    fn configure(settings: &Settings) -> Result<Config, ConfigError> {
        Config::read(settings)
    }

    async fn open(databases: &Databases, config: Config) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log = OpenedLog::open(databases, Arc::clone(&clock)).await?;
        let service = QueryService::start(databases, &config, log.store(), clock).await?;
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
