//! The command line of `shop handlers`.

use clap::{Arg, Command};

use crate::location;
use crate::terminal::{actor_args, output_arg, position_arg};

const ABOUT: &str = "\
Shows the state and position of the write side's event handlers, and pauses and resumes them.

An event handler does something outside the databases for each event, such as notifying a customer or calling a webhook.
Events of one stream, such as those of one order, are handled in order. One that fails is retried; after the last try
its stream is parked at that event. The later events of that stream wait in the log; all other streams continue.

Each decision is recorded in the log with a name and a reason, and shown by `shop handlers show`.";

const AFTER: &str = "\
Examples:
  shop handlers list                               state, position and lag of each handler
  shop handlers show notifications                 which streams are parked, and why
  shop handlers pause notifications --reason \"the mail server moves\"
  shop handlers resume notifications --reason \"it has moved\"
  shop handlers resume notifications order/4711 --reason \"the mailbox is there again\"
  shop handlers skip notifications order/4711 815 --reason \"notified by telephone\"

Exit codes: 0 done, 1 the service rejected it or did not answer, 2 an invalid setting or flag.";

const LIST_ABOUT: &str = "\
Lists the event handlers of the command-service that answers: the state, the position, the lag in events of the log, the
number of parked streams, and the number of events being retried.

  running   this process delivers events to it
  waiting   another process delivers, or this one will once a lease has expired
  paused    an operator paused it
  full      too many streams are parked: it reads no further until some are resumed
  failing   a database does not answer; it is retried";

const SHOW_ABOUT: &str = "\
Shows the state of an event handler; its parked streams, each with the event at which it is parked and the reason; and
the decisions of operators.";

const PAUSE_ABOUT: &str = "\
Pauses an event handler until it is resumed. It takes effect within a second; deliveries in flight finish. No event is
lost meanwhile.";

const RESUME_ABOUT: &str = "\
Resumes a paused event handler and retries all its parked streams; with STREAM, only that stream.

It is always safe: a stream whose event still cannot be handled is parked again. A start of the command-service retries
all parked streams too.";

const SKIP_ABOUT: &str = "\
Skips the event at which a stream is parked. The later events of the stream are then handled, in order.

STREAM and POSITION are as `shop handlers show` prints them. The event stays in the log. This cannot be reverted.";

pub fn command() -> Command {
    Command::new("handlers")
        .about("Show event handlers, and pause or resume them")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(output_arg().global(true))
        .subcommands([
            Command::new("list")
                .about("List the event handlers")
                .long_about(LIST_ABOUT),
            Command::new("show")
                .about("Show an event handler with its parked streams")
                .long_about(SHOW_ABOUT)
                .arg(name()),
            Command::new("pause")
                .about("Pause an event handler")
                .long_about(PAUSE_ABOUT)
                .arg(name())
                .args(actor_args()),
            Command::new("resume")
                .about("Resume an event handler, or one parked stream")
                .long_about(RESUME_ABOUT)
                .arg(name())
                .arg(stream().required(false))
                .args(actor_args()),
            Command::new("skip")
                .about("Skip the event at which a stream is parked")
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
