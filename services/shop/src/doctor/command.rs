//! The command line of `shop doctor`.

use clap::Command;
use platform::config::{self, Spec, names};

use crate::location;
use crate::terminal::output_arg;

const DATA: &[Spec] = &[
    names::DATA_DIR.spec,
    names::EVENT_STORE_URL.spec,
    names::COMMAND_DATABASE_URL.spec,
    names::QUERY_DATABASE_URL.spec,
];

const ABOUT: &str = "\
Looks at everything that a shop depends on, and states what is wrong and what to do: the configuration, the databases and their settings,
clocks, disk, the health of the services, lag and parked events of projections and event handlers, and sagas that are suspended or stuck.

It writes nothing, and can be run at any time, with the services running or not. Without them it states that they do not answer, and
checks the rest. Each check is

  ok        as it should be
  unknown   it could not be checked; the text states why
  WARNING   it works, and should be looked at
  FAILED    it does not work, or data are at risk

The settings are those of the shop: give it the shop's variables or its --config file. Secrets are never shown. A SQLite file is read as
a whole (`PRAGMA quick_check`), which takes some seconds for each gigabyte.";

const AFTER: &str = "\
Examples:
  shop doctor
  shop doctor --config /etc/shop.toml
  shop doctor --output json | jq 'select(.status == \"failed\")'

Exit codes: 0 no check failed, 1 a check failed, 2 an invalid flag.";

pub fn command() -> Command {
    let data = config::args(DATA).map(|arg| arg.help_heading("Where the data are"));
    Command::new("doctor")
        .about("Check everything a shop depends on, and state what to do")
        .long_about(ABOUT)
        .after_help(AFTER)
        .arg(output_arg())
        .args(data)
        // The first one is `--config` again.
        .args(location::args().skip(1))
}
