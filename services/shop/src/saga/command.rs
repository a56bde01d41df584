//! The command line of `shop saga`.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};
use domain::fulfilment::SAGA_TYPES;
use sagas::SagaStatus;

use crate::location;
use crate::terminal::{actor_args, output_arg, parse_age};

const ABOUT: &str = "\
Shows the sagas of the running services, and resumes, cancels or resolves them as an operator.

Every order has a saga that reserves its goods, takes the money and arranges the shipment, or compensates all of it. A
saga is suspended when a step that must succeed has failed too often. It then stays suspended until an operator acts;
nothing is lost.

Each operator command is recorded in the saga's log with a name and a reason, and shown by `shop saga show`.";

const AFTER: &str = "\
Examples:
  shop saga list --state suspended                 sagas that need an operator
  shop saga show 01a205f0-32ca-7946-ae55-3fbee53359f4
                                                   the timeline of a saga, or of an order's latest one
  shop saga resume ID --reason \"the bank is back\"  retry its step
  shop saga list --state failed --older-than 1d    sagas closed as failed, started more than a day ago

Exit codes: 0 done, 1 the service rejected it or did not answer, 2 an invalid setting or flag.";

const LIST_ABOUT: &str = "\
Lists sagas, the latest first: the open ones, or those in the states given with --state.

Open sagas are listed by the write side, with their current state and number of tries. If a final state is among those
asked for (completed, compensated, failed), all are listed by the read side, which lags by a few milliseconds and
does not know the tries.";

const SHOW_ABOUT: &str = "\
Shows a saga's status and its timeline: each event with the time since the start, the step, the try and its outcome,
the idempotency key sent to the provider, and when the next try is due; which events compensate; and the commands of
operators, with names and reasons.

ID is a saga's or an order's. For an order, its latest saga is shown.

  ▶ forward   ◀ compensation   ‖ suspended   ● operator command   ■ end";

const RESUME_ABOUT: &str = "\
Resumes a suspended saga. The step that failed is retried, with the full number of tries.

Use it once the cause is fixed: the provider answers again, the account is unlocked. It is always safe: the call is
repeated under the same idempotency key, so that it takes effect once. If the provider declined the step, its key is
closed and a new key is used.";

const RETRY_ABOUT: &str = "\
Makes the next try now, instead of when it is due.

A suspended saga gets one try; if that fails, the saga is suspended again immediately. It is always safe, like resume.";

const CANCEL_ABOUT: &str = "\
Cancels the saga's order, as its customer could. The step in flight finishes, then all steps are compensated. A
confirmed order is cancelled by a saga of its own, whose id is printed. Rejected once the order is shipped.";

const RESOLVE_ABOUT: &str = "\
Records the failed step of a suspended saga as done manually or, if it was being compensated, as compensated. The saga
resumes with the next step. The service cannot verify it: check at the provider first.

With --close the saga ends as failed, and its order fails permanently. What it holds (goods, money, a shipment) stays
held: use --close only after all of that was settled manually.";

pub fn command() -> Command {
    Command::new("saga")
        .about("Show sagas, and act on those that need an operator")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(output_arg().global(true))
        .subcommands([
            list(),
            Command::new("show")
                .about("Show a saga with its timeline")
                .long_about(SHOW_ABOUT)
                .arg(id("A saga's id, or an order's")),
            act("resume", "Resume a suspended saga", RESUME_ABOUT),
            act("retry", "Make the next try now", RETRY_ABOUT),
            act("cancel", "Cancel a saga's order", CANCEL_ABOUT),
            act("resolve", "Record a step as done manually", RESOLVE_ABOUT).arg(
                Arg::new("close")
                    .long("close")
                    .action(ArgAction::SetTrue)
                    .help("End the saga and its order as failed instead"),
            ),
        ])
}

fn list() -> Command {
    let state = Arg::new("state")
        .long("state")
        .value_name("STATE")
        .action(ArgAction::Append)
        .value_parser(PossibleValuesParser::new(
            SagaStatus::ALL.map(SagaStatus::as_str),
        ))
        .help("Only sagas in this state; may be given more than once");
    let saga_type = Arg::new("type")
        .long("type")
        .value_name("TYPE")
        .value_parser(SAGA_TYPES)
        .help("Only sagas of this type");
    let step = Arg::new("step")
        .long("step")
        .value_name("STEP")
        .help("Only sagas at this step, such as process_payment");
    let age = Arg::new("older-than")
        .long("older-than")
        .value_name("AGE")
        .value_parser(parse_age)
        .help("Only sagas started at least this long ago, such as 90s, 15m, 2h or 3d");
    let limit = Arg::new("limit")
        .long("limit")
        .value_name("N")
        .default_value("100")
        .value_parser(value_parser!(i32).range(1..=500))
        .help("The maximum number of sagas, 1 to 500");
    Command::new("list")
        .about("List sagas")
        .long_about(LIST_ABOUT)
        .args([state, saga_type, step, age, limit])
}

fn act(name: &'static str, about: &'static str, long_about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .long_about(long_about)
        .arg(id("The saga's id"))
        .args(actor_args())
}

fn id(help: &'static str) -> Arg {
    Arg::new("id").value_name("ID").required(true).help(help)
}
