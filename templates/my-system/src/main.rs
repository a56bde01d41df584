//! The process: `my-system` serves until SIGINT or SIGTERM; `my-system healthcheck` asks a running one.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use my_system::app::MySystem;
use my_system::settings::{self, Config};
use platform::config;
use platform::runtime::{self, StopSignals};
use platform::{Settings, StartError, telemetry};

fn main() -> ExitCode {
    let healthcheck = Command::new("healthcheck")
        .about("Checks whether the running system is ready; exit code 0 if it is");
    let command = Command::new("my-system")
        .about("Accounts and payouts, on CQRS, event sourcing and sagas")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand(healthcheck);
    let matches = config::command(command, &settings::all()).get_matches();
    runtime::run(start(matches))
}

async fn start(matches: ArgMatches) -> Result<(), StartError> {
    let settings = Settings::from_process_with(&matches, settings::OWN);
    if matches.subcommand_name() == Some("healthcheck") {
        let http = settings.read(|reader| reader.get(&settings::HTTP_ADDR))?;
        return runtime::healthcheck(http, None).await;
    }
    let config = settings.read(Config::read)?;
    let metrics = telemetry::install(&config.telemetry)?;
    let mut signals = StopSignals::listen()?;
    let opening = MySystem::open(&config, metrics);
    let Some(system) = signals.unless_asked(opening).await else {
        return Ok(());
    };
    let system = system?;
    println!("my-system serves http://{}/graphql", system.address());
    let stopped = signals
        .stop_requested(&[system.tasks()], config.stop.delay)
        .await;
    system.close(config.stop.limit).await;
    stopped
}
