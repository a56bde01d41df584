//! The gateway as a separate process.

use std::process::ExitCode;
use std::sync::Arc;

use authentication::ServiceSecret;
use clap::Command;
use client_service::config::RemoteServices;
use client_service::{Config, app, config};
use event_sourcing::SystemClock;
use platform::config::{Read, Reader, app_env, args, names};
use platform::runtime::{StopSignals, healthcheck, run, upkeep};
use platform::telemetry::{self, TelemetryConfig};
use platform::tls::ClientTls;
use platform::{Settings, StartError};

/// The services make many small, short-lived allocations, for which mimalloc is faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(serve())
}

fn command() -> Command {
    Command::new("client-service")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "The gateway: GraphQL over HTTP in front of the command-service and the query-service",
        )
        .after_help(
            "Every setting is a flag, an environment variable (in brackets), or a key of the file \
             given with --config; a flag wins over a variable, a variable over the file.",
        )
        .args(args(&config::of_process()))
        .subcommand(
            Command::new("healthcheck")
                .about("Asks the running gateway whether it is ready; exit code 0 if it is"),
        )
}

/// All settings of the binary.
struct ServiceConfig {
    gateway: Config,
    services: RemoteServices,
    telemetry: TelemetryConfig,
}

impl ServiceConfig {
    fn read(reader: &mut Reader) -> Read<Self> {
        let app_env = app_env(reader, &[&names::CLIENT_HTTP_ADDR]);
        let secret = ServiceSecret::require_file(reader);
        let gateway = Config::read(reader, app_env);
        let services = RemoteServices::read(reader);
        let telemetry = TelemetryConfig::read(reader);
        secret?;
        Ok(Self {
            gateway: gateway?,
            services: services?,
            telemetry: telemetry?,
        })
    }
}

async fn check(settings: &Settings) -> Result<(), StartError> {
    let (http, tls) = settings.read(|reader| {
        let http = reader.get(&names::CLIENT_HTTP_ADDR);
        let tls = ClientTls::read_of_listener(reader);
        Ok((http?, tls?))
    })?;
    healthcheck(http, tls).await
}

async fn serve() -> Result<(), StartError> {
    let matches = command().get_matches();
    let settings = Settings::from_process(&matches);
    if matches.subcommand_name() == Some("healthcheck") {
        return check(&settings).await;
    }
    let config = settings.read(ServiceConfig::read)?;
    let channels = app::remote_channels(&config.services)?;
    let metrics = telemetry::install(&config.telemetry)?;
    let stop = config.gateway.stop;
    let signals = StopSignals::listen()?;
    let clock = Arc::new(SystemClock);
    let gateway = app::start(config.gateway, channels, metrics.clone(), clock).await?;
    upkeep(metrics, gateway.tasks());
    let asked = signals.stop_requested(&[gateway.tasks()], stop.delay).await;
    gateway.stop(stop.limit).await?;
    asked
}
