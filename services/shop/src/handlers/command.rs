//! The command line of `shop handlers`.

use clap::{Arg, Command};

use crate::location;
use crate::terminal::{actor_args, json_flag, position_arg};

const ABOUT: &str = "\
Shows how far the write side's event handlers are, and pauses and resumes them.

An event handler does something outside the databases for each event, such as notifying a customer or calling a webhook.
Events of one stream, such as those of one order, are handled in order. One that fails is tried again; after the last
try its stream is parked in front of it. The later events of that stream wait in the log, and all other streams go on.

Each decision is an event of the log with who and why, and shown by `shop handlers show`.";

const AFTER: &str = "\
Examples:
  shop handlers list                               how far each of them is
  shop handlers show notifications                 which streams are parked, and why
  shop handlers pause notifications --reason \"the mail server moves\"
  shop handlers resume notifications --reason \"it has moved\"
  shop handlers resume notifications order/4711 --reason \"the mailbox is there again\"
  shop handlers skip notifications order/4711 815 --reason \"told by telephone\"

Exit codes: 0 done, 1 the service refused or did not answer, 2 a wrong setting or flag.";

const LIST_ABOUT: &str = "\
Lists the event handlers of the command-service that answers: the state, the position, how many events of the log it lags
behind, how many streams are parked, and how many events are tried again.

  running   this process delivers events to it
  waiting   another process does, or this one will as soon as a lease has ended
  paused    an operator paused it
  full      too many streams are parked: it reads no further until some are resumed
  failing   a database does not answer; it is tried again";

const SHOW_ABOUT: &str = "\
Shows how an event handler stands; which streams are parked, each with the event in front of which it stands and what was
wrong with it; and what operators have decided about it.";

const PAUSE_ABOUT: &str = "\
Has an event handler stand still until it is resumed. It takes effect within a second; what is being delivered comes to
its end. No event is lost meanwhile.";

const RESUME_ABOUT: &str = "\
Has an event handler work again that is paused, and all its parked streams try again; with STREAM, only that stream.

It is always safe: what still cannot be handled is parked again. A start of the command-service does the same for all
parked streams.";

const SKIP_ABOUT: &str = "\
Leaves the event out at which a stream is parked. The later events of the stream are then handled, in order.

STREAM and POSITION are as `shop handlers show` prints them. The event stays in the log. It cannot be taken back.";

pub fn command() -> Command {
    Command::new("handlers")
        .about("Look at event handlers, and pause or resume them")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(json_flag().global(true))
        .subcommands([
            Command::new("list")
                .about("List the event handlers")
                .long_about(LIST_ABOUT),
            Command::new("show")
                .about("Show an event handler with its parked streams")
                .long_about(SHOW_ABOUT)
                .arg(name()),
            Command::new("pause")
                .about("Have an event handler stand still")
                .long_about(PAUSE_ABOUT)
                .arg(name())
                .args(actor_args()),
            Command::new("resume")
                .about("Have an event handler, or one parked stream, try again")
                .long_about(RESUME_ABOUT)
                .arg(name())
                .arg(stream().required(false))
                .args(actor_args()),
            Command::new("skip")
                .about("Leave the event out at which a stream is parked")
                .long_about(SKIP_ABOUT)
                .arg(name())
                .arg(stream())
                .arg(position_arg())
                .args(actor_args()),
        ])
}

fn name() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("The event handler's name, such as notifications")
}

fn stream() -> Arg {
    Arg::new("stream")
        .value_name("STREAM")
        .required(true)
        .help("The parked stream, such as order/4711")
}
