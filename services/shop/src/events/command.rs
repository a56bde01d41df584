//! The command line of `shop events`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use platform::config::{self, Spec, names};

use crate::terminal::{output_arg, parse_stream, position_arg};

const SETTINGS: &[Spec] = &[names::DATA_DIR.spec, names::EVENT_STORE_URL.spec];

const ABOUT: &str = "\
Shows, verifies and copies the events of the log as the event store holds them.

All but import only read the store's database, next to a running shop or without one.";

const AFTER: &str = "\
Examples:
  shop events tail --follow                        new events as they are written, until Ctrl-C
  shop events tail -n 50 --order ID                what is stored about an order
  shop events stream order/ID                      all events of a stream
  shop events show 7                               the event at position 7 of the log, with causes and effects
  shop events verify                               check the whole log
  shop events export events.jsonl                  copy the log to a file
  shop events import events.jsonl --event-store-url postgres://shop@db/shop
                                                   copy it to an empty event store on PostgreSQL

Exit codes: 0 done, 1 failed or found damage, 2 an invalid setting or flag.";

const TAIL_ABOUT: &str = "\
Prints the last events of the log, one a line: time, position, stream, version, type, and the fields that matter. With
--follow it prints new events as they are written, until Ctrl-C.

Conditions can be combined; all must hold. --order selects everything about an order: its stream, its sagas and its
stock. If fewer events match, it searches the last 100000 positions; --stream and --order search none.

While the database does not answer, --follow reports it on standard error and continues when it answers again.";

const SHOW_ABOUT: &str = "\
Shows the event at a position of the log: its stream and its version there, its type and the version of its schema, when
it was recorded, the command that wrote it, its data, and its metadata. Then the events of its commit, and what else was
written before and after: by the same request, searched in the 1000 positions before and after it, and about the same
order, wherever it is in the log. At most 50 events on each side.

Positions count from 1 without a gap. A response of the GraphQL API has the position of the last event that it
includes, as `extensions.position`.";

const STREAM_ABOUT: &str = "\
Prints all events of a stream in the order of their versions, one a line as `shop events tail`.";

const VERIFY_ABOUT: &str = "\
Checks the whole log up to its present end, also while a shop writes, and reports damage with its position:

  missingPosition      a position without an event
  repeatedPosition     a position that two events have
  unreadablePosition   a row that the database cannot return
  unreadableEvent      an event whose columns cannot be read
  unknownEventType     a type that this binary does not know, such as one of a newer release
  undecodableData      data that do not match their type and schema version
  missingVersion       a version of a stream that is missing before the event
  repeatedVersion      a version that the stream had before
  eventWithoutCommit   the first event of the commit is missing
  foreignEvent         an id that does not follow from the commit's command id
  repeatedCommand      a command id of an earlier commit
  foreignSnapshot      a snapshot that does not match its stream (`shop snapshots delete` removes it)
  orphan               a reference to an order, saga, product, stock or category that is not in the log
  storage              a damaged file, a missing unique index, or a row outside of the log

It reads the whole database, which takes less than a minute for each million events, and needs about 100 bytes of memory
for each stream and 30 for each commit. That the last events of the log are missing cannot be seen in the log: the services
report it at their start, because their checkpoints are then above its end. Nothing is repaired.

Exit codes: 0 the log is whole, 1 it is damaged or cannot be read, 2 an invalid setting or flag.";

const EXPORT_ABOUT: &str = "\
Writes the events of the log, with all their columns, to a file or to standard output: a header, one JSON object a line
for each event, and a trailer with their number and checksum, by which `shop events import` detects a file that was cut or
changed. It can run next to a running shop, and then ends at the position that was the last one when it started.

The file contains the personal data of customers. It holds the log only: not the ledger of simulated providers and the
idempotency keys of the command database, and not the read models, which can be rebuilt from the log.";

const IMPORT_ABOUT: &str = "\
Copies an exported log to an event store on either engine, with its positions, versions, ids, times, and the id of the
log. Tables that are missing are created.

