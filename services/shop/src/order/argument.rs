//! The argument `ID`, which several commands take.

use clap::ArgMatches;

pub(super) fn id(arguments: &ArgMatches) -> String {
    arguments
        .get_one::<String>("id")
        .cloned()
        .unwrap_or_default()
}
