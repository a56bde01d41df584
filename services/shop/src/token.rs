//! `shop token`: a token for development and for operators.

use std::time::Duration;

use authentication::Role;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use event_sourcing::{Clock, SystemClock};
use platform::StartError;
use platform::config::{self, Settings, Spec, names};

use crate::credentials::issuer;
use crate::terminal::{print, text_of};

const SETTINGS: &[Spec] = &[
    names::AUTH_JWT_SECRET_FILE.spec,
    names::AUTH_ISSUER.spec,
    names::AUTH_AUDIENCE.spec,
    names::AUTH_ROLES_CLAIM.spec,
];

const MAX_MINUTES: i64 = 366 * 24 * 60;
const MAX_USER_ID: usize = 255;

const ABOUT: &str = "\
Prints a token that a shop accepts which has the same secret (AUTH_JWT_SECRET_FILE): for development, tests and operators.

It is signed with that secret, and no shop is asked: it cannot be taken back before it expires.";

pub fn command() -> Command {
    let user = Arg::new("user")
        .long("user")
        .value_name("ID")
        .required(true)
        .value_parser(user_id)
        .help("The id of the user, as in userId of orders: 1 to 255 characters");
    let role = Arg::new("role")
        .long("role")
        .value_name("ROLE")
        .action(ArgAction::Append)
        .value_parser(["admin", "customer"])
        .default_value("customer")
        .help("What the user may do; may be given twice");
    let minutes = Arg::new("minutes")
        .long("minutes")
        .value_name("N")
        .default_value("60")
        .value_parser(value_parser!(u32).range(1..=MAX_MINUTES))
        .help("How long the token is valid, 1 minute to a year");
    Command::new("token")
        .about("Print a token for a user of a shop with authentication")
        .long_about(ABOUT)
        .next_line_help(true)
        .args([user, role, minutes])
        .args(config::args(SETTINGS).map(|arg| arg.help_heading("How the shop verifies tokens")))
}

fn user_id(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=MAX_USER_ID => Ok(text.to_owned()),
        length => Err(format!(
            "must be 1 to {MAX_USER_ID} characters, got {length}"
        )),
    }
}

/// Runs `shop token`.
///
/// # Errors
/// A setting is invalid, or there is no secret.
pub fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let roles = arguments.get_many::<String>("role").into_iter().flatten();
    let roles: Vec<Role> = roles.filter_map(|name| name.parse().ok()).collect();
    let minutes = arguments.get_one::<u32>("minutes").copied().unwrap_or(60);
    let valid_for = Duration::from_mins(minutes.into());
    let user = text_of(arguments, "user");
    let settings = Settings::from_process(arguments);
    let (issuer, request) = settings.read(|reader| {
        let secret_file = reader.get(&names::AUTH_JWT_SECRET_FILE)?;
        issuer(reader, &secret_file, user, roles, valid_for)
    })?;
    print(&issuer.issue(&request, SystemClock.now()));
    Ok(())
}
