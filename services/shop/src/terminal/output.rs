//! Standard output: a table for operators, or JSON for programs.

use std::fmt;
use std::io::Write;

use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, ValueEnum};
use event_sourcing::{Clock, CommandId, SystemClock};
use serde::Serialize;
use uuid::Uuid;

const OUTPUT: &str = "output";

/// The format in which a command writes its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    #[default]
    Table,
    /// One JSON object a line.
    Json,
}

impl Output {
    /// The format that `--output` selects.
    pub fn of(arguments: &ArgMatches) -> Self {
        arguments
            .get_one(OUTPUT)
            .copied()
            .unwrap_or(Self::default())
    }

    /// Writes `value` as JSON, or as the result of `text`.
    pub fn write<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) {
        match self {
            Self::Table => print(&text(value)),
            Self::Json => print(&json(value)),
        }
    }

    /// Writes each of `values` as JSON, or all of them as the result of `text`.
    pub fn write_all<T: Serialize>(self, values: &[T], text: impl FnOnce(&[T]) -> String) {
        match self {
            Self::Table => print(&text(values)),
            Self::Json => values.iter().for_each(|value| print(&json(value))),
        }
    }
}

fn json<T: Serialize>(value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(json) => json,
        Err(error) => unreachable!("plain values fit into JSON: {error}"),
    }
}

pub fn output_arg() -> Arg {
    Arg::new(OUTPUT)
        .long(OUTPUT)
        .short('o')
        .value_name("FORMAT")
        .default_value("table")
        .value_parser(EnumValueParser::<Output>::new())
        .help("table, or json for programs: one object a line")
        .hide_possible_values(true)
}

/// Writes a line to standard output. A closed pipe is ignored.
pub fn print(line: &dyn fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Escapes control characters, so that text from the services stays on one line and cannot control the terminal.
pub fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// A new unique id.
pub fn new_id() -> Uuid {
    CommandId::from_parts(SystemClock.now(), rand::random()).0
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(line("Grüße, 名前 100 %"), "Grüße, 名前 100 %");
        assert_eq!(line("a\nb\u{1b}[2J\u{7}"), "a\\nb\\u{1b}[2J\\u{7}");
    }
}
