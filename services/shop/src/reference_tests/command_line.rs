//! `docs/reference/command-line.md`.

use std::fmt::Write;

use clap::Command;

use super::check;
use crate::cli;

const HEAD: &str = "\
# The command line

Made from the code by `UPDATE_GOLDEN=1 cargo test -p shop reference`; a test compares the two. It is what `--help` prints.
`shop completions` and `shop man` make completions for a shell and manual pages of the same. The settings that a command takes as flags
are in [their reference](settings.md).

The services as processes of their own, `command-service`, `query-service` and `client-service`, take their settings as flags as well, and
have the commands `healthcheck` and, except for the gateway, `migrate`.
";

fn reference() -> String {
    let mut command = cli::command();
    command.build();
    let mut page = HEAD.to_owned();
    add(&mut command, "", &mut page);
    page
}

/// Adds the help of a command, and of those below it.
fn add(command: &mut Command, above: &str, page: &mut String) {
    let name = format!("{above}{}", command.get_name());
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let help = lines.join("\n");
    // Writing to a `String` cannot fail.
    let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim());
    for command in command.get_subcommands_mut() {
        if command.get_name() != "help" {
            add(command, &format!("{name} "), page);
        }
    }
}

#[test]
fn the_reference_of_the_command_line_is_made_from_its_help() {
    check("command-line.md", &reference());
}
