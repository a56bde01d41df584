//! The gateway as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Command;
use client_service::{Config, app, config};
use event_sourcing::SystemClock;
use platform::config::{app_env, args, names};
use platform::runtime::{StopSignals, healthcheck, run, upkeep};
use platform::telemetry::{self, TelemetryConfig};
use platform::{Settings, StartError};

fn main() -> ExitCode {
    run(serve())
}

fn command() -> Command {
    let specs = [config::SETTINGS, config::REMOTE_SETTINGS, names::COMMON].concat();
    Command::new("client-service")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "The gateway: GraphQL over HTTP in front of the command-service and the query-service",
        )
        .after_help(
            "Every setting is a flag, an environment variable (in brackets), or a key of the file \
             given with --config; a flag wins over a variable, a variable over the file.",
        )
        .args(args(&specs))
        .subcommand(
            Command::new("healthcheck")
                .about("Asks the running gateway whether it is ready; exit code 0 if it is"),
        )
}

async fn serve() -> Result<(), StartError> {
    let matches = command().get_matches();
    let settings = Settings::from_process(&matches)?;
    let http = settings.get(&names::CLIENT_HTTP_ADDR)?;
    if matches.subcommand_name() == Some("healthcheck") {
        return healthcheck(http).await;
    }
    let app_env = app_env(&settings, &[(&names::CLIENT_HTTP_ADDR.spec, http)])?;
    let config = Config::read(&settings, app_env)?;
    let channels = app::remote_channels(&settings)?;
    let metrics = telemetry::install(&TelemetryConfig::read(&settings)?)
        .map_err(|error| StartError::failed("collect metrics", error))?;
    let shutdown = config.shutdown;
    let signals = StopSignals::listen()?;
    let gateway = app::start(config, channels, metrics.clone(), Arc::new(SystemClock)).await?;
    upkeep(metrics, gateway.tasks());
    let asked = signals.asked(&[gateway.tasks()]).await;
    gateway.stop(shutdown).await?;
    asked
}
