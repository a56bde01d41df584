//! The command line of `shop order`.

use clap::{Arg, ArgAction, Command, value_parser};

use super::products::RequestedItem;
use crate::location;
use crate::terminal::json_flag;

/// The API counts in 32 bits.
const MAX_OFFSET: i64 = 2_000_000_000;

const ABOUT: &str = "\
Places orders in a running shop and follows them, through its public GraphQL API as any client would. A command sees
all that was stored before it began, also by another command: it asks the query-service how far the log is.";

const AFTER: &str = "\
Examples:
  shop order place --user ada --item \"First Flush Sencha=3\" --item \"Almond Bar=1\" --follow
  shop order list --user ada --status confirmed
  shop order follow 01a205f0-32ca-7946-ae55-3fbee53359f4
  shop order cancel 01a205f0-32ca-7946-ae55-3fbee53359f4 --reason \"changed my mind\"

Exit codes: 0 done (followed: it was confirmed), 1 refused, no answer, or (followed) cancelled or failed, 2 a wrong flag.";

const PLACE_ABOUT: &str = "\
Orders something. The answer comes as soon as the order is stored; stock, money and shipment are seen to afterwards, by
its saga. --follow waits for that.

An item is a product's id or its exact name, then `=`, then how many. The last `=` counts, so that names may have some.
If several products have the name, they are listed and nothing is ordered.";

const FOLLOW_ABOUT: &str = "\
Prints each step of an order's saga as it happens, until the order is confirmed (exit code 0), or cancelled, failed or
waiting for a person (exit code 1). An order that is already there tells at once. When nothing happens, a line on
standard error says every 2 s what it waits for.";

const LIST_ABOUT: &str = "\
Lists orders, the latest first: all of them, or those of a user, or those in a state.";

const CANCEL_ABOUT: &str = "\
Asks for an order to be undone, whatever is being done for it; refused once it is shipped. The answer comes as soon as
the wish is stored; the order is CANCELLED when nothing of it is left.";

pub fn command() -> Command {
    let with_id = |name: &'static str, about: &'static str| {
        let id = Arg::new("id").value_name("ID").required(true);
        Command::new(name)
            .about(about)
            .arg(id.help("The order's id"))
    };
    let reason = Arg::new("reason")
        .long("reason")
        .value_name("WHY")
        .help("Why, at most 1000 characters");
    Command::new("order")
        .about("Place orders and follow them")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(json_flag().global(true))
        .subcommands([
            place(),
            with_id("follow", "See how an order comes about").long_about(FOLLOW_ABOUT),
            list(),
            with_id("show", "Show an order and its latest saga"),
            with_id("cancel", "Have an order undone")
                .long_about(CANCEL_ABOUT)
                .arg(reason),
            with_id("ship", "Give a confirmed order to the carrier"),
            with_id("deliver", "Note that a shipped order has arrived"),
        ])
}

fn list() -> Command {
    let number = |name: &'static str, default: &'static str| {
        let number = Arg::new(name).long(name).value_name("N");
        number.default_value(default)
    };
    let statuses = [
        "pending",
        "processing",
        "confirmed",
        "shipped",
        "delivered",
        "cancelled",
        "failed",
    ];
    Command::new("list")
        .about("List orders")
        .long_about(LIST_ABOUT)
        .args([
            Arg::new("user")
                .long("user")
                .value_name("USER")
                .help("Only this user's orders"),
            Arg::new("status")
                .long("status")
                .value_name("STATUS")
                .ignore_case(true)
                .value_parser(statuses)
                .help("Only orders in this state"),
            number("limit", "100")
                .value_parser(value_parser!(u32).range(1..=10_000))
                .help("How many at most, 1 to 10000"),
            number("offset", "0")
                .value_parser(value_parser!(u32).range(0..=MAX_OFFSET))
                .help("How many of the latest to leave out"),
        ])
}

fn place() -> Command {
    let text =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let item = text("item", "PRODUCT=QUANTITY")
        .required(true)
        .action(ArgAction::Append)
        .value_parser(RequestedItem::parse)
        .help("What and how many; may be given up to 100 times");
    let address = [
        ("street", "STREET", "Street and number"),
        ("city", "CITY", "City"),
        ("postal-code", "CODE", "Postal code"),
    ];
    let address = address.map(|(name, value, help)| {
        let others = ["street", "city", "postal-code"];
        let others = others.into_iter().filter(|other| *other != name);
        text(name, value)
            .requires_all(others.collect::<Vec<_>>())
            .help(help)
            .help_heading("Where it goes; all three or none")
    });
    Command::new("place")
        .about("Order something")
        .long_about(PLACE_ABOUT)
        .arg(
            text("user", "USER")
                .required(true)
                .help("Whose order it is, 1 to 255 characters"),
        )
        .arg(item)
        .args(address)
        .arg(
            Arg::new("follow")
                .long("follow")
                .action(ArgAction::SetTrue)
                .help("See how it comes about, as `shop order follow` does"),
        )
        .arg(text("key", "KEY").help(
            "An Idempotency-Key: the same command with the same key orders only once [default: a new one]",
        ))
}
