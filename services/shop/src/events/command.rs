//! The command line of `shop events`.

use clap::Command;
use platform::config::{self, Spec, names};

use crate::terminal::{output_arg, position_arg};

const SETTINGS: &[Spec] = &[names::DATA_DIR.spec, names::EVENT_STORE_URL.spec];

const ABOUT: &str = "\
Shows events as the event store holds them.

It reads the store's database, next to a shop that runs or without one, and writes nothing.";

const AFTER: &str = "\
Examples:
  shop events show 7                               the event at position 7 of the log
  shop events show 7 --output json                 the same for programs

Exit codes: 0 done, 1 there is no such event or the database cannot be read, 2 a wrong setting or flag.";

const SHOW_ABOUT: &str = "\
Shows the event at a position of the log: its stream and its version there, its type and the version of its schema, when
it was recorded, the command that wrote it, its data, and its metadata.

Positions count from 1 without a gap. An answer of the GraphQL API carries the position of the last event that it
includes, as `extensions.position`.";

pub fn command() -> Command {
    let show = Command::new("show")
        .about("Show one event")
        .long_about(SHOW_ABOUT)
        .arg(position_arg())
        .arg(output_arg());
    Command::new("events")
        .about("Show events as they are stored")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(config::args(SETTINGS).map(|arg| arg.help_heading("Where the events are")))
        .subcommand(show)
}
