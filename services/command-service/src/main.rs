//! The write side as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgMatches, Command};
use command_service::config::{Listeners, SPECS};
use command_service::{CommandConfig, CommandService, OpenedStore};
use event_sourcing::{Clock, SystemClock};
use platform::config::{self, Settings, names};
use platform::runtime::{self, GrpcListener, HttpListener, StopSignals};
use platform::telemetry::{self, TelemetryConfig};
use platform::{StartError, health};

fn main() -> ExitCode {
    let specs = [SPECS, names::COMMON].concat();
    let command = Command::new("command-service")
        .about("The write side of the shop: takes commands over gRPC and stores their events")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand(
            Command::new("healthcheck")
                .about("Asks the running service how it is; exit code 0 if well"),
        )
        .subcommand(Command::new("migrate").about("Brings the databases up to date and ends"));
    let matches = config::command(command, &specs).get_matches();
    runtime::run(start(matches))
}

async fn start(matches: ArgMatches) -> Result<(), StartError> {
    let settings = Settings::from_process(&matches)?;
    let listeners = Listeners::read(&settings)?;
    if matches.subcommand_name() == Some("healthcheck") {
        return runtime::healthcheck(listeners.metrics).await;
    }
    let mut config = CommandConfig::read(&settings)?;
    let metrics = telemetry::install(&TelemetryConfig::read(&settings)?)
        .map_err(|error| StartError::failed("collect metrics", error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if matches.subcommand_name() == Some("migrate") {
        config.migrate = true;
        return migrate(&config, clock, &listeners).await;
    }
    let signals = StopSignals::listen()?;
    let grpc = GrpcListener::bind(names::COMMAND_GRPC_ADDR.spec.name, listeners.grpc).await?;
    let http = HttpListener::bind(names::COMMAND_METRICS_ADDR.spec.name, listeners.metrics).await?;
    let store = OpenedStore::open(&config, Arc::clone(&clock)).await?;
    let service = CommandService::start(&config, store.store(), clock).await?;
    runtime::upkeep(metrics.clone(), service.tasks());
    grpc.serve(service.routes(), service.tasks());
    http.serve(
        health::router(service.health().clone(), metrics),
        service.tasks(),
    );
    let stopped = signals.asked(&[service.tasks()]).await;
    service.stop(listeners.shutdown_limit).await;
    store.close().await;
    stopped
}

async fn migrate(
    config: &CommandConfig,
    clock: Arc<dyn Clock>,
    listeners: &Listeners,
) -> Result<(), StartError> {
    let store = OpenedStore::open(config, Arc::clone(&clock)).await?;
    let service = CommandService::start(config, store.store(), clock).await?;
    service.stop(listeners.shutdown_limit).await;
    store.close().await;
    Ok(())
}
