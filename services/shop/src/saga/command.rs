//! The command line of `shop saga`.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};
use domain::fulfilment::SAGA_TYPES;
use sagas::SagaStatus;

use crate::location;
use crate::terminal::{actor_args, json_flag, parse_age};

const ABOUT: &str = "\
Looks at the sagas of the running services, and does what only a person can.

Every order has a saga that reserves its goods, takes the money and arranges the shipment, or undoes all of it. A
saga whose step fails again and again although it must succeed is suspended: it waits for a person. Nothing is lost
meanwhile, and nothing happens by itself.

Each act is written into the saga's history with who and why, and shown by `shop saga show`.";

const AFTER: &str = "\
Examples:
  shop saga list --state suspended                 what waits for a person
  shop saga show 01a205f0-32ca-7946-ae55-3fbee53359f4
                                                   what happened to a saga, or to an order's latest one
  shop saga resume ID --reason \"the bank is back\"  let it go on
  shop saga list --state failed --older-than 1d    what was closed, begun yesterday or before

Exit codes: 0 done, 1 the service refused or did not answer, 2 a wrong setting or flag.";

const LIST_ABOUT: &str = "\
Lists sagas, the latest first: the open ones, unless --state says which.

Open sagas are told by the write side, as they are at this moment, with their tries. As soon as one state asked for is
an end (completed, compensated, failed), the read side tells of all of them, a few milliseconds later and without
tries.";

const SHOW_ABOUT: &str = "\
Shows where a saga stands, and its timeline: each event with the time since its beginning, the step, the try, how it
ended, the key under which the provider knows it, and when the next try is due; what goes forward and what undoes;
who did what by hand, and why.

ID is a saga's or an order's. Of an order it is the latest saga.

  ▶ forward   ◀ backward   ‖ waits for a person   ● a person's act   ■ the end";

const RESUME_ABOUT: &str = "\
Lets a suspended saga go on. The step that it could not pass is tried again, with as many tries as at first.

Do it once the cause is gone: the provider answers again, the account is unlocked. It is always safe: the provider is
asked under the same key, so that nothing is done twice. If the step was refused for good, so that the key is closed, a
new key is used.";

const RETRY_ABOUT: &str = "\
Makes the next try now, instead of when it is due.

A suspended saga gets one try; if it fails, the saga is suspended again at once. It is always safe, like resume.";

const CANCEL_ABOUT: &str = "\
Asks for the saga's order to be undone, as its customer could. The step under way finishes, then everything is undone.
A confirmed order is undone by a saga of its own, whose id is printed. Refused once the order is shipped.";

const RESOLVE_ABOUT: &str = "\
Takes the step that a suspended saga cannot pass for done by hand; if it was being undone, for undone. The saga goes on
with the next step. The service does not check it: make sure, at the provider, that it is so.

With --close the saga ends here as failed, and so does its order, for good. What it holds (goods, money, a shipment)
stays held: --close only if all of that was settled by hand.";

pub fn command() -> Command {
    Command::new("saga")
        .about("Look at sagas, and help those that wait for a person")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(json_flag().global(true))
        .subcommands([
            list(),
            Command::new("show")
                .about("Show a saga with its timeline")
                .long_about(SHOW_ABOUT)
                .arg(id("A saga's id, or an order's")),
            act("resume", "Let a suspended saga go on", RESUME_ABOUT),
            act("retry", "Make the next try now", RETRY_ABOUT),
            act("cancel", "Have a saga's order undone", CANCEL_ABOUT),
            act("resolve", "Take a step for done by hand", RESOLVE_ABOUT).arg(
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
        .help("Only sagas begun at least so long ago, such as 90s, 15m, 2h or 3d");
    let limit = Arg::new("limit")
        .long("limit")
        .value_name("N")
        .default_value("100")
        .value_parser(value_parser!(i32).range(1..=500))
        .help("How many at most, 1 to 500");
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
