//! A gRPC service as a standalone process.

use std::process::ExitCode;

use axum::Router;
use clap::{ArgMatches, Command};
use tonic::service::Routes;

use super::{
    ConnectionLimits, GrpcListener, HttpListener, StartError, StopDeadline, StopSignals, Tasks,
    healthcheck, run, upkeep,
};
use crate::config::{self, Databases, Listeners, Read, Reader, ServiceSettings, Settings};
use crate::health::{self, Health};
use crate::telemetry::{self, TelemetryConfig};

/// One for gRPC, one for health and metrics.
const LISTENERS: usize = 2;

/// A service without listeners, together with its own event store.
pub trait Service: Sized {
    /// The settings that are specific to this service.
    const SETTINGS: ServiceSettings;
    /// The values of its own settings.
    type Config;

    /// Reads [`ServiceSettings::own`]. Called before anything is bound or opened.
    ///
    /// # Errors
    /// A setting does not parse.
    fn configure(reader: &mut Reader) -> Read<Self::Config>;

    /// Migrates the databases, and does nothing else.
    ///
    /// # Errors
    /// A database cannot be opened, or its schema does not fit this binary.
    fn migrate(databases: &Databases) -> impl Future<Output = Result<(), StartError>>;

    /// Opens the event store and starts the service; migrates the databases if the settings enable it.
    ///
    /// # Errors
    /// A database cannot be opened, or its schema does not fit this binary.
    fn open(
        databases: &Databases,
        config: Self::Config,
    ) -> impl Future<Output = Result<Self, StartError>>;

    fn routes(&self) -> Routes;

    fn health(&self) -> &Health;

    /// The tasks of the service, to which its listeners are added.
    fn tasks(&self) -> &Tasks;

    /// Additional HTTP routes next to `/health`, its probes and `/metrics`.
    fn http(&self) -> Router {
        Router::new()
    }

    /// Stops the service and closes the event store. Anything incomplete at the deadline is abandoned.
    fn close(self, deadline: StopDeadline) -> impl Future<Output = ()>;
}

/// Runs the service `S` as a binary, with flags for its settings and the subcommands `healthcheck` and `migrate`, and
/// returns the exit code. `command` has the binary's name, description and version.
#[must_use]
pub fn serve<S: Service>(command: Command) -> ExitCode {
    let command = command
        .subcommand(
            Command::new("healthcheck")
                .about("Checks whether the running service is ready; exit code 0 if it is"),
        )
        .subcommand(Command::new("migrate").about("Migrates the databases and exits"));
    let matches = config::command(command, &S::SETTINGS.specs()).get_matches();
    run(start::<S>(matches))
}

struct Config<S: Service> {
    listeners: Listeners,
    connections: ConnectionLimits,
    databases: Databases,
    own: S::Config,
    telemetry: TelemetryConfig,
}

impl<S: Service> Config<S> {
    fn read(reader: &mut Reader) -> Read<Self> {
        let listeners = S::SETTINGS.listeners(reader);
        let connections = ConnectionLimits::read(reader, LISTENERS);
        let databases = S::SETTINGS.databases(reader);
        let own = S::configure(reader);
        let telemetry = TelemetryConfig::read(reader);
        Ok(Self {
            listeners: listeners?,
            connections: connections?,
            databases: databases?,
            own: own?,
            telemetry: telemetry?,
        })
    }
}

async fn start<S: Service>(matches: ArgMatches) -> Result<(), StartError> {
    let settings = Settings::from_process(&matches);
    if matches.subcommand_name() == Some("healthcheck") {
        let metrics = settings.read(|reader| reader.get(S::SETTINGS.metrics))?;
        return healthcheck(metrics, None).await;
    }
    let config = settings.read(Config::<S>::read)?;
    let metrics = telemetry::install(&config.telemetry)?;
    let mut signals = StopSignals::listen()?;
    if matches.subcommand_name() == Some("migrate") {
        let migrated = signals.unless_asked(S::migrate(&config.databases)).await;
        return migrated.unwrap_or(Ok(()));
    }
    let listeners = config.listeners;
    let grpc = GrpcListener::bind(S::SETTINGS.grpc.spec.name, listeners.grpc)
        .await?
        .with_limits(config.connections)
        .with_tls(listeners.tls.as_ref())?;
    let http = HttpListener::bind(S::SETTINGS.metrics.spec.name, listeners.metrics)
        .await?
        .with_limits(config.connections);
    let opening = S::open(&config.databases, config.own);
    let Some(service) = signals.unless_asked(opening).await else {
        return Ok(());
    };
    let service = service?;
    upkeep(metrics.clone(), service.tasks());
    grpc.serve(service.routes(), service.tasks());
    let router = health::router(service.health().clone(), metrics).merge(service.http());
    http.serve(router, service.tasks());
    let stopped = signals
        .stop_requested(&[service.tasks()], listeners.stop.delay)
        .await;
    service
        .close(StopDeadline::within(listeners.stop.limit))
        .await;
    stopped
}
