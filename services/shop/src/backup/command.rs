//! The command line of `shop backup`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use platform::config::{self, Spec, names};

use crate::terminal::output_arg;

const SETTINGS: &[Spec] = &[
    names::DATA_DIR.spec,
    names::EVENT_STORE_URL.spec,
    names::COMMAND_DATABASE_URL.spec,
];

const PROGRAMS: &str = "pg-bin";
const ACCEPT_DAMAGE: &str = "accept-damage";

const ABOUT: &str = "\
Copies the event store and the command database into a folder, next to a shop that runs or without one.

Writes are not blocked. Everything that was acknowledged before the command started is in the copy. The read models are not
copied: the read side builds them from the log.

SQLite files are copied by SQLite itself, from one snapshot of each file; databases on PostgreSQL by pg_dump, which must be at least
as new as the server. Each copy is then read: `PRAGMA quick_check`, or `pg_restore --list`. At last the whole log is verified, as by
`shop events verify`: that of the copy on SQLite, else that of the server. A damaged log fails the backup, unless --accept-damage is given.

The file manifest.json is written last, with the size and the SHA-256 of each file, the id of the log and its last event. A
folder without it is no backup. The copies contain personal data and no passwords.";

const AFTER: &str = "\
Examples:
  shop backup --to /srv/backups/monday
  shop backup --to /srv/backups/monday --output json
  EVENT_STORE_URL=postgres://… COMMAND_DATABASE_URL=postgres://… shop backup --to /srv/backups/monday

Restore it with: shop restore --from FOLDER

Exit codes: 0 done, 1 failed, and there is no backup in the folder, 2 an invalid setting or flag.";

pub fn command() -> Command {
    let to = Arg::new("to")
        .long("to")
        .value_name("FOLDER")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("The folder of the backup, which must be missing or empty");
    Command::new("backup")
        .about("Back up the databases of a shop, also while it runs")
        .long_about(ABOUT)
        .after_help(AFTER)
        .arg(to)
        .arg(programs_arg())
        .arg(accept_damage_arg(
            "Keep the backup of a log that is damaged",
        ))
        .arg(output_arg())
        .args(database_args())
}

/// The flag that accepts a damaged log.
pub fn accept_damage_arg(help: &'static str) -> Arg {
    Arg::new(ACCEPT_DAMAGE)
        .long(ACCEPT_DAMAGE)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// Whether a damaged log is accepted.
pub fn accepts_damage(arguments: &ArgMatches) -> bool {
    arguments.get_flag(ACCEPT_DAMAGE)
}

/// The settings that name the two databases.
pub fn database_args() -> impl Iterator<Item = Arg> {
    config::args(SETTINGS).map(|arg| arg.help_heading("Where the data are"))
}

/// The flag `--pg-bin`.
pub fn programs_arg() -> Arg {
    Arg::new(PROGRAMS)
        .long(PROGRAMS)
        .value_name("FOLDER")
        .value_parser(value_parser!(PathBuf))
        .help(
            "The folder with pg_dump and pg_restore [default: the version of the server, or the next one, of those in PATH and \
             in /usr/lib/postgresql]",
        )
}

/// The folder that `--pg-bin` names.
pub fn programs_of(arguments: &ArgMatches) -> Option<PathBuf> {
    arguments.get_one(PROGRAMS).cloned()
}
