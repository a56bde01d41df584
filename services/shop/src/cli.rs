//! The command line: all commands, their help texts, and the settings of the shop.

use std::process::ExitCode;

use clap::{Arg, Command};
use platform::config::{self, Spec, names};
use platform::{Settings, runtime};

use crate::config::LOG_LEVEL;
use crate::location::{self, Location};
use crate::{
    completions, events, handlers, man, order, projections, saga, seed, snapshots, start, token,
};

const DATA: &[Spec] = &[
    names::DATA_DIR.spec,
    names::EVENT_STORE_URL.spec,
    names::COMMAND_DATABASE_URL.spec,
    names::QUERY_DATABASE_URL.spec,
    names::POOL_SIZE.spec,
    names::MIGRATE.spec,
    names::START_TIMEOUT_MS.spec,
];
const LISTENERS: &[Spec] = &[
    names::CLIENT_HTTP_ADDR.spec,
    names::COMMAND_GRPC_ADDR.spec,
    names::COMMAND_METRICS_ADDR.spec,
    names::QUERY_GRPC_ADDR.spec,
    names::QUERY_METRICS_ADDR.spec,
    names::TLS_CERT_FILE.spec,
    names::TLS_KEY_FILE.spec,
    names::TLS_CLIENT_CA_FILE.spec,
    names::INSECURE.spec,
    names::MAX_CONNECTIONS_PER_PEER.spec,
];
const PROCESS: &[Spec] = &[
    names::APP_ENV.spec,
    LOG_LEVEL.spec,
    names::LOG_FORMAT.spec,
    names::OTEL_EXPORTER_OTLP_ENDPOINT.spec,
    names::OTEL_EXPORTER_OTLP_PROTOCOL.spec,
    names::OTEL_TRACES_SAMPLER.spec,
    names::OTEL_TRACES_SAMPLER_ARG.spec,
    names::OTEL_SERVICE_NAME.spec,
    names::SHUTDOWN_DELAY_MS.spec,
    names::SHUTDOWN_TIMEOUT_MS.spec,
];

const ABOUT: &str = "\
A small shop: categories, products and their stock, on CQRS and event sourcing.

Without a command it starts all three services (write side, read side, GraphQL gateway) in one process, on
SQLite files in the data folder. No other software is needed. Ctrl-C stops it cleanly.

Every flag is also a variable, named in brackets, and a key of the file given with --config: the key
`section.key` is the variable SECTION_KEY. Flags win over variables, variables over the file.";

const AFTER: &str = "\
Examples:
  shop                                  start in ./data, GraphQL on http://127.0.0.1:4000/graphql
  shop --data-dir /var/lib/shop         start in another folder
  shop seed --products 1000             put a sample catalogue into the running shop
  shop order place --user ada --item \"First Flush Sencha=3\" --follow
                                        place an order and follow its saga
  shop saga list --state suspended      sagas that need an operator
  shop projections list                 position, lag and state of each projection
  shop handlers list                    position, lag and state of notifications and webhooks
  shop events tail --follow             events as they are written
  shop events verify                    check the whole event log
  shop snapshots list                   the stored states of long streams
  shop token --user ada                 a token for a customer
  shop healthcheck                      ask the running shop whether it is ready
  shop migrate                          migrate the databases and exit

The commands find the running shop by the same settings: give them the variables or the --config file of that shop.

Exit codes: 0 stopped cleanly or done, 1 failed, 2 an invalid setting or flag.";

const HEALTHCHECK_ABOUT: &str = "\
Asks the gateway of the running shop whether it is ready, prints its answer, and exits with 0 if it is and 1 if not.";

const MIGRATE_ABOUT: &str = "\
Runs the pending migrations of all three databases, then exits. A shop on SQLite files must be stopped first. A start
runs the same migrations, unless MIGRATE is off. The settings are the shop's own.";

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let matches = command().get_matches();
    runtime::run(async move {
        match matches.subcommand() {
            Some(("seed", arguments)) => seed::fill(arguments).await,
            Some(("order", arguments)) => order::run(arguments).await,
            Some(("saga", arguments)) => saga::run(arguments).await,
            Some(("projections", arguments)) => projections::run(arguments).await,
            Some(("handlers", arguments)) => handlers::run(arguments).await,
            Some(("events", arguments)) => events::run(arguments).await,
            Some(("snapshots", arguments)) => snapshots::run(arguments).await,
            Some(("token", arguments)) => token::run(arguments),
            Some(("completions", arguments)) => {
                completions::print(arguments, command());
                Ok(())
            }
            Some(("man", arguments)) => man::write(arguments, command()),
            Some(("healthcheck", arguments)) => {
                let location = Location::of(arguments)?;
                runtime::healthcheck_at(location.gateway.to_string(), location.health_tls).await
            }
            Some(("migrate", arguments)) => {
                start::migrate(&Settings::from_process(arguments)).await
            }
            _ => start::run(&Settings::from_process(&matches)).await,
        }
    })
}

pub fn command() -> Command {
    let healthcheck = Command::new("healthcheck")
        .about("Ask the running shop whether it is ready")
        .long_about(HEALTHCHECK_ABOUT)
        .args(location::args());
    let migrate = settings(
        Command::new("migrate")
            .about("Migrate the databases and exit")
            .long_about(MIGRATE_ABOUT)
            .next_line_help(true),
    );
    let shop = Command::new("shop")
        .version(env!("CARGO_PKG_VERSION"))
        .about("All three services of the shop in one process")
        .long_about(ABOUT)
        .after_help(AFTER)
        .next_line_help(true)
        .subcommands([
            seed::command(),
            order::command(),
            saga::command(),
            projections::command(),
            handlers::command(),
            events::command(),
            snapshots::command(),
            token::command(),
            healthcheck,
            migrate,
            completions::command(),
            man::command(),
        ]);
    settings(shop)
}

/// `command` with all settings of the shop.
fn settings(command: Command) -> Command {
    let sections = sections().into_iter();
    command
        .args(local(config::args(&[])))
        .args(sections.flat_map(|(heading, specs)| section(heading, &specs)))
}

/// All settings of the shop, by the headings of its help.
pub fn sections() -> [(&'static str, Vec<Spec>); 7] {
    let (mode, secret) = (names::AUTH.spec, names::SERVICE_SECRET_FILE.spec);
    let gateway = client_service::config::SETTINGS;
    [
        ("Data", DATA.to_vec()),
        ("Listeners", LISTENERS.to_vec()),
        ("GraphQL gateway", gateway.to_vec()),
        (
            "Authentication",
            [&[mode], names::TOKENS, &[secret]].concat(),
        ),
        ("Providers and sagas", names::WRITE_SIDE.to_vec()),
        ("Read side", names::READ_SIDE.to_vec()),
        ("Process", PROCESS.to_vec()),
    ]
}

/// The flags of some settings, under a heading of the help.
fn section(heading: &'static str, specs: &[Spec]) -> impl Iterator<Item = Arg> + use<> {
    // The first one is `--config`, which belongs to no section.
    local(config::args(specs))
        .skip(1)
        .map(move |arg| arg.help_heading(heading))
}

/// Settings of the shop are not flags of its subcommands.
fn local(args: impl Iterator<Item = Arg>) -> impl Iterator<Item = Arg> {
    args.map(|arg| arg.global(false))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
