//! The command line of `shop restore`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::backup::{accept_damage_arg, database_args, programs_arg};
use crate::terminal::output_arg;

const ABOUT: &str = "\
Restores the event store and the command database from a backup, into the databases that the settings name. No process of the shop
may run.

It rejects a folder without a complete manifest and a file that differs from it, a database that has data unless --replace is given,
and databases that a shop uses. Afterwards it reads the whole restored log, and compares its id and its end with the manifest.

With --replace, SQLite files are moved aside, to names that start with theirs and `.replaced-`; on PostgreSQL the tables are
replaced in one transaction for each database, and their old content is lost. If the second of two databases fails, the
first one is restored already: run the command again.

What came after the end of the restored log is removed from the command database: positions of event handlers, and the answers of
requests with an Idempotency-Key, so that a client that repeats a lost request has it executed. The read models need nothing:
the read side notices that its rows belong to a longer log, and builds them from the restored one. Payments, shipments and mails of
lost orders are not undone at their providers.";

const AFTER: &str = "\
Examples:
  shop restore --from /srv/backups/monday --data-dir /var/lib/shop
  shop restore --from /srv/backups/monday --replace
  EVENT_STORE_URL=postgres://… COMMAND_DATABASE_URL=postgres://… shop restore --from /srv/backups/monday

Exit codes: 0 restored and verified, 1 rejected or failed, 2 an invalid setting or flag.";

pub fn command() -> Command {
    let from = Arg::new("from")
        .long("from")
        .value_name("FOLDER")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("The folder of the backup");
    let replace = Arg::new("replace")
        .long("replace")
        .action(ArgAction::SetTrue)
        .help("Replace the data that the databases have");
    Command::new("restore")
        .about("Restore the databases of a shop from a backup")
        .long_about(ABOUT)
        .after_help(AFTER)
        .arg(from)
        .arg(replace)
        .arg(accept_damage_arg(
            "Restore a log that is damaged, without verifying it",
        ))
        .arg(programs_arg())
        .arg(output_arg())
        .args(database_args())
}