The store must be empty, or hold the first events of the same log: an import that was interrupted continues when it is
repeated. The whole file is verified by the rules of `shop events verify` before the first event is written; it is
written in transactions of whole commits, 1000 events or a little more each. No shop may use the store: a file is locked, and on PostgreSQL no lease
may be held.

The import does not contain the command database. Keep it if the shop continues from the copy: simulated providers then
recognise payments and shipments, and idempotency keys their requests. The read models continue if their database is
kept, and are rebuilt if it is empty.";

pub fn command() -> Command {
    Command::new("events")
        .about("Show, verify and copy the events of the log")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(config::args(SETTINGS).map(|arg| arg.help_heading("Where the events are")))
        .subcommands([tail(), show(), stream(), verify(), export(), import()])
}

fn tail() -> Command {
    Command::new("tail")
        .about("Print the last events, and new ones as they are written")
        .long_about(TAIL_ABOUT)
        .args([
            Arg::new("lines")
                .long("lines")
                .short('n')
                .value_name("COUNT")
                .default_value("20")
                .value_parser(value_parser!(u64).range(0..=100_000))
                .help("The number of events before those that are followed, at most 100000"),
            Arg::new("follow")
                .long("follow")
                .short('f')
                .action(ArgAction::SetTrue)
                .help("Print new events as they are written, until Ctrl-C"),
            position(
                "after",
                "Print all events after this position, instead of the last ones",
            ),
            Arg::new("stream")
                .long("stream")
                .value_name("TYPE/ID")
                .value_parser(parse_stream)
                .help("Only events of this stream, such as order/ID"),
            Arg::new("stream-type")
                .long("stream-type")
                .value_name("TYPE")
                .help("Only events of streams of this type, such as order"),
            Arg::new("type")
                .long("type")
                .value_name("EVENT")
                .action(ArgAction::Append)
                .help("Only events of this type, such as OrderCreated; can be repeated"),
            Arg::new("correlation-id")
                .long("correlation-id")
                .value_name("ID")
                .help("Only events that this request caused"),
            Arg::new("order")
                .long("order")
                .value_name("ID")
                .help("Only events about this order"),
            output_arg(),
        ])
}

fn show() -> Command {
    Command::new("show")
        .about("Show one event with its causes and effects")
        .long_about(SHOW_ABOUT)
        .arg(position_arg())
        .arg(output_arg())
}

fn stream() -> Command {
    Command::new("stream")
        .about("Print all events of a stream")
        .long_about(STREAM_ABOUT)
        .arg(
            Arg::new("stream")
                .value_name("TYPE/ID")
                .required(true)
                .value_parser(parse_stream)
                .help("The stream, such as order/ID"),
        )
        .arg(output_arg())
}

fn verify() -> Command {
    Command::new("verify")
        .about("Check the whole log")
        .long_about(VERIFY_ABOUT)
        .arg(
            Arg::new("samples")
                .long("samples")
                .value_name("COUNT")
                .default_value("20")
                .value_parser(value_parser!(u64).range(1..=100_000))
                .help(
                    "The maximum number of findings of each kind that are listed; all are counted",
                ),
        )
        .arg(output_arg())
}

fn export() -> Command {
    Command::new("export")
        .about("Copy the log to a file")
        .long_about(EXPORT_ABOUT)
        .args([
            position(
                "after",
                "Start after this position [default: the start of the log]",
            ),
            position(
                "to",
                "End with the commit of this position [default: the end of the log]",
            ),
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The file, which must not exist [default: standard output]"),
        ])
}

fn import() -> Command {
    Command::new("import")
        .about("Copy an exported log to an event store")
        .long_about(IMPORT_ABOUT)
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The file that `shop events export` wrote"),
        )
        .arg(output_arg())
}

fn position(name: &'static str, help: &'static str) -> Arg {
    const MAX_POSITION: u64 = i64::MAX as u64 - 1;
    Arg::new(name)
        .long(name)
        .value_name("POSITION")
        .value_parser(value_parser!(u64).range(0..=MAX_POSITION))
        .help(help)
}
