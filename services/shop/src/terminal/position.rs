//! The argument that names an event by its position in the log.

use clap::{Arg, value_parser};

pub fn position_arg() -> Arg {
    Arg::new("position")
        .value_name("POSITION")
        .required(true)
        .value_parser(value_parser!(i64).range(1..))
        .help("The position of the event in the log")
}
