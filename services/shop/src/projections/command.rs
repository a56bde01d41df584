//! The command line of `shop projections`.

use clap::{Arg, ArgAction, Command};

use crate::location;
use crate::terminal::{actor_args, output_arg, position_arg};

const ABOUT: &str = "\
Shows the state and position of the read side's projections, pauses and rebuilds them, and resumes parked ones.

A projection folds the events of the log into the rows that queries read. An event that it cannot read or fold parks it:
it stops before that event, its rows stay as they are, and the other projections continue. Nothing is lost meanwhile.
Most often a newer binary wrote the event, and the projection resumes by itself when the read side is upgraded.

A rebuild folds the log again into a second table next to the live one, and compares the two. The live rows are served and
kept up to date meanwhile, and the previous ones are kept after the swap until they are dropped.

Each decision to pause, resume or skip is recorded in the log with a name and a reason, and shown by
`shop projections show`. A rebuild is recorded in the query database.";

const AFTER: &str = "\
Examples:
  shop projections list                            state, position and lag of each projection
  shop projections show orders                     why it is parked, and the decisions so far
  shop projections resume orders --reason \"the row was repaired\"
  shop projections skip orders 4711 --reason \"a test event\"
  shop projections rebuild orders --reason \"a row was damaged\"
  shop projections swap orders                     use the rebuilt rows

Exit codes: 0 done, 1 the service rejected it or did not answer, 2 an invalid setting or flag.";

const LIST_ABOUT: &str = "\
Lists the projections of the query-service that answers: the schema version and generation of the table, the state, the
position, and the lag in events of the log.

  following   this process folds events into its rows
  paused      an operator paused it
  building    its rows have not caught up with the log yet
  parked      it is stopped before an event that it cannot read or fold
  waiting     another process folds it, or will once a lease has expired
  failing     a database does not answer; it is retried

REBUILD is the rebuild under way, or the generation that is kept since the last one.";

const PAUSE_ABOUT: &str = "\
Pauses a projection until it is resumed, in every query database. It takes effect within two seconds.

Its rows stay as they are and are served. Reads that need a later position fail with READ_SIDE_STALLED, and subscriptions
end before it. Nothing is lost: the events stay in the log and are folded when the projection is resumed. Processes of a
version that does not know pauses continue to fold.";

const REBUILD_ABOUT: &str = "\
Folds the log again into a second table next to the live one, and compares the rows of the two.

It is safe at any time: the live rows are served and kept up to date, and skipped events are skipped. The query-service that
answers, or another one of the same database, does the work; interrupting this command does not interrupt it, and a service
that is killed continues at its next start. If a rebuild is under way, the command attaches to it; one that failed is
continued.

The report counts the rows that differ, in total and for each column, with samples. Both tables were the fold of the same
events when they were compared, so each difference is a fault of one of them: rows that were changed by hand, a fold that
has changed without a new schema version, or an event that was skipped after it had been folded.

On a terminal the command asks whether to use the rebuilt rows. Otherwise it leaves them ready for `shop projections swap`.";

const SWAP_ABOUT: &str = "\
Makes the rebuilt rows the live ones, in one transaction, once they have caught up with these.

Readers never see an earlier position. The previous table is kept, is not updated any more, and takes as much room as
before: `shop projections revert` returns to it, `shop projections drop` drops it.";

const REVERT_ABOUT: &str = "\
Makes the previous rows the live ones again, once they have caught up. The rebuilt table is kept.";

const DROP_ABOUT: &str = "\
Drops the table that is kept after a swap or a revert. It cannot be reverted after that; another rebuild can be started.";

const ABORT_ABOUT: &str = "\
Ends a rebuild that was not swapped, and drops its table. The live rows are not affected.";

const SHOW_ABOUT: &str = "\
Shows the state of a projection; if it is parked, the event at which it is parked and the reason; and the decisions of
operators.";

const RESUME_ABOUT: &str = "\
Resumes a paused or parked projection, in every query database.

Use it for a parked one once the cause is fixed. It is always safe: if the event still cannot be read or folded, the projection is parked
again. A start of the query-service does the same for the projections of that process.";

const SKIP_ABOUT: &str = "\
Skips the event at which a projection is parked, in every query database and every rebuild.

POSITION is that event's, as `shop projections show` prints it. The event's data is then missing from the rows, and
later events are folded into rows without it. The event stays in the log. This cannot be reverted.";

pub fn command() -> Command {
    Command::new("projections")
        .about("Show, pause and rebuild projections, and resume those that are parked")
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
            Command::new("pause")
                .about("Pause a projection")
                .long_about(PAUSE_ABOUT)
                .arg(name())
                .args(actor_args()),
            Command::new("resume")
                .about("Resume a paused or parked projection")
                .long_about(RESUME_ABOUT)
                .arg(name())
                .args(actor_args()),
            Command::new("skip")
                .about("Skip the event at which a projection is parked")
                .long_about(SKIP_ABOUT)
                .arg(name())
                .arg(position_arg())
                .args(actor_args()),
            rebuild(),
            Command::new("swap")
                .about("Use the rebuilt rows")
                .long_about(SWAP_ABOUT)
                .arg(name()),
            Command::new("revert")
                .about("Return to the rows from before the swap")
                .long_about(REVERT_ABOUT)
                .arg(name()),
            Command::new("drop")
                .about("Drop the rows that are kept after a swap or a revert")
                .long_about(DROP_ABOUT)
                .arg(name()),
            Command::new("abort")
                .about("End a rebuild, and drop its rows")
                .long_about(ABORT_ABOUT)
                .arg(name()),
        ])
}

fn rebuild() -> Command {
    let swap = Arg::new("swap")
        .long("swap")
        .action(ArgAction::SetTrue)
        .help("Use the rebuilt rows as soon as they were compared, whatever the differences are");
    let detach = Arg::new("detach")
        .long("detach")
        .action(ArgAction::SetTrue)
        .help("Only start it, and do not wait");
    Command::new("rebuild")
        .about("Rebuild the rows of a projection next to the live ones, and compare them")
        .long_about(REBUILD_ABOUT)
        .arg(name())
        .args(recorded_in_the_database(actor_args()))
        .args([swap, detach])
}

/// Unlike decisions, a rebuild belongs to one query database.
fn recorded_in_the_database([reason, who]: [Arg; 2]) -> [Arg; 2] {
    [
        reason.help("The reason, shown with the rebuild, 1 to 1000 characters"),
        who.help("The operator's name, shown with the rebuild, 1 to 255 characters [default: your login name]"),
    ]
}

fn name() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("The projection's name, such as orders")
}
