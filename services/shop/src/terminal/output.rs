//! Standard output: text for a terminal, or JSON for programs.

use std::fmt;
use std::io::Write;

use clap::{Arg, ArgAction, ArgMatches};
use event_sourcing::{Clock, CommandId, SystemClock};
use serde::Serialize;
use uuid::Uuid;

const JSON: &str = "json";

/// The format in which a command writes its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Text,
    /// One JSON object a line.
    Json,
}

impl Output {
    /// The format that `--json` selects.
    pub fn of(arguments: &ArgMatches) -> Self {
        if arguments.get_flag(JSON) {
            Self::Json
        } else {
            Self::Text
        }
    }

    /// Writes `value` as JSON, or as the result of `text`.
    pub fn write<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) {
        match self {
            Self::Text => print(&text(value)),
            Self::Json => match serde_json::to_string(value) {
                Ok(json) => print(&json),
                Err(error) => unreachable!("plain values fit into JSON: {error}"),
            },
        }
    }
}

pub fn json_flag() -> Arg {
    Arg::new(JSON)
        .long(JSON)
        .action(ArgAction::SetTrue)
        .help("Write JSON for programs, one object a line, instead of text")
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
