//! The command line: all commands and their help texts.

use std::process::ExitCode;

use clap::Command;
use platform::{Settings, runtime};

use crate::location::{self, Location};
use crate::settings::settings;
use crate::{
    backup, completions, doctor, effective_settings, events, handlers, man, order, projections,
    restore, saga, seed, snapshots, start, token,
};

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
  shop doctor                           what is wrong with the shop, and what to do
  shop config                           the effective settings, and where each one comes from
  shop backup --to /srv/backups/monday  copy the databases while the shop runs
  shop restore --from /srv/backups/monday
                                        restore that copy into a stopped shop
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
            Some(("doctor", arguments)) => doctor::run(arguments).await,
            Some(("config", arguments)) => effective_settings::run(arguments),
            Some(("backup", arguments)) => backup::run(arguments).await,
            Some(("restore", arguments)) => restore::run(arguments).await,
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
            doctor::command(),
            effective_settings::command(),
            backup::command(),
            restore::command(),
            token::command(),
            healthcheck,
            migrate,
            completions::command(),
            man::command(),
        ]);
    settings(shop)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
