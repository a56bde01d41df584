//! The command line of `shop projections`.

use clap::{Arg, Command};

use crate::location;
use crate::terminal::{actor_args, output_arg, position_arg};

const ABOUT: &str = "\
Shows the state and position of the read side's projections, and resumes parked ones.

A projection folds the events of the log into the rows that queries read. An event that it cannot read or fold parks it:
it stops before that event, its rows stay as they are, and the other projections continue. Nothing is lost meanwhile.
Most often a newer binary wrote the event, and the projection resumes by itself when the read side is upgraded.

Each decision is recorded in the log with a name and a reason, and shown by `shop projections show`.";

const AFTER: &str = "\
Examples:
  shop projections list                            state, position and lag of each projection
  shop projections show orders                     why it is parked, and the decisions so far
  shop projections resume orders --reason \"the row was repaired\"
  shop projections skip orders 4711 --reason \"a test event\"

Exit codes: 0 done, 1 the service rejected it or did not answer, 2 an invalid setting or flag.";

const LIST_ABOUT: &str = "\
Lists the projections of the query-service that answers: the schema version and generation of the table, the state, the
position, and the lag in events of the log.

  following   this process folds events into its rows
  building    its rows have not caught up with the log yet
  parked      it is stopped before an event that it cannot read or fold
  waiting     another process folds it, or will once a lease has expired
  failing     a database does not answer; it is retried";

const SHOW_ABOUT: &str = "\
Shows the state of a projection; if it is parked, the event at which it is parked and the reason; and the decisions of
operators.";

const RESUME_ABOUT: &str = "\
Resumes a parked projection, in every query database.

Use it once the cause is fixed. It is always safe: if the event still cannot be read or folded, the projection is parked
again. A start of the query-service does the same for the projections of that process.";

const SKIP_ABOUT: &str = "\
Skips the event at which a projection is parked, in every query database and every rebuild.

POSITION is that event's, as `shop projections show` prints it. The event's data is then missing from the rows, and
later events are folded into rows without it. The event stays in the log. This cannot be reverted.";

pub fn command() -> Command {
    Command::new("projections")
        .about("Show projections, and resume those that are parked")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(output_arg().global(true))
        .subcommands([
            Command::new("list")
                .about("List the projections")
                .long_about(LIST_ABOUT),
            Command::new("show")
                .about("Show a projection with the decisions about it")
                .long_about(SHOW_ABOUT)
                .arg(name()),
            Command::new("resume")
                .about("Resume a parked projection")
                .long_about(RESUME_ABOUT)
                .arg(name())
                .args(actor_args()),
            Command::new("skip")
                .about("Skip the event at which a projection is parked")
                .long_about(SKIP_ABOUT)
                .arg(name())
                .arg(position_arg())
                .args(actor_args()),
        ])
}

fn name() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("The projection's name, such as orders")
}
