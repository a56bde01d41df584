//! Which event of the log something is about.

use clap::{Arg, value_parser};

pub fn position_arg() -> Arg {
    Arg::new("position")
        .value_name("POSITION")
        .required(true)
        .value_parser(value_parser!(i64).range(1..))
        .help("The position of the event in the log")
}
