//! The command line of `shop order`.

use clap::{Arg, ArgAction, Command, value_parser};

use super::products::RequestedItem;
use crate::location;
use crate::terminal::output_arg;

/// The API's offsets have 32 bits.
const MAX_OFFSET: i64 = 2_000_000_000;

const ABOUT: &str = "\
Places orders in a running shop and follows them, through its public GraphQL API as any client would. A command sees
every event stored before it started, also those of other commands: it first asks the query-service for the end of the
log.";

const AFTER: &str = "\
Examples:
  shop order place --user ada --item \"First Flush Sencha=3\" --item \"Almond Bar=1\" --follow
  shop order list --user ada --status confirmed
  shop order follow 01a205f0-32ca-7946-ae55-3fbee53359f4
  shop order cancel 01a205f0-32ca-7946-ae55-3fbee53359f4 --reason \"changed my mind\"

Exit codes: 0 done (followed: confirmed), 1 rejected, no answer, or (followed) cancelled or failed, 2 an invalid flag.";

const PLACE_ABOUT: &str = "\
Places an order. The command returns as soon as the order is stored; its saga reserves the stock, takes the payment and
arranges the shipment afterwards. --follow waits for that.

An item is a product's id or its exact name, then `=`, then the quantity. The last `=` separates them, so that names may
contain `=`. If several products have the name, they are listed and nothing is ordered.";

const FOLLOW_ABOUT: &str = "\
Prints each step of an order's saga as it happens, until the order is confirmed (exit code 0), or cancelled, failed or
suspended (exit code 1). For an order that has reached its end already, it returns immediately. While nothing happens, a
line on standard error names every 2 s what the order waits for.";

const LIST_ABOUT: &str = "\
Lists orders, the latest first: all of them, or those of a user or with a status.";

const CANCEL_ABOUT: &str = "\
Cancels an order, whatever its saga is doing; rejected once it is shipped. The command returns as soon as the request is
stored; the order is CANCELLED once every step is compensated.";

pub fn command() -> Command {
    let with_id = |name: &'static str, about: &'static str| {
        let id = Arg::new("id").value_name("ID").required(true);
        Command::new(name)
            .about(about)
            .arg(id.help("The order's id"))
    };
    let reason = Arg::new("reason")
        .long("reason")
        .value_name("REASON")
        .help("The reason, at most 1000 characters");
    Command::new("order")
        .about("Place orders and follow them")
        .long_about(ABOUT)
        .after_help(AFTER)
        .subcommand_required(true)
        .args(location::args())
        .arg(output_arg().global(true))
        .subcommands([
            place(),
            with_id(
                "follow",
                "Print the steps of an order's saga as they happen",
            )
            .long_about(FOLLOW_ABOUT),
            list(),
            with_id("show", "Show an order and its latest saga"),
            with_id("cancel", "Cancel an order")
                .long_about(CANCEL_ABOUT)
                .arg(reason),
            with_id("ship", "Mark a confirmed order as shipped"),
            with_id("deliver", "Mark a shipped order as delivered"),
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
                .help("Only orders with this status"),
            number("limit", "100")
                .value_parser(value_parser!(u32).range(1..=10_000))
                .help("The maximum number of orders, 1 to 10000"),
            number("offset", "0")
                .value_parser(value_parser!(u32).range(0..=MAX_OFFSET))
                .help("The number of latest orders to skip"),
        ])
}

fn place() -> Command {
    let text =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    let item = text("item", "PRODUCT=QUANTITY")
        .required(true)
        .action(ArgAction::Append)
        .value_parser(RequestedItem::parse)
        .help("A product and its quantity; may be given up to 100 times");
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
            .help_heading("Shipping address; all three or none")
    });
    Command::new("place")
        .about("Place an order")
        .long_about(PLACE_ABOUT)
        .arg(
            text("user", "USER")
                .required(true)
                .help("The customer's user id, 1 to 255 characters"),
        )
        .arg(item)
        .args(address)
        .arg(
            Arg::new("follow")
                .long("follow")
                .action(ArgAction::SetTrue)
                .help("Follow the order, as `shop order follow` does"),
        )
        .arg(text("key", "KEY").help(
            "An Idempotency-Key: the same command with the same key places only one order [default: a new key]",
        ))
}
