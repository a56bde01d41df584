//! The command line of `shop snapshots`.

use clap::{Arg, ArgAction, ArgGroup, Command, value_parser};
use platform::config::{self, Spec, names};

use crate::terminal::{output_arg, parse_stream};

const SETTINGS: &[Spec] = &[names::DATA_DIR.spec, names::EVENT_STORE_URL.spec];

const ABOUT: &str = "\
Shows and deletes snapshots: stored states of long streams, from which the write side loads a stream instead of folding
it from its first event.

A snapshot is never needed for correctness. One of a schema version that a binary does not use is ignored, as is one that
does not match its stream's events.";

const AFTER: &str = "\
Examples:
  shop snapshots list                              how many there are, by stream type and schema version
  shop snapshots show stock/ID                     the snapshots of a stream
  shop snapshots delete --type stock --schema-version 1
                                                   those that older binaries wrote

Exit codes: 0 done, 1 failed, 2 an invalid setting or flag.";

const LIST_ABOUT: &str = "\
Lists how many snapshots there are of each stream type and schema version, whether this binary uses them, how large they
are, and when the oldest and the newest was taken. It reads all snapshots.";

const SHOW_ABOUT: &str = "\
Shows the snapshots of a stream, one for each schema version: the version up to which the stream was folded, the last
event that was folded, and the state.";

const DELETE_ABOUT: &str = "\
Deletes the snapshots of a stream, a stream type or a schema version, or all of them. The conditions can be combined.

It is always safe: a stream without a snapshot is loaded from its first event, which takes longer, and gets a new one at
its next multiple of 100 events. On PostgreSQL the shop may run meanwhile. A SQLite file has one writing process: stop
the shop first.";

pub fn command() -> Command {
    let stream = || {
        Arg::new("stream")
            .value_name("TYPE/ID")
            .value_parser(parse_stream)
            .help("The stream, such as stock/ID")
    };
    let delete = Command::new("delete")
        .about("Delete snapshots")
        .long_about(DELETE_ABOUT)
        .args([
            stream().long("stream"),
            Arg::new("type")
                .long("type")
                .value_name("TYPE")
                .conflicts_with("stream")
                .help("Of streams of this type, such as stock"),
            Arg::new("schema-version")
                .long("schema-version")
                .value_name("NUMBER")
                .value_parser(value_parser!(u32))
                .help("Of this schema version"),
            Arg::new("all")
                .long("all")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["stream", "type", "schema-version"])
                .help("All snapshots"),
            output_arg(),
        ])
        .group(
            ArgGroup::new("selection")
                .args(["stream", "type", "schema-version", "all"])
                .multiple(true)
                .required(true),
        );
    Command::new("snapshots")
        .about("Show and delete snapshots")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(config::args(SETTINGS).map(|arg| arg.help_heading("Where the snapshots are")))
        .subcommands([
            Command::new("list")
                .about("List how many snapshots there are")
                .long_about(LIST_ABOUT)
                .arg(output_arg()),
            Command::new("show")
                .about("Show the snapshots of a stream")
                .long_about(SHOW_ABOUT)
                .arg(stream().required(true))
                .arg(output_arg()),
            delete,
        ])
}
