//! The command line of `shop projections`.

use clap::{Arg, Command};

use crate::location;
use crate::terminal::{actor_args, json_flag, position_arg};

const ABOUT: &str = "\
Shows how far the read side's projections are, and resumes parked ones.

A projection folds the events of the log into the rows that queries read. An event that it cannot read or fold parks it:
it stands in front of that event, its rows stay as they are, and the other projections go on. Nothing is lost meanwhile.
Most often a newer binary wrote the event, and the projection resumes by itself when the read side is upgraded.

Each decision is an event of the log with who and why, and shown by `shop projections show`.";

const AFTER: &str = "\
Examples:
  shop projections list                            how far each of them is
  shop projections show orders                     why it is parked, and what was decided before
  shop projections resume orders --reason \"the row was repaired\"
  shop projections skip orders 4711 --reason \"a test event\"

Exit codes: 0 done, 1 the service refused or did not answer, 2 a wrong setting or flag.";

const LIST_ABOUT: &str = "\
Lists the projections of the query-service that answers: the shape and number of the table, the state, the position, and
how many events of the log it lags behind.

  following   this process folds events into its rows
  building    its rows have not caught up with the log yet
  parked      it stands in front of an event that it cannot read or fold
  waiting     another process folds it, or will as soon as a lease has ended
  failing     a database does not answer; it is tried again";

const SHOW_ABOUT: &str = "\
Shows how a projection stands; if it is parked, the event in front of which it stands and what is wrong with it; and
what operators have decided about it.";

const RESUME_ABOUT: &str = "\
Has a parked projection try its event again, in every query database.

Do it once the cause is gone. It is always safe: if the event still cannot be read or folded, the projection is parked
again. A start of the query-service does the same for the projections of that process.";

const SKIP_ABOUT: &str = "\
Leaves the event in front of which a projection is parked out of its rows, in every query database and every rebuild.

POSITION is that event's, as `shop projections show` prints it. What the event says is then missing from the rows, and
later events are folded into rows without it. The event stays in the log. It cannot be taken back.";

pub fn command() -> Command {
    Command::new("projections")
        .about("Look at projections, and resume those that are parked")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(json_flag().global(true))
        .subcommands([
            Command::new("list")
                .about("List the projections")
                .long_about(LIST_ABOUT),
            Command::new("show")
                .about("Show a projection with what was decided about it")
                .long_about(SHOW_ABOUT)
                .arg(name()),
            Command::new("resume")
                .about("Have a parked projection try its event again")
                .long_about(RESUME_ABOUT)
                .arg(name())
                .args(actor_args()),
            Command::new("skip")
                .about("Leave the event out that a projection is parked at")
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
