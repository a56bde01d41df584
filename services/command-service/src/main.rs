//! The write side as a standalone process.

use std::process::ExitCode;
use std::sync::Arc;

use authentication::ServiceSecret;
use axum::Router;
use clap::Command;
use command_service::{CommandService, Config, SETTINGS, open_event_store};
use event_sourcing::SteadyClock;
use event_store_any::AnyEventStore;
use platform::config::{Databases, Read, Reader, ServiceSettings};
use platform::health::watch_clock;
use platform::runtime::{self, Service, StopDeadline};
use platform::{Health, StartError, Tasks};
use tonic::service::Routes;

/// Services make many small, short-lived allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Command::new("command-service")
        .about("The write side of the shop: takes commands over gRPC and stores their events")
        .version(env!("CARGO_PKG_VERSION"));
    runtime::serve::<WriteSide>(command)
}

struct WriteSide {
    store: AnyEventStore,
    service: CommandService,
}

impl Service for WriteSide {
    const SETTINGS: ServiceSettings = SETTINGS;
    type Config = Config;

    fn configure(reader: &mut Reader) -> Read<Config> {
        let secret = ServiceSecret::require_file(reader);
        let config = Config::read(reader);
        secret.and(config)
    }

    async fn migrate(databases: &Databases) -> Result<(), StartError> {
        command_service::migrate(databases).await
    }

    async fn open(databases: &Databases, config: Config) -> Result<Self, StartError> {
        let clock = SteadyClock::start();
        let store = open_event_store(databases, clock.clone()).await?;
        let service = CommandService::start(databases, &config, &store, Arc::new(clock.clone()));
        let service = service.await?;
        watch_clock(service.health(), service.tasks(), clock).await;
        Ok(Self { store, service })
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

    fn http(&self) -> Router {
        self.service.webhooks()
    }

    async fn close(self, deadline: StopDeadline) {
        self.service.stop(deadline.for_tasks()).await;
        deadline.close("the event store", self.store.close()).await;
    }
}
